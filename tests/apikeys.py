"""API keys of merchants, for tests."""

from collections.abc import Iterable
from datetime import datetime

from commerce import merchantkeys
from commerce.models import Merchant, MerchantKey
from commerce.scopes import SCOPES


def key(
    of: Merchant,
    *,
    scopes: Iterable[str] = SCOPES,
    networks: Iterable[str] = (),
    expires_at: datetime | None = None,
) -> tuple[MerchantKey, str]:
    """Return a new key and its text; it opens everything from everywhere unless said otherwise."""
    return merchantkeys.make(
        merchant_id=of.pk,
        name="tests",
        scopes=scopes,
        networks=networks,
        expires_at=expires_at,
        by=merchantkeys.By(),
    )
