"""Redis killed in the middle: buying goes on, and everything settles once it is back, empty."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.utils import timezone

from orders.models import Purchase
from tests.faults.site import Site
from tests.live_server import cookie_of
from tests.orders import make
from tests.stripe_server import StripeServer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def site(process_env: dict[str, str], stripe_server: StripeServer, tmp_path: Path) -> Iterator[Site]:
    with ExitStack() as stack:
        running = Site(tmp_path, stack, process_env["DATABASE_URL"])
        yield running
        running.tell()


def test_a_purchase_made_while_redis_is_away_is_paid_when_it_is_back(site: Site) -> None:
    lipstick = make.variant(stocked=5, amount=1999)
    stream = make.show(lipstick, now=timezone.now())
    cookie = cookie_of(make.real_buyer())
    body = {
        "lines": [{"variant": str(lipstick.id), "quantity": 1}],
        "expect_total": {"amount": 1999, "currency": "EUR"},
        "stream": stream.slug,
    }
    assert site.buy(cookie, body).status_code == 201
    site.until_paid(1)

    site.kill_redis()
    during = site.buy(cookie, body)

    assert during.status_code == 201, during.text
    assert Purchase.objects.get(pk=during.json()["id"]).status == "accepted"
    site.restart_redis()
    site.until_paid(2)
    assert site.buy(cookie, body).status_code == 201
    site.until_paid(3)
    assert make.left(lipstick) == 2
    assert site.children["web"].alive()
    assert site.children["relay"].alive()
    assert make.broken() == []
