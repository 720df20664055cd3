"""What the catalog's views share: reading a body, and lists page by page."""

from typing import Any

from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer

from catalog.pricing import prices
from catalog.shelf import movements
from commerce import http, paging
from commerce.models import MerchantKey


def sent(shape: type[BaseSerializer[Any]], request: Request) -> dict[str, Any]:
    """Return the validated body; raises ValidationError."""
    body = shape(data=request.data)
    body.is_valid(raise_exception=True)
    validated: dict[str, Any] = body.validated_data
    return validated


def quote(sent: dict[str, Any], currency: str) -> prices.Quote:
    """Return the price that was sent, in the merchant's currency where none was named."""
    return prices.Quote(sent["amount"], sent["compare_at"], sent.get("currency", currency))


def caller(request: Request) -> movements.Who:
    """Return who calls, as the log of stock names it."""
    key = request.auth
    return movements.Who("key", key.name) if isinstance(key, MerchantKey) else movements.SOMEBODY


class PagedView(http.MerchantView, paging.PagedView):
    """A merchant's list that comes page by page."""
