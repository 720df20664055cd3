"""Ids and a moment that the examples of the API document have in common."""

MOMENT = "2030-05-01T18:00:00Z"
PRODUCT_ID = "0196a1c0-5d1e-7c4a-9d0a-3f6b8a1c2e01"
VARIANT_ID = "0196a1c0-5d1e-7c4a-9d0a-3f6b8a1c2e02"
OTHER_ID = "0196a1c0-5d1e-7c4a-9d0a-3f6b8a1c2e05"
