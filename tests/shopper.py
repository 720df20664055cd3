"""A whole running shop for browser tests, and shoppers in it: `shop` and `shopper`.

The shop's processes are started once and shared by the tests of a run. Webhooks are not delivered here.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from catalog.models import Stock
from commerce import accounts
from commerce.models import User
from config import processes, servers
from config.children import Child, Program
from config.embedded import free_port
from config.env import ROOT
from streams import offers, pins, showcase, shows
from streams.models import Offer, ShowcaseItem, Stream
from tests import backstage
from tests.browsing import aside as aside  # Also for those who test with this shop.
from tests.live_server import cookie_of
from tests.protocol import Conversation
from tests.streams import make
from tests.stripe_server import StripeServer

PHONE, DESK = {"width": 390, "height": 844}, {"width": 1440, "height": 900}
PASSWORD = "correct-horse-battery"
WAIT_MS = 15_000


@dataclass
class Shop:
    """The running shop, and a host's hand in it."""

    address: str
    stripe: StripeServer

    def show(self, *products: Any, owner: Any = None) -> Stream:
        """Make a show with these products that is live now; its address is its own."""
        return aside(lambda: _show(products, owner))

    def pin(self, stream: Stream, number: int = 0) -> ShowcaseItem:
        """Pin the item at that place."""
        return aside(lambda: _pinned(stream, number))

    def offer(self, stream: Stream, number: int = 0, **terms: Any) -> Offer:
        """Open an offer on the item at that place: 5 units at 9.90, one each, for a minute."""
        wanted = {"amount": 990, "quota": 5, "per_buyer": 1, "seconds": 60, **terms}
        return aside(
            lambda: offers.open(
                host_id=stream.host_id,
                stream_id=stream.id,
                item_id=make.item(stream, number).id,
                variant_id=None,
                now=timezone.now(),
                **wanted,
            )
        )


def _show(products: tuple[Any, ...], owner: Any) -> Stream:
    owner, now = owner or make.host(), timezone.now()
    slug = f"show-{uuid4().hex[:10]}"
    stream = shows.plan(host_id=owner.id, title="Evening glow", starts_at=now, slug=slug)
    for product in products:
        showcase.add(host_id=owner.id, stream_id=stream.id, product_id=product.id, now=now)
    return shows.go_live(host_id=owner.id, stream_id=stream.id, now=now)


def _pinned(stream: Stream, number: int) -> ShowcaseItem:
    item = make.item(stream, number)
    pins.pin(host_id=stream.host_id, stream_id=stream.id, item_id=item.id, now=timezone.now())
    return item


@pytest.fixture(scope="session")
def _site(django_db_setup: None) -> Iterator[tuple[str, Child]]:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    database = urlsplit(settings.DATABASE_URL)._replace(path=f"/{connection.settings_dict['NAME']}")
    env = {
        "DATABASE_URL": urlunsplit(database),
        "REDIS_URL": settings.REDIS_URL,
        "BASE_URL": address,
        "STRIPE_API_BASE": settings.STRIPE_API_BASE,
        "LOG_LEVEL": "ERROR",
    }
    argv = [sys.executable, "-m", "config.live", "--host", "127.0.0.1", "--port", str(port)]
    ready = processes.listens(port)
    child = servers.start(Program(name="site", argv=argv, cwd=ROOT, env=env, ready=ready, quiet=True))
    yield address, child
    child.stop()


@pytest.fixture
def shop(
    transactional_db: None, _site: tuple[str, Child], worker: Child, stripe_server: StripeServer
) -> Iterator[Shop]:
    """The running shop on this test's database and Redis: pages and sockets, worker, relay and sweep."""
    address, site = _site
    assert site.alive()
    site.lines.clear()
    with backstage.working():
        yield Shop(address, stripe_server)
    print("\n".join(site.lines))  # Shown when the test fails.


@dataclass
class Shopper:
    """Somebody at a browser."""

    page: Page
    shop: Shop
    complaints: list[str] = field(default_factory=list)
    user: User | None = None

    def open(self, stream: Stream) -> None:
        """Open a show and wait until it is connected."""
        self.page.goto(f"{self.shop.address}/live/{stream.slug}")
        expect(self.page.locator("body[data-online=yes]")).to_be_attached(timeout=WAIT_MS)

    def sign_in(self, *, name: str = "Ada", address: bool = True) -> User:
        """Sign in as a new user, past the page's own form."""
        user = aside(lambda: new_user(name, address=address))
        session, _, value = aside(lambda: cookie_of(user)).partition("=")
        self.page.context.add_cookies([{"name": session, "value": value, "url": self.shop.address}])
        self.page.goto(f"{self.shop.address}/")
        self.user = user
        return user

    def save_card(self, card: str = "pm_card_visa") -> None:
        """Save a test card, past the page's own form."""
        setup = self.call("cards/setup").json()
        page = setup["sheet_url"].split("?")[0]
        form = {"client_secret": setup["client_secret"], "card": card}
        filled_in = self.page.request.post(page, form=form)
        if "next" in filled_in.json():  # the card's bank asks
            form = {"client_secret": setup["client_secret"], "outcome": "complete"}
            filled_in = self.page.request.post(page.replace("/setup", "/3ds"), form=form)
        assert filled_in.ok, filled_in.text()
        done = self.call("cards", {"setup_intent": setup["client_secret"].split("_secret_")[0]})
        assert done.ok, done.text()

    def call(self, path: str, body: Any = None) -> Any:
        """Post to the API with this browser's cookies."""
        cookies = {cookie["name"]: cookie["value"] for cookie in self.page.context.cookies()}
        headers = {"X-CSRFToken": cookies["csrftoken"], "Referer": self.shop.address}
        return self.page.request.post(f"{self.shop.address}/api/v1/{path}", data=body or {}, headers=headers)

    def button(self, name: str) -> Any:
        """A button by the start of its name."""
        return self.page.get_by_role("button", name=name)

    def buy(self, title: str) -> None:
        """Press buy on the pinned card and then pay."""
        self.button(f"Buy {title}").click()
        self.button("Pay €").click()

    def panel(self, status: str) -> Any:
        """The purchase's panel, once it says so."""
        return self.page.locator(f".panel[data-status={status}]")


def new_user(name: str, *, address: bool, password: str | None = None) -> User:
    """Make a user, who can sign in with a password if there is one."""
    user = User.objects.create_user(f"{name.lower()}-{uuid4().hex[:8]}@example.com", password, name=name)
    if address:
        accounts.save_address(user_id=user.id, name=name, line1="1 Mill Lane", city="York", country="GB")
    return user


def _overhear(socket: Any, complaints: list[str]) -> None:
    """Hold what a page says and hears on its socket against the document."""
    conversation = Conversation()

    def heard(text: str) -> None:
        try:
            conversation.heard(text)
        except ValueError as error:
            complaints.append(str(error))

    socket.on("framesent", lambda text: conversation.said(text))
    socket.on("framereceived", heard)


@pytest.fixture
def shopper(shop: Shop, browser: Browser) -> Generator[Callable[..., Shopper]]:
    """Make shoppers, each in a browser of her own; what their pages complained of fails the test."""
    made: list[Shopper] = []

    def make_one(size: dict[str, int] = PHONE) -> Shopper:
        phone = size == PHONE
        context = browser.new_context(viewport=size, has_touch=phone, is_mobile=phone, locale="en-GB")  # type: ignore[arg-type]
        context.set_default_timeout(WAIT_MS)
        one = Shopper(context.new_page(), shop)
        one.page.on("pageerror", lambda error: one.complaints.append(str(error)))
        one.page.on(
            "console", lambda line: one.complaints.append(line.text) if line.type == "error" else None
        )
        one.page.on("websocket", lambda socket: _overhear(socket, one.complaints))
        made.append(one)
        return one

    expect.set_options(timeout=WAIT_MS)
    yield make_one
    for one in made:
        # Refusals are part of the tests, and pictures of the tests' goods are nowhere.
        wrong = [line for line in one.complaints if "Failed to load resource" not in line]
        assert not wrong


def lipstick(units: int = 10, **more: Any) -> Any:
    return aside(lambda: make.product("Lipstick", variants=(("Red", 1990, units),), **more))


def left(product: Any) -> int:
    return aside(lambda: Stock.objects.get(variant__product=product).available)


def fits(page: Page) -> bool:
    """Whether nothing runs out of the screen sideways."""
    wide: list[int] = page.evaluate(
        "[document.documentElement.scrollWidth, document.body.scrollWidth, window.innerWidth]"
    )
    return max(wide[:2]) <= wide[2] <= page.viewport_size["width"]  # type: ignore[index]
