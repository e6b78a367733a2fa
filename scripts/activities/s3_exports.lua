-- CSV exports in S3: one table a folder of the bucket, all columns text. What is loaded stands in signalroom.files.

local bucket = s3.bucket { name = setting("S3_BUCKET_NAME", ""), region = setting("AWS_REGION", "us-east-1"),
  endpoint = setting("S3_ENDPOINT_URL", "") }

local function is_table(key)
  key = key:lower()
  return key:find "%.csv$" or key:find "%.csv%.gz$"
end

local function exports(folder)
  return resource(s3.table_name(folder)) {
    window = "files",
    files = function(run)
      local list = {}
      for _, object in ipairs(bucket:list(run, folder .. "/")) do
        object.name = bucket.name .. "/" .. object.key
        if is_table(object.key) then list[#list + 1] = object end
      end
      return list
    end,
    fetch = function(run, window)
      run:csv(function(take) bucket:read(run, window.file, take) end)
    end,
  }
end

local declared = {
  base_url = bucket.url,
  secrets = { "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY" },
  probe = function(run) return bucket:probe(run) end,
}
local folders = setting("S3_PREFIXES", setting("S3_PREFIX", "orders-create,orders-update,prospects-create"))
for folder in folders:gmatch "[^,%s]+" do
  folder = folder:match "^/*(.-)/*$"
  if folder ~= "" then declared[#declared + 1] = exports(folder) end
end

source "s3_exports"(declared)
