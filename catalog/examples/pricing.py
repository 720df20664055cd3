"""Prices, announced prices and floors, as the API document shows them."""

from typing import Any

from catalog.examples.known import MOMENT, VARIANT_ID

PRICE_WRITE: dict[str, Any] = {"amount": 1490, "compare_at": 1990}
FLOOR_WRITE: dict[str, Any] = {"amount": 1200, "currency": "EUR"}
PRICE: dict[str, Any] = {
    "amount": 1990,
    "compare_at": None,
    "currency": "EUR",
    "valid_from": MOMENT,
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
    "variant": VARIANT_ID,
    "sku": "VL-COR",
    **SCHEDULE_WRITE,
    "status": "upcoming",
    "reason": "",
    "comes_back": None,
    "began_at": None,
    "ended_at": None,
    "created_at": MOMENT,
}
PRICES: dict[str, Any] = {
    "current": PRICE,
    "running": None,
    "next": {"id": SCHEDULE["id"], **SCHEDULE_WRITE},
    "lowest_30_days": 1990,
    "history": [PRICE],
}
FLOOR: dict[str, Any] = {
    "variant": VARIANT_ID,
    "floor": {"amount": 1200, "currency": "EUR", "updated_at": MOMENT},
}
