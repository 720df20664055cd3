"""A host's evening in a real browser, against a real live process: plan, fill, go live, sell, end."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import timedelta
from os import environ
from uuid import uuid4

import pytest
from django.db import transaction
from django.utils import timezone
from playwright.sync_api import Browser, Page, ViewportSize, expect

from catalog.commission import plans
from commerce.models import Host, User
from config.children import Child
from orders.models import WaitlistEntry
from orders.waitlist import keeping
from streams import chat, offers, pins, queries
from streams.models import Offer, Stream
from tests import backstage
from tests.browsing import aside
from tests.live_server import cookie_of
from tests.orders import make as trade
from tests.streams import make

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PASSWORD = "a long enough password"
DESK: ViewportSize = {"width": 1440, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}


@pytest.fixture
def site(transactional_db: None, _site: tuple[str, Child]) -> Iterator[str]:
    """The address of a process that serves pages and sockets on this test's database, with its backstage."""
    address, running = _site
    assert running.alive()
    with backstage.working():
        yield address


@dataclass
class Studio:
    """A host's browser, and what it complained of."""

    page: Page
    site: str
    host: Host
    complaints: list[str]

    def room(self, stream: Stream) -> None:
        """Open a show's control room and wait until it is connected."""
        # The process lives on and knows a show by its address for a while; the next test's is another show.
        aside(lambda: Stream.objects.filter(pk=stream.id).update(slug=f"evening-glow-{stream.id}"))
        self.page.goto(f"{self.site}/studio/room/{stream.id}/")
        expect(self.page.locator("body[data-online=yes]")).to_be_attached()


@pytest.fixture
def studio(request: pytest.FixtureRequest, site: str, browser: Browser) -> Generator[Studio]:
    """A signed-in host at a desk, or on a phone when the test's parameter says so."""
    size: ViewportSize = getattr(request, "param", DESK)
    host = aside(lambda: make.host("Mira"))
    name, _, value = aside(lambda: cookie_of(host.user)).partition("=")
    page = browser.new_page(viewport=size)
    page.context.add_cookies([{"name": name, "value": value, "url": site}])
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    yield Studio(page, site, host, complaints)
    # Pictures of the tests' goods are nowhere; nothing else may have gone wrong on the page.
    assert not [each for each in complaints if "404" not in each]


def say(stream: Stream, text: str) -> None:
    """Say a line in the chat as a shopper named Noa."""
    aside(
        lambda: chat.say(
            stream_id=stream.id,
            author_id=make.user("Noa").id,
            key=uuid4(),
            text=text,
            now=timezone.now(),
        )
    )


def titles(stream: Stream) -> list[str]:
    return aside(
        lambda: [
            each.product.title for each in queries.showcase(stream_id=stream.id).select_related("product")
        ]
    )


def test_a_host_signs_in_with_her_password(site: str, browser: Browser) -> None:
    user = aside(lambda: User.objects.create_user("mira@example.com", PASSWORD, name="Mira"))
    aside(lambda: Host.objects.create(user=user, name="Mira", slug="mira"))
    page = browser.new_page(viewport=PHONE)

    page.goto(f"{site}/studio/earnings/")
    page.get_by_label("Email").fill("mira@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()

    expect(page.get_by_text("Nothing sold yet")).to_be_visible()


@pytest.mark.parametrize("studio", [DESK, PHONE], indirect=True)
def test_a_host_picks_what_merchants_offer_her(studio: Studio) -> None:
    stream = aside(lambda: make.show(studio.host, live=False, products=()))
    page = studio.page
    page.goto(f"{studio.site}/studio/shows/{stream.id}/showcase/")
    expect(page.get_by_text("No merchant offers anything yet.")).to_be_visible()

    lipstick, _ = aside(lambda: [make.product(title) for title in ("Lipstick", "Serum")])
    terms = plans.Terms("Spring with Mira", None, {studio.host.slug: 2500}, [lipstick.pk])
    days_ago = timezone.now() - timedelta(days=3)
    plan = aside(
        lambda: plans.create(merchant_id=lipstick.merchant_id, kind="targeted", terms=terms, now=days_ago)
    )
    page.get_by_label("Search products").fill("i")
    page.get_by_label("Search products").fill("")
    row = page.locator("#products > li", has_text="Lipstick")
    expect(row).to_contain_text("25 % commission")
    expect(row).to_contain_text("Spring with Mira · locked until")
    expect(page.locator("#products > li", has_text="Serum")).to_contain_text("own rate, not locked")

    cut = plans.Terms(hosts={studio.host.slug: 1250})
    aside(
        lambda: plans.change(
            merchant_id=lipstick.merchant_id,
            plan_id=plan.pk,
            terms=cut,
            now=timezone.now() - timedelta(days=2),
        )
    )
    page.get_by_label("Only with a commission plan").check()
    expect(page.locator("#products > li")).to_have_count(1)
    expect(row).to_contain_text("then 12.5 %")
    page.get_by_role("button", name="Add Lipstick").click()
    expect(page.locator("#items > li")).to_have_count(1)
    assert titles(stream) == ["Lipstick"]
    if kept := environ.get("PICTURES"):
        page.get_by_label("Only with a commission plan").uncheck()
        expect(page.locator("#products > li")).to_have_count(2)
        page.screenshot(path=f"{kept}/picking-{(page.viewport_size or DESK)['width']}.png")


def test_a_host_plans_a_show_and_puts_its_showcase_in_order(studio: Studio) -> None:
    aside(lambda: [make.product(title) for title in ("Lipstick", "Lip gloss", "Serum")])
    page = studio.page
    page.goto(f"{studio.site}/studio/")

    expect(page.get_by_text("Nothing planned yet")).to_be_visible()
    page.get_by_role("link", name="Plan a show").last.click()
    page.get_by_label("Title").fill("Evening glow")
    page.get_by_role("button", name="Plan the show").click()
    expect(page.get_by_role("heading", name="Evening glow").last).to_be_visible()
    page.get_by_label("Search products").fill("lip")
    expect(page.get_by_role("button", name="Add Serum")).to_be_hidden()
    page.get_by_role("button", name="Add Lipstick").click()
    expect(page.get_by_role("button", name="Lipstick is in the show")).to_be_disabled()
    page.get_by_role("button", name="Add Lip gloss").click()
    page.get_by_label("Search products").fill("")
    page.get_by_role("button", name="Add Serum").click()
    expect(page.locator("#items > li")).to_have_count(3)
    stream = aside(lambda: Stream.objects.get(host=studio.host))
    assert titles(stream) == ["Lipstick", "Lip gloss", "Serum"]

    with page.expect_response("**/showcase/order"):
        page.get_by_role("button", name="Move Lip gloss up").click()
    assert titles(stream) == ["Lip gloss", "Lipstick", "Serum"]

    grips = page.locator(".st-item__grip")
    with page.expect_response("**/showcase/order"):
        grips.nth(2).hover()
        page.mouse.down()
        first = page.locator("#items > li").first.bounding_box()
        assert first
        page.mouse.move(first["x"] + 10, first["y"] + 4, steps=8)
        page.mouse.up()
    assert titles(stream) == ["Serum", "Lip gloss", "Lipstick"]
    expect(page.locator("#items .st-item__title")).to_have_text(["Serum", "Lip gloss", "Lipstick"])

    page.get_by_role("button", name="Remove Serum").click()
    expect(page.locator("#items > li")).to_have_count(2)
    assert titles(stream) == ["Lip gloss", "Lipstick"]


def test_a_host_goes_live_pins_sells_an_offer_out_and_ends_the_show(studio: Studio) -> None:
    product = aside(lambda: make.product("Lipstick", variants=(("Red", 1990, 10),)))
    stream = aside(lambda: make.show(studio.host, live=False, products=(product, make.product("Serum"))))
    page = studio.page
    studio.room(stream)

    expect(page.get_by_role("button", name="Pin Lipstick")).to_be_disabled()
    page.get_by_role("button", name="Go live").click()
    page.get_by_role("dialog").get_by_role("button", name="Go live").click()
    expect(page.locator("#status")).to_have_text("Live")

    page.get_by_role("button", name="Pin Lipstick", exact=True).click()
    expect(page.get_by_role("button", name="Unpin Lipstick")).to_be_visible()
    assert aside(lambda: pins.current(stream_id=stream.id)) is not None

    page.get_by_role("button", name="Open an offer for Lipstick").click()
    expect(page.get_by_label("Price (EUR)")).to_have_value("15.90")
    page.get_by_label("Price (EUR)").fill("9,90")
    page.get_by_label("Units").fill("1")
    page.get_by_role("button", name="Open the offer").click()
    card = page.get_by_label("Offer for Lipstick", exact=True)
    expect(card).to_contain_text("1 of 1 left")
    offer = aside(lambda: Offer.objects.get(stream=stream))
    assert (offer.amount, offer.quota, offer.per_buyer) == (990, 1, 1)

    with page.expect_response("**/extend"):
        card.get_by_role("button", name="+30 s").click()
    assert aside(lambda: Offer.objects.get()).closes_at > offer.closes_at

    def buy() -> None:
        with transaction.atomic():
            offers.take(offer_id=offer.id, buyer_id=make.user().id, units=1, now=timezone.now())

    aside(buy)
    expect(card).to_contain_text("All 1 taken.")
    expect(page.get_by_role("alert")).to_contain_text("Lipstick: sold out, 1 of 1 taken.")

    page.get_by_role("button", name="End show").click()
    page.get_by_role("dialog").get_by_role("button", name="End the show").click()
    expect(page.locator("#status")).to_have_text("Ended")
    expect(page.get_by_role("button", name="End show")).to_be_hidden()
    assert aside(lambda: Stream.objects.get()).status == "ended"


def test_an_offer_runs_out_by_the_clock_and_another_is_ended_early(studio: Studio) -> None:
    stream = aside(lambda: make.show(studio.host, products=(make.product("Lipstick"),)))
    page = studio.page
    studio.room(stream)
    card = page.get_by_label("Offer for Lipstick", exact=True)

    aside(lambda: make.offer(stream, quota=5, seconds=5, now=timezone.now() - timedelta(seconds=2)))
    expect(card.locator(".cr-offer__time")).to_have_text(re.compile(r"0:0\d"))
    expect(card).to_be_hidden(timeout=15_000)
    expect(page.get_by_role("alert")).to_contain_text("Lipstick: time is up, 0 of 5 taken.")

    page.get_by_role("button", name="Open an offer for Lipstick").click()
    page.get_by_role("button", name="Open the offer").click()
    expect(card).to_be_visible()
    card.get_by_role("button", name="End early").click()
    expect(card).to_be_hidden()
    assert aside(lambda: Offer.objects.order_by("id").last()).reason == "host"  # type: ignore[union-attr]


def test_the_host_hears_the_chat_answers_and_takes_a_line_down(studio: Studio) -> None:
    stream = aside(lambda: make.show(studio.host))
    page = studio.page
    studio.room(stream)

    say(stream, "Cheap followers <b>here</b>")
    line = page.locator(".chat__line").filter(has_text="Cheap followers <b>here</b>")
    expect(line).to_be_visible()
    page.get_by_label("Your message").fill("Hello everybody")
    page.get_by_label("Your message").press("Enter")
    expect(page.locator(".chat__line--host")).to_contain_text("Mira Host Hello everybody")
    line.click()
    page.get_by_role("button", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(line).to_be_hidden()

    page.get_by_label("Slow mode").select_option("30")
    expect(page.get_by_label("Slow mode")).to_have_value("30")
    page.reload()
    expect(page.get_by_label("Slow mode")).to_have_value("30")
    expect(page.locator(".chat__line")).to_have_count(1)


@pytest.mark.parametrize("studio", [PHONE], indirect=True, ids=["phone"])
def test_on_a_phone_one_part_is_shown_at_a_time_and_nothing_runs_out_of_the_screen(studio: Studio) -> None:
    stream = aside(lambda: make.show(studio.host, products=(make.product("Lipstick"),)))
    say(stream, "Hello")
    page = studio.page
    studio.room(stream)

    def fits() -> bool:
        return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))

    expect(page.get_by_role("heading", name="Showcase")).to_be_visible()
    expect(page.get_by_role("heading", name="Chat and order")).to_be_hidden()
    page.get_by_role("button", name="Open an offer for Lipstick").click()
    assert fits()
    expect(page.locator("#unread")).to_be_hidden()
    say(stream, "Is it matte?")
    expect(page.locator("#unread")).to_be_visible()
    page.get_by_role("button", name="Chat").click()
    expect(page.locator("#unread")).to_be_hidden()
    expect(page.get_by_text("Is it matte?")).to_be_visible()
    expect(page.get_by_role("tab", name="Chat")).to_be_visible()
    expect(page.get_by_role("heading", name="Showcase")).to_be_hidden()
    page.get_by_role("button", name="Sales").click()
    expect(page.get_by_text("Nothing sold yet")).to_be_visible()
    assert fits()


def test_a_refused_button_says_why(studio: Studio) -> None:
    first = aside(lambda: make.show(studio.host))
    second = aside(lambda: make.show(studio.host, live=False))
    page = studio.page
    studio.room(second)

    page.get_by_role("button", name="Go live").click()
    page.get_by_role("dialog").get_by_role("button", name="Go live").click()

    expect(page.get_by_role("alert")).to_contain_text("Another show of yours is live. End it first.")
    expect(page.locator("#status")).to_have_text("Planned")
    studio.complaints[:] = [each for each in studio.complaints if "409" not in each]
    assert aside(lambda: Stream.objects.get(pk=first.pk)).status == "live"


def test_a_price_above_the_list_price_is_refused_in_the_form(studio: Studio) -> None:
    stream = aside(lambda: make.show(studio.host, products=(make.product("Lipstick"),)))
    page = studio.page
    studio.room(stream)

    page.get_by_role("button", name="Open an offer for Lipstick").click()
    page.get_by_label("Price (EUR)").fill("25")
    page.get_by_role("button", name="Open the offer").click()

    expect(page.get_by_text("may not be above the list price of €19.99")).to_be_visible()
    assert aside(lambda: Offer.objects.count()) == 0


def test_the_host_sees_how_many_wait(studio: Studio) -> None:
    product = aside(lambda: make.product("Lipstick"))
    stream = aside(lambda: make.show(studio.host, products=(product,)))
    page = studio.page
    studio.room(stream)
    row = page.locator(".cr-good")
    expect(row).not_to_contain_text("in line")

    def line_up() -> None:
        variant = product.variants.get()
        for name in ("Ada", "Bea"):
            WaitlistEntry.objects.create(buyer=trade.user(name), variant=variant, stream=stream)
        keeping.tell()

    aside(line_up)

    expect(row).to_contain_text("2 in line")
