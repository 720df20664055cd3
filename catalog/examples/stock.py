"""Stock, its movements and locations, as the API document shows them."""

from typing import Any

from catalog.examples.known import MOMENT, VARIANT_ID

STOCK_SET: dict[str, Any] = {"available": 120, "note": "Counted"}
STOCK_ADJUST: dict[str, Any] = {"delta": -3, "note": "Broken in the warehouse"}
_MOVED: dict[str, Any] = {
    "location": None,
    "on_hand_delta": 0,
    "note": "",
    "by": {"kind": "key", "name": "Warehouse system"},
    "at": MOMENT,
}
STOCK_CHANGE: dict[str, Any] = {"low_at": 20}
STOCK: dict[str, Any] = {
    "variant": VARIANT_ID,
    "available": 117,
    "low_at": 20,
    "is_low": False,
    "version": 2,
    "updated_at": MOMENT,
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
MOVEMENT: dict[str, Any] = {**STOCK["movements"][0], "variant": VARIANT_ID, "sku": "VL-COR"}
LEVEL: dict[str, Any] = {
    "variant": VARIANT_ID,
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
    "created_at": MOMENT,
    "updated_at": MOMENT,
}
TRANSFER: dict[str, Any] = {
    "from_location": "main",
    "to_location": "berlin",
    "lines": [{"sku": "VL-COR", "units": 20}],
    "note": "For the spring show",
}
