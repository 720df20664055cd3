"""Feeds, imports, exports and fetched feeds, as the API document shows them."""

from typing import Any

from catalog.examples.known import MOMENT

FEED = """Handle,Title,Vendor,Option1 Name,Option1 Value,Variant SKU,Variant Price,Variant Inventory Qty
velvet-lipstick,Velvet Lipstick,Maison Rouge,Shade,Coral,VL-COR,19.90,120
velvet-lipstick,,,,Plum,VL-PLU,19.90,80
"""
FEED_TSV = """id\titem_group_id\ttitle\tprice\tsale_price\tcolor\tavailability\timage_link
VL-COR\tvelvet-lipstick\tVelvet Lipstick\t24.90 EUR\t19.90 EUR\tCoral\tin_stock\thttps://img.example.com/coral.jpg
"""
FEED_XML = """<?xml version="1.0"?>
<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel>
<item><g:id>VL-COR</g:id><g:title>Velvet Lipstick</g:title><g:price>19.90 EUR</g:price></item>
</channel></rss>
"""
FEED_JSONL = """{"handle": "lipstick", "title": "Lipstick", "variants": [{"price": {"amount": 1990}}]}
"""
FEEDS: dict[str, tuple[str, str]] = {
    "shopify": ("text/csv", FEED),
    "google-tsv": ("text/tab-separated-values", FEED_TSV),
    "google-xml": ("application/xml", FEED_XML),
    "json-lines": ("application/jsonl", FEED_JSONL),
}
FEED_SOURCE_WRITE: dict[str, Any] = {
    "url": "https://shop.example.com/feeds/goods.xml",
    "every_minutes": 60,
    "username": "yellowcart",
    "password": "a long one",
}
FEED_SOURCE: dict[str, Any] = {
    "id": "0196a1c0-5d1e-7c4a-9d0a-3f6b8a1c2e71",
    "url": "https://shop.example.com/feeds/goods.xml",
    "every_minutes": 60,
    "daily_at_hour": None,
    "username": "yellowcart",
    "has_password": True,
    "enabled": True,
    "off_reason": "",
    "failures": 0,
    "due_at": MOMENT,
    "created_at": MOMENT,
    "updated_at": MOMENT,
}
FEED_FETCH: dict[str, Any] = {
    "id": "0196a1c0-5d1e-7c4a-9d0a-3f6b8a1c2e72",
    "outcome": "unchanged",
    "code": "",
    "reason": "",
    "status": 304,
    "bytes": 0,
    "job": None,
    "started_at": MOMENT,
    "finished_at": MOMENT,
}
IMPORT: dict[str, Any] = {
    "id": "0196a1c0-5d1e-7c4a-9d0a-3f6b8a1c2e04",
    "filename": "spring.csv",
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "format": "shopify_csv",
    "dry_run": False,
    "status": "running",
    "rows_total": 2000,
    "rows_done": 1200,
    "bytes_total": 180000,
    "percent": 60,
    "rows_per_second": 1500.0,
    "eta_seconds": 0.5,
    "products_created": 400,
    "products_updated": 12,
    "products_unchanged": 3,
    "variants_created": 1150,
    "variants_updated": 48,
    "variants_unchanged": 1,
    "skipped": 1,
    "problems": 1,
    "error": "",
    "created_at": MOMENT,
    "started_at": MOMENT,
    "finished_at": None,
}
EXPORT_WRITE: dict[str, Any] = {"format": "jsonl", "filters": {"status": "approved"}}
EXPORT: dict[str, Any] = {
    "id": "0196a1c0-5d1e-7c4a-9d0a-3f6b8a1c2e07",
    "format": "jsonl",
    "filters": {"status": "approved"},
    "status": "running",
    "products_total": 800,
    "products_done": 600,
    "variants_done": 1450,
    "left_out": 0,
    "bytes": 612000,
    "percent": 75,
    "rows_per_second": 900.0,
    "eta_seconds": 0.2,
    "error": "",
    "created_at": MOMENT,
    "started_at": MOMENT,
    "finished_at": None,
    "expires_at": None,
}
PROBLEM: dict[str, Any] = {
    "line": 17,
    "column": "Variant Price",
    "code": "BAD_PRICE",
    "value": "soon",
    "message": "This is not a price.",
    "skipped": True,
}
