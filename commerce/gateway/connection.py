"""One client per settings: explicit key and address, the API version of the pinned SDK, short timeouts, no
retries.
"""

import functools
from urllib.parse import urlsplit

import stripe
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from commerce.gateway import transport

STRIPE = "https://api.stripe.com"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def client() -> stripe.V1Services:
    """Return the client for the settings as they are; it may be used by many threads at once."""
    return bare().v1


def bare() -> stripe.StripeClient:
    """Return the same client for requests whose answers are not made into objects (`plainly`)."""
    return _client(
        settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE, float(settings.STRIPE_TIMEOUT_SECONDS)
    )


def is_live() -> bool:
    """Say whether the key moves real money."""
    return "_live_" in str(settings.STRIPE_SECRET_KEY)[:8]


def is_simulated() -> bool:
    """Say whether the other side is not Stripe itself."""
    return str(settings.STRIPE_API_BASE) != STRIPE


def sheet_url(page: str, client_secret: str | None) -> str | None:
    """Return the simulator's page for the buyer; None with Stripe, whose own script shows it."""
    if client_secret is None or not is_simulated():
        return None
    return f"{settings.STRIPE_API_BASE}/sheet/{page}?client_secret={client_secret}"


@functools.lru_cache(maxsize=8)
def _client(key: str, base: str, timeout: float) -> stripe.StripeClient:
    host = urlsplit(base).hostname or ""
    if not key:
        raise ImproperlyConfigured("STRIPE_SECRET_KEY is not set.")
    if "_live_" in key[:8] and base != STRIPE:
        raise ImproperlyConfigured("A live key goes to Stripe only; see STRIPE_API_BASE.")
    if not base.startswith("https://") and host not in _LOOPBACK:
        raise ImproperlyConfigured("STRIPE_API_BASE must begin with https:// unless it is on this machine.")
    # What is on this machine is not reached through a proxy, whatever the environment says.
    http = transport.Transport(base=base, seconds=timeout, direct=host in _LOOPBACK)
    # No retries by the SDK: every caller has a key of its own and knows when to ask again.
    return stripe.StripeClient(
        key,
        stripe_version=stripe.api_version,
        base_addresses={"api": base},
        max_network_retries=0,
        http_client=http,
    )
