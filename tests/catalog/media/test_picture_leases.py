"""A picture that waits for its turn to be opened stays with its worker, however long others take."""

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from catalog.media import images, pictures
from catalog.models import Picture, Product, ProductImage
from commerce import clock
from commerce.outside.fetching import Client
from tests.catalog import make
from tests.catalog.photos import shot
from tests.commerce.outside.server import Page, serving

pytestmark = pytest.mark.django_db(transaction=True)

HERE = Client(loopback=True, seconds=10)
MINUTES = 20  # That others take to open theirs, by the clock of the one that waits.


class Waiting:
    """A worker at whose clock a minute goes by with each look, and which waits for its turn."""

    def __init__(self, claimed: pictures.Claimed, start: datetime) -> None:
        self.now, self.long_after = start, threading.Event()
        self._thread = threading.Thread(target=self._take, args=(claimed, start))
        pictures._opening.acquire()
        self._thread.start()

    def _take(self, claimed: pictures.Claimed, start: datetime) -> None:
        def tick() -> datetime:
            self.now += timedelta(minutes=1)
            if self.now > start + timedelta(minutes=MINUTES):
                self.long_after.set()
            return self.now

        try:
            pictures.take(claimed, clock=tick, by=HERE)
        finally:
            connection.close()

    def go_on(self) -> None:
        """Let it have its turn, and come to its end."""
        pictures._opening.release()
        self._thread.join(30)
        assert not self._thread.is_alive()


@pytest.fixture
def product(settings: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setattr(pictures, "WAITING_SECONDS", 0.01)
    with serving() as site:
        site.pages["/a.jpg"] = Page(shot())
        yield make.product(make.merchant(), images=[images.Image(site.url("/a.jpg"))])


def claimed_meanwhile() -> int:
    """Have the picture wait for long; return how many other workers would have taken it then."""
    start = clock.database_now()
    [claimed] = pictures.claim(limit=10, now=start)
    waiting = Waiting(claimed, start)
    try:
        assert waiting.long_after.wait(20)
        return len(pictures.claim(limit=10, now=start + timedelta(minutes=MINUTES)))
    finally:
        waiting.go_on()


def test_one_that_waits_for_its_turn_is_not_taken_by_another(product: Product) -> None:
    assert claimed_meanwhile() == 0

    image = product.images.get()
    assert (image.state, image.tries) == ("ready", 1)


@pytest.mark.usefixtures("product")
def test_control_without_renewing_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "_renew", lambda claimed, now: None)

    assert claimed_meanwhile() == 1


def test_one_that_was_taken_by_another_is_left_to_it(product: Product) -> None:
    start = clock.database_now()
    [claimed] = pictures.claim(limit=10, now=start)
    waiting = Waiting(claimed, start)
    assert waiting.long_after.wait(20)
    ProductImage.objects.update(tries=2)
    waiting.go_on()

    image = product.images.get()
    assert (image.state, image.tries) == ("waiting", 2)
    assert Picture.objects.get().renditions == []
