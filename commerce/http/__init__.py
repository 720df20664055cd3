"""The HTTP edge of every API: who calls, how pages look, how writes are made once, how refusals look."""

from commerce.http.callers import (
    AddressNotAllowed,
    BadKey,
    FromItsNetworks,
    IsMerchant,
    IsShopper,
    MerchantKeyAuthentication,
    SessionAuthentication,
    caller_of,
)
from commerce.http.pages import BadCursor, BadPageSize, CursorPagination
from commerce.http.refusals import exception_handler
from commerce.http.views import HasScope, MerchantView, MissingScope, Nowhere, ShopperView, address_of
from commerce.http.writing import BadIdempotencyKey, idempotency_key, write_once

__all__ = [
    "AddressNotAllowed",
    "BadCursor",
    "BadIdempotencyKey",
    "BadKey",
    "BadPageSize",
    "CursorPagination",
    "FromItsNetworks",
    "HasScope",
    "IsMerchant",
    "IsShopper",
    "MerchantKeyAuthentication",
    "MerchantView",
    "MissingScope",
    "Nowhere",
    "SessionAuthentication",
    "ShopperView",
    "address_of",
    "caller_of",
    "exception_handler",
    "idempotency_key",
    "write_once",
]
