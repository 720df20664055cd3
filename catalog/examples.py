"""Examples for the API document: one merchant's lipstick, from feed to stock. Pure."""

from typing import Any

_MOMENT = "2030-05-01T18:00:00Z"
_PRODUCT = "0196a1c0-5d1e-7c4a-9d0a-3f6b8a1c2e01"
_VARIANT = "0196a1c0-5d1e-7c4a-9d0a-3f6b8a1c2e02"
_OTHER = "0196a1c0-5d1e-7c4a-9d0a-3f6b8a1c2e05"

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

PRICE_WRITE: dict[str, Any] = {"amount": 1490, "compare_at": 1990}
FLOOR_WRITE: dict[str, Any] = {"amount": 1200, "currency": "EUR"}
STOCK_SET: dict[str, Any] = {"available": 120, "note": "Counted"}
STOCK_ADJUST: dict[str, Any] = {"delta": -3, "note": "Broken in the warehouse"}
VARIANT_CHANGE: dict[str, Any] = {"sku": "VL-COR-2", "is_active": True}
PRODUCT_CHANGE: dict[str, Any] = {"title": "Velvet Lipstick", "tags": ["matte"], "status": "approved"}
VARIANT_WRITE: dict[str, Any] = {
    "options": {"Shade": "Coral"},
    "sku": "VL-COR",
    "barcode": "4006381333931",
    "weight_grams": 12,
    "price": {"amount": 1990, "currency": "EUR"},
    "available": 120,
}
PRODUCT_WRITE: dict[str, Any] = {
    "handle": "velvet-lipstick",
    "title": "Velvet Lipstick",
    "description": "Soft and matte.",
    "vendor": "Maison Rouge",
    "type": "Make-up",
    "tags": ["matte"],
    "options": ["Shade"],
    "status": "approved",
    "language": "en",
    "category": "lipsticks",
    "attributes": {"finish": "matte", "vegan": True, "weight_g": 12},
    "images": [{"url": "https://img.example.com/velvet-lipstick.jpg", "alt": "A red lipstick"}],
    "variants": [VARIANT_WRITE],
}
PRODUCT_BATCH: dict[str, Any] = {"products": [PRODUCT_WRITE]}
STOCK_BATCH: dict[str, Any] = {"stock": [{"sku": "VL-COR", "available": 120}]}
PRICE_BATCH: dict[str, Any] = {"prices": [{"sku": "VL-COR", "amount": 1490, "compare_at": 1990}]}
BATCH_RESULT: dict[str, Any] = {
    "created": 1,
    "updated": 0,
    "unchanged": 0,
    "refused": 0,
    "partial": False,
    "rows": [{"row": 1, "key": "velvet-lipstick", "result": "created", "id": _PRODUCT, "problems": []}],
}

PRICE: dict[str, Any] = {
    "amount": 1990,
    "compare_at": None,
    "currency": "EUR",
    "valid_from": _MOMENT,
    "valid_to": None,
}
SCHEDULE_WRITE: dict[str, Any] = {
    "amount": 1490,
    "compare_at": 1990,
    "currency": "EUR",
    "starts_at": "2030-05-09T22:00:00Z",
    "ends_at": "2030-05-12T22:00:00Z",
}
SCHEDULE: dict[str, Any] = {
    "id": "0196a1c0-5d1e-7c4a-9d0a-3f6b8a1c2e08",
    "variant": _VARIANT,
    "sku": "VL-COR",
    **SCHEDULE_WRITE,
    "status": "upcoming",
    "reason": "",
    "comes_back": None,
    "began_at": None,
    "ended_at": None,
    "created_at": _MOMENT,
}
PRICES: dict[str, Any] = {
    "current": PRICE,
    "running": None,
    "next": {"id": SCHEDULE["id"], **SCHEDULE_WRITE},
    "lowest_30_days": 1990,
    "history": [PRICE],
}
FLOOR: dict[str, Any] = {
    "variant": _VARIANT,
    "floor": {"amount": 1200, "currency": "EUR", "updated_at": _MOMENT},
}
_FILES = "https://shop.example.com/media/pictures/0196a1c05d1e7c4a9d0a3f6b8a1c2e00/" + "5f" * 32
IMAGE: dict[str, Any] = {
    "id": "0196a1c0-5d1e-7c4a-9d0a-3f6b8a1c2e03",
    **PRODUCT_WRITE["images"][0],
    "position": 1,
    "state": "ready",
    "width": 1200,
    "height": 800,
    "files": [
        {"url": f"{_FILES}-1.webp", "width": 1200, "height": 800},
        {"url": f"{_FILES}-1-640.webp", "width": 640, "height": 427},
        {"url": f"{_FILES}-1-320.webp", "width": 320, "height": 213},
    ],
    "problem": None,
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
    "due_at": _MOMENT,
    "created_at": _MOMENT,
    "updated_at": _MOMENT,
}
FEED_FETCH: dict[str, Any] = {
    "id": "0196a1c0-5d1e-7c4a-9d0a-3f6b8a1c2e72",
    "outcome": "unchanged",
    "code": "",
    "reason": "",
    "status": 304,
    "bytes": 0,
    "job": None,
    "started_at": _MOMENT,
    "finished_at": _MOMENT,
}
LISTED_IMAGE: dict[str, Any] = {
    **IMAGE,
    "state": "failed",
    "width": None,
    "height": None,
    "files": [],
    "problem": {"code": "REFUSED", "reason": "The host answered 404."},
    "product": _PRODUCT,
    "retry_at": None,
}
VARIANT: dict[str, Any] = {
    "id": _VARIANT,
    "product": _PRODUCT,
    "title": "Coral",
    "options": {"Shade": "Coral"},
    "sku": "VL-COR",
    "barcode": "4006381333931",
    "weight_grams": 12,
    "position": 1,
    "is_active": True,
    "price": PRICE,
    "available": 120,
    "release_at": None,
    "version": 1,
    "created_at": _MOMENT,
    "updated_at": _MOMENT,
}
PRODUCT: dict[str, Any] = {
    "id": _PRODUCT,
    **{name: value for name, value in PRODUCT_WRITE.items() if name not in ("images", "variants")},
    "images": [IMAGE],
    "variants": [VARIANT],
    "version": 1,
    "created_at": _MOMENT,
    "updated_at": _MOMENT,
}
PARTS_WRITE: dict[str, Any] = {"parts": [{"variant": _VARIANT, "quantity": 2}, {"variant": _OTHER}]}
PARTS: dict[str, Any] = {
    "variant": "0196a1c0-5d1e-7c4a-9d0a-3f6b8a1c2e06",
    "available": 60,
    "parts": [
        {
            "variant": _VARIANT,
            "title": "Velvet Lipstick (Coral)",
            "sku": "VL-COR",
            "quantity": 2,
            "available": 120,
        },
        {
            "variant": _OTHER,
            "title": "Velvet Lipstick (Plum)",
            "sku": "VL-PLU",
            "quantity": 1,
            "available": 80,
        },
    ],
}
_MOVED: dict[str, Any] = {
    "location": None,
    "on_hand_delta": 0,
    "note": "",
    "by": {"kind": "key", "name": "Warehouse system"},
    "at": _MOMENT,
}
STOCK_CHANGE: dict[str, Any] = {"low_at": 20}
STOCK: dict[str, Any] = {
    "variant": _VARIANT,
    "available": 117,
    "low_at": 20,
    "is_low": False,
    "version": 2,
    "updated_at": _MOMENT,
    "locations": [
        {"location": "main", "on_hand": 97, "derived": True},
        {"location": "berlin", "on_hand": 20, "derived": False},
    ],
    "movements": [
        {
            **_MOVED,
            "id": 73,
            "location": "berlin",
            "delta": -3,
            "on_hand_delta": -3,
            "reason": "adjust",
            "note": "Broken in the warehouse",
        },
        {
            **_MOVED,
            "id": 12,
            "delta": 120,
            "reason": "import",
            "by": {"kind": "import", "name": "spring.csv"},
        },
    ],
}
MOVEMENT: dict[str, Any] = {**STOCK["movements"][0], "variant": _VARIANT, "sku": "VL-COR"}
LEVEL: dict[str, Any] = {
    "variant": _VARIANT,
    "sku": "VL-COR",
    "title": "Velvet Lipstick (Coral)",
    **{name: STOCK[name] for name in ("available", "low_at", "is_low", "version", "updated_at", "locations")},
}
LOCATION_WRITE: dict[str, Any] = {
    "code": "berlin",
    "name": "Warehouse Berlin",
    "address": "1 Example Street, 10115 Berlin",
    "country": "DE",
}
LOCATION_CHANGE: dict[str, Any] = {"name": "Warehouse Berlin North", "is_active": True}
LOCATION: dict[str, Any] = {
    "id": "0196a1c0-5d1e-7c4a-9d0a-3f6b8a1c2e09",
    **LOCATION_WRITE,
    "is_active": True,
    "is_main": False,
    "created_at": _MOMENT,
    "updated_at": _MOMENT,
}
TRANSFER: dict[str, Any] = {
    "from_location": "main",
    "to_location": "berlin",
    "lines": [{"sku": "VL-COR", "units": 20}],
    "note": "For the spring show",
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
    "created_at": _MOMENT,
    "started_at": _MOMENT,
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
    "created_at": _MOMENT,
    "started_at": _MOMENT,
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
PLAN_WRITE: dict[str, Any] = {"name": "Spring", "kind": "open", "rate_bp": 1500}
PLAN_CHANGE: dict[str, Any] = {"name": "Spring, extended", "rate_bp": 1800}

RETIRE: dict[str, Any] = {"reason": "The maker has stopped making it."}

REVIEW: dict[str, Any] = {
    "was": "in_review",
    "status": "draft",
    "by": "operator",
    "reason": "The picture shows another shade.",
    "at": "2030-06-01T09:30:00Z",
}

CATEGORY: dict[str, Any] = {
    "code": "lipsticks",
    "name": "Lipsticks",
    "parent": "make_up",
    "path": "make_up/lipsticks",
    "attributes": [
        {
            "code": "finish",
            "name": "Finish",
            "kind": "choice",
            "unit": "",
            "choices": ["matte", "satin", "gloss"],
            "required": True,
            "defined_by": "lipsticks",
        }
    ],
}

NAME: dict[str, Any] = {"name": "Maison Rouge", "products": 214}
