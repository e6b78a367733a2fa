-- The sheet says whose spend a source of RedTrack is.
INSERT INTO public.affiliate_mapping (redtrack_source_id, redtrack_source_name, everflow_affiliate_id, everflow_affiliate_label,
    everflow_advertiser_id)
SELECT source_id, source_name, affiliate_id, affiliate, advertiser_id FROM google_sheets.sheets_data;
