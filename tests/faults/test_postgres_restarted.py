"""PostgreSQL falls without a word while people buy and purchases settle: who was told "accepted" has it, who
was not can press again with the same key, and in the end both books are the same.

What falls is a server of this test's own. It gets the signal of `pg_ctl stop -m immediate`: nothing is
written out, and its next start recovers from its log.
"""

import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from catalog.models import Variant
from config import servers
from config.children import Child
from orders.models import Purchase
from orders.reconciling import reconciler
from streams.models import Stream
from tests import books
from tests.faults.site import BACKGROUND, Site
from tests.live_server import LiveRoom, cookie_of
from tests.orders import make
from tests.stripe_server import StripeServer

pytestmark = pytest.mark.faults

BUYERS, PIECES = 24, 18


@pytest.fixture
def postgres(tmp_path: Path, django_db_blocker: Any) -> Iterator[list[Child]]:
    """A PostgreSQL of this test's own, on which this process works, too; the last child is running."""
    tmp_path.chmod(0o711)
    running = [servers.start(servers.postgres(tmp_path))]
    settings, before = connection.settings_dict, dict(connection.settings_dict)
    with django_db_blocker.unblock():
        connection.close()
        settings |= {
            "NAME": servers.DATABASE,
            "HOST": str(servers.socket_folder(tmp_path)),
            "USER": servers.SUPERUSER,
            "PORT": "",
        }
        try:
            call_command("migrate", verbosity=0)
            yield running
        finally:
            connection.close()
            settings |= before
            running[-1].stop()


class Buyer:
    """One who presses with the same key until somebody answers."""

    def __init__(self, stream: Stream, lipstick: Variant) -> None:
        self.cookie, self.key = cookie_of(make.real_buyer()), str(uuid4())
        self.body = {
            "lines": [{"variant": str(lipstick.id), "quantity": 1}],
            "expect_total": {"amount": 1999, "currency": "EUR"},
            "stream": stream.slug,
        }
        self.accepted: str | None = None

    def press(self, site: Site) -> int:
        """Press until the answer is accepted or sold out; returns its status."""
        end = time.monotonic() + 60
        while True:
            try:
                answer = site.buy(self.cookie, self.body, key=self.key)
            except httpx.HTTPError:
                answer = None
            if answer is not None and answer.status_code in (200, 201, 409):
                if answer.status_code != 409:
                    self.accepted = answer.json()["id"]
                return answer.status_code
            assert time.monotonic() < end, answer and answer.text
            time.sleep(0.1)


def test_nothing_is_lost_or_charged_twice_when_postgresql_falls_in_the_middle(
    postgres: list[Child], own_stripe: StripeServer, tmp_path: Path
) -> None:
    lipstick = make.variant(stocked=PIECES, amount=1999)
    stream = make.show(lipstick, now=timezone.now())
    buyers = [Buyer(stream, lipstick) for _ in range(BUYERS)]
    own_stripe.latency(1_500)
    names = ("web", *BACKGROUND, "sweeper", "beat")
    with ExitStack() as stack, ThreadPoolExecutor(BUYERS) as pool:
        site = Site(tmp_path, stack, servers.database_url(tmp_path), *names)
        first = [pool.submit(buyer.press, site) for buyer in buyers[: BUYERS // 2]]
        site.until(lambda: Purchase.objects.filter(payments__status="sent").exists())
        told = {buyer.accepted for buyer in buyers if buyer.accepted}

        connection.close()
        second = [pool.submit(buyer.press, site) for buyer in buyers[BUYERS // 2 :]]
        postgres[-1].tell(signal.SIGQUIT)
        postgres[-1].finish(time.monotonic() + 20)
        postgres.append(servers.start(servers.postgres(tmp_path)))

        answers = [each.result(90) for each in (*first, *second)]
        assert told <= {str(each) for each in Purchase.objects.values_list("id", flat=True)}
        assert answers.count(409) == BUYERS - PIECES
        own_stripe.latency(0)
        site.until_paid(PIECES, deadline=90)
        site.tell()

    accepted = {buyer.accepted for buyer in buyers if buyer.accepted}
    assert accepted == {str(each) for each in Purchase.objects.values_list("id", flat=True)}
    assert make.left(lipstick) == 0
    LiveRoom.relay()
    reconciler.reconcile(now=timezone.now())
    assert len(own_stripe.books()["intents"]) == PIECES
    books.equal(own_stripe.books())
    make.audited()
