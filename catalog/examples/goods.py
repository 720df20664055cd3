"""Products, variants, pictures, bundles and batches, as the API document shows them."""

from typing import Any

from catalog.examples.known import MOMENT, OTHER_ID, PRODUCT_ID, VARIANT_ID
from catalog.examples.pricing import PRICE

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
    "rows": [{"row": 1, "key": "velvet-lipstick", "result": "created", "id": PRODUCT_ID, "problems": []}],
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
LISTED_IMAGE: dict[str, Any] = {
    **IMAGE,
    "state": "failed",
    "width": None,
    "height": None,
    "files": [],
    "problem": {"code": "REFUSED", "reason": "The host answered 404."},
    "product": PRODUCT_ID,
    "retry_at": None,
}
VARIANT: dict[str, Any] = {
    "id": VARIANT_ID,
    "product": PRODUCT_ID,
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
    "created_at": MOMENT,
    "updated_at": MOMENT,
}
PRODUCT: dict[str, Any] = {
    "id": PRODUCT_ID,
    **{name: value for name, value in PRODUCT_WRITE.items() if name not in ("images", "variants")},
    "images": [IMAGE],
    "variants": [VARIANT],
    "version": 1,
    "created_at": MOMENT,
    "updated_at": MOMENT,
}
PARTS_WRITE: dict[str, Any] = {"parts": [{"variant": VARIANT_ID, "quantity": 2}, {"variant": OTHER_ID}]}
PARTS: dict[str, Any] = {
    "variant": "0196a1c0-5d1e-7c4a-9d0a-3f6b8a1c2e06",
    "available": 60,
    "parts": [
        {
            "variant": VARIANT_ID,
            "title": "Velvet Lipstick (Coral)",
            "sku": "VL-COR",
            "quantity": 2,
            "available": 120,
        },
        {
            "variant": OTHER_ID,
            "title": "Velvet Lipstick (Plum)",
            "sku": "VL-PLU",
            "quantity": 1,
            "available": 80,
        },
    ],
}
