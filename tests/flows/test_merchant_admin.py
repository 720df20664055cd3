"""A merchant's day in a real browser, on a real process: a feed followed to its end, a key, an invitation."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, ViewportSize, expect

from catalog.models import Import, PriceSchedule, Variant
from commerce import members
from commerce.merchantkeys import By
from commerce.models import Merchant, MerchantMember, User
from config.children import Child
from tests import backstage
from tests.browsing import aside
from tests.catalog import make

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PASSWORD = "a long enough password"
DESK: ViewportSize = {"width": 1280, "height": 860}
PHONE: ViewportSize = {"width": 390, "height": 844}


@pytest.fixture
def site(transactional_db: None, _site: tuple[str, Child], worker: Child) -> Iterator[str]:
    """The address of a process that serves pages on this test's database, with its backstage."""
    address, running = _site
    assert running.alive()
    with backstage.working():
        yield address


def _owner() -> Merchant:
    merchant = make.merchant()
    user = User.objects.create_user("ana@example.com", PASSWORD, name="Ana")
    members.add(merchant_id=merchant.pk, user_id=user.pk, role="owner", by=By())
    return merchant


def sign_in(browser: Browser, site: str, size: ViewportSize = DESK, **window: Any) -> Page:
    """Sign in as the owner of a new merchant."""
    aside(_owner)
    page = browser.new_page(viewport=size, **window)
    page.goto(f"{site}/merchant/")
    page.get_by_label("Email").fill("ana@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("Nothing waits for you")).to_be_visible()
    return page


def feed() -> bytes:
    rows = [make.row(f"mug-{n}", title=f"Mug {n}", sku=f"M-{n}", price="9.90") for n in range(300)]
    return make.feed(*rows, make.row("bowl", title="Bowl", sku="B-1", price="nine"))


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_a_feed_is_followed_to_its_end_without_loading_the_page_anew(
    site: str, browser: Browser, size: ViewportSize
) -> None:
    page = sign_in(browser, site, size)
    page.goto(f"{site}/merchant/imports/")
    page.get_by_label("Feed").set_input_files(
        {"name": "autumn.csv", "mimeType": "text/csv", "buffer": feed()}
    )
    page.get_by_role("button", name="Send").click()
    page.wait_for_url("**/imports/*-*/")
    page.evaluate("window.stayed = true")

    expect(page.get_by_text("Done", exact=True)).to_be_visible(timeout=60_000)
    expect(page.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "100")
    expect(page.get_by_text("301 of 301")).to_be_visible()
    problem = page.locator(".st-table tbody tr")
    expect(problem).to_have_count(1)
    for said in ("302", "Variant Price", "BAD_PRICE", "nine"):
        expect(problem).to_contain_text(said)
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)
    assert page.evaluate("window.stayed")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_feed_that_waits_its_turn_is_followed_when_that_has_come(site: str, browser: Browser) -> None:
    page = sign_in(browser, site)
    job = aside(lambda: Import.objects.create(merchant=Merchant.objects.get(), sha256="0" * 64, rows_total=9))
    page.goto(f"{site}/merchant/imports/{job.pk}/")
    expect(page.get_by_text("Waiting", exact=True)).to_be_visible()
    mine = Import.objects.filter(pk=job.pk)
    began = datetime.now(UTC)
    aside(lambda: mine.update(status="running", started_at=began, rows_done=3))
    expect(page.get_by_text("3 of 9")).to_be_visible()
    aside(lambda: mine.update(rows_done=6))
    expect(page.get_by_text("6 of 9")).to_be_visible()
    aside(lambda: mine.update(status="done", rows_done=9, finished_at=began))
    expect(page.get_by_text("Done", exact=True)).to_be_visible()


def test_a_key_is_made_and_shown_once(site: str, browser: Browser) -> None:
    page = sign_in(browser, site)
    page.get_by_role("link", name="API keys").click()
    page.get_by_role("link", name="Make a key").click()
    page.get_by_label("Name").fill("Warehouse")
    page.get_by_label("stock:write").check()
    page.get_by_role("button", name="Make the key").click()

    secret = page.locator("#secret").inner_text()
    expect(page.get_by_text("Copy the secret now")).to_be_visible()
    page.get_by_role("link", name="I have copied it").click()
    expect(page.get_by_text("made by Ana")).to_be_visible()
    assert secret.partition(".")[2] not in page.content()

    answer = page.request.get(
        f"{site}/api/v1/catalog/products", headers={"Authorization": f"Api-Key {secret}"}
    )
    assert (answer.status, answer.json()["code"]) == (403, "MISSING_SCOPE")


def test_whoever_is_invited_joins_in_a_window_of_her_own(site: str, browser: Browser) -> None:
    page = sign_in(browser, site)
    page.get_by_role("link", name="Members").click()
    page.get_by_label("E-mail").fill("bo@example.com")
    page.get_by_label("Role", exact=True).select_option("catalog")
    page.get_by_role("button", name="Invite").click()
    link = page.locator("#secret").inner_text()

    hers = browser.new_context(viewport=PHONE).new_page()
    hers.goto(link)
    hers.get_by_label("Your name").fill("Bo")
    hers.get_by_label("Password").fill(PASSWORD)
    hers.get_by_role("button", name="Join").click()
    expect(hers.get_by_text("Welcome. You work for")).to_be_visible()
    assert aside(lambda: MerchantMember.objects.get(user__email="bo@example.com").role) == "catalog"

    page.on("dialog", lambda asked: asked.accept())
    page.goto(f"{site}/merchant/members/")
    page.get_by_role("button", name="Remove Bo").click()
    expect(page.get_by_text("Removed.")).to_be_visible()
    hers.reload()
    expect(hers.get_by_role("button", name="Log in")).to_be_visible()


def _mug() -> Variant:
    return make.variant(Merchant.objects.get(), sku="MUG-1", stocked=5)


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_a_price_is_announced_in_the_merchants_own_time_and_called_off(
    site: str, browser: Browser, size: ViewportSize
) -> None:
    page = sign_in(browser, site, size, timezone_id="Asia/Tokyo")
    mug = aside(_mug)
    page.goto(f"{site}/merchant/products/{mug.product_id}/")
    page.get_by_role("link", name="Prices of").click()
    expect(page.get_by_text("In your time (Asia/Tokyo)").first).to_be_visible()
    expect(page.get_by_text("Times are in Asia/Tokyo", exact=True)).to_be_visible()
    day = (timezone.now() + timedelta(days=30)).strftime("%Y-%m-%d")
    page.get_by_label("Price", exact=True).fill("1,000")
    page.get_by_label("From").fill(f"{day}T10:00")
    page.get_by_role("button", name="Announce").click()
    expect(page.get_by_text("Write it as in 19.90.")).to_be_visible()
    # What came back is still her own time.
    expect(page.get_by_label("From")).to_have_value(f"{day}T10:00")
    page.get_by_label("Price", exact=True).fill("4,50")
    page.get_by_role("button", name="Announce").click()

    expect(page.get_by_text("Announced.", exact=True)).to_be_visible()
    row = aside(PriceSchedule.objects.get)
    assert row.amount == 450
    assert row.starts_at == datetime.fromisoformat(f"{day}T01:00").replace(tzinfo=UTC)
    expect(page.get_by_text("10:00").first).to_be_visible()
    expect(page.get_by_text("Times are in Asia/Tokyo", exact=True)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

    page.on("dialog", lambda asked: asked.accept())
    page.get_by_role("button", name="Call off").click()
    expect(page.get_by_text("Called off", exact=True)).to_be_visible()
    assert aside(PriceSchedule.objects.get).status == "cancelled"
