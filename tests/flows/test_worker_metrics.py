"""A settler shows its numbers: how the provider is asked, from the process that asks it."""

import pytest
from django.utils import timezone

from config.embedded import free_port
from orders.models import Purchase
from tests import scraping
from tests.orders import make
from tests.stripe_server import StripeServer
from tests.worker_process import Start, relay_until

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_settler_shows_how_it_asks_the_provider(own_worker: Start, stripe_server: StripeServer) -> None:
    port = free_port()
    own_worker("settler", METRICS_PORT=str(port))
    purchase = make.basket((make.variant(), 1), by=make.real_buyer()).go(now=timezone.now())

    relay_until(lambda: Purchase.objects.get(pk=purchase.pk).status == "paid")

    shown = scraping.scrape(port)
    labels = {"call": "payment_intents.create", "outcome": "answered"}
    assert shown.value("yellowcart_provider_seconds_count", **labels) == 1
    assert shown.value("yellowcart_provider_left_alone") == 0
    assert scraping.undocumented(shown) == set()
