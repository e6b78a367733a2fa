"""Pages of synthetic conversions as files, for a static server: 1,000 rows a page, the same for the same count."""

import datetime
import hashlib
import json
import pathlib
import random

PAGE = 1000
START = datetime.datetime(2025, 1, 1, tzinfo=datetime.timezone.utc)


def stamp(seconds):
    return (START + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def conversion(i):
    r = random.Random(i)
    return {"conversion_id": f"c_{i:012}", "transaction_id": hashlib.sha256(str(i).encode()).hexdigest()[:32], "created_at": stamp(i * 30),
            "updated_at": stamp(15_638_400 + i), "affiliate_id": r.randrange(1, 400), "affiliate_name": f"Affiliate Partner {r.randrange(1, 400)} LLC",
            "advertiser_id": r.randrange(1, 30), "advertiser_name": f"Advertiser {r.randrange(1, 30)}", "offer_id": r.randrange(1, 900),
            "offer_name": f"Offer {r.randrange(1, 900)} – Español/US", "source_id": f"src-{r.randrange(50000):05}",
            "sub1": f"fb_{r.randrange(10**6)}_adset_{r.randrange(10**5)}" if r.random() < 0.7 else None,
            "sub2": f'kw "quoted"\\{r.randrange(10**4)}' if r.random() < 0.3 else None, "country": r.choice(["US", "CA", "GB", "DE", "MX"]),
            "device": r.choice(["mobile", "desktop", "tablet"]), "os": r.choice(["iOS 17.4", "Android 14", "Windows 11", "macOS 14"]),
            "clicks": r.randrange(50), "revenue": round(r.random() * 120, 2), "payout": round(r.random() * 80, 2), "is_fraud": r.random() < 0.02}


def write(folder, rows):
    """folder/PAGE.json for every page; how many there are."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    pages = -(-rows // PAGE)
    for p in range(pages):
        batch = [conversion(i) for i in range(p * PAGE, min(rows, (p + 1) * PAGE))]
        following = p + 2 if p + 1 < pages else None
        text = json.dumps({"data": batch, "paging": {"page": p + 1, "page_size": PAGE, "total_pages": pages, "total": rows, "next_page": following}},
                          ensure_ascii=False, separators=(",", ":"))
        (folder / f"{p + 1}.json").write_text(text)
    return pages
