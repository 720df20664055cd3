"""The card sheet in an iframe of another page, as the shopper page shows it."""

from __future__ import annotations

import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import stripe
from playwright.sync_api import Browser, Page

from tests.stripe_server import StripeServer

pytestmark = pytest.mark.browser

SHOP = """<!doctype html><title>Shop</title><iframe style="width:390px;height:700px"></iframe>
<script>window.heard = []; addEventListener("message", (event) => heard.push([event.origin, event.data]));
document.querySelector("iframe").src = decodeURIComponent(location.hash.slice(1));</script>"""


@pytest.fixture
def shop() -> Generator[str]:
    """The address of a page that frames what its fragment names."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(SHOP.encode())

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()


@pytest.fixture
def page(browser: Browser) -> Page:
    """A phone."""
    return browser.new_page(viewport={"width": 390, "height": 844})


def heard(page: Page, count: int) -> list[Any]:
    """What the shop was told, once there is enough of it."""
    page.wait_for_function("count => heard.length >= count", arg=count)
    told: list[Any] = page.evaluate("heard")
    return told


def test_a_shopper_is_declined_then_confirms_another_card(
    page: Page, shop: str, stripe_server: StripeServer, api: stripe.V1Services, customer: stripe.Customer
) -> None:
    setup = api.setup_intents.create({"customer": customer.id, "allowed_payment_method_types": ["card"]})
    page.goto(f"{shop}#{stripe_server.url}/sheet/setup?client_secret={setup.client_secret}")
    sheet = page.frame_locator("iframe")
    save = sheet.get_by_role("button", name="Save card")
    assert save.is_disabled()

    sheet.get_by_text("Declined at once").click()
    save.click()
    sheet.get_by_text("Your card was declined.").wait_for()
    sheet.get_by_text("Asks for 3D Secure at every payment").click()
    save.click()
    sheet.get_by_role("button", name="Complete authentication").click()
    sheet.get_by_text("Confirmed.").wait_for()

    told = heard(page, 2)
    assert [data["status"] for _, data in told] == ["declined", "succeeded"]
    assert {origin for origin, _ in told} == {stripe_server.url}
    assert {(data["source"], data["intent"]) for _, data in told} == {("yellowcart-simulator", setup.id)}
    assert api.setup_intents.retrieve(setup.id).status == "succeeded"


def test_a_shopper_changes_her_mind(
    page: Page, shop: str, stripe_server: StripeServer, api: stripe.V1Services
) -> None:
    setup = api.setup_intents.create({"allowed_payment_method_types": ["card"]})
    page.goto(f"{shop}#{stripe_server.url}/sheet/setup?client_secret={setup.client_secret}")

    page.frame_locator("iframe").get_by_role("button", name="Cancel").click()

    assert heard(page, 1)[0][1]["status"] == "canceled"
    assert api.setup_intents.retrieve(setup.id).status == "requires_payment_method"


def test_in_a_window_of_its_own_the_buyer_goes_back_to_the_shop(
    page: Page, shop: str, stripe_server: StripeServer, api: stripe.V1Services
) -> None:
    intent = api.payment_intents.create(
        {
            "amount": 1999,
            "currency": "eur",
            "payment_method": "pm_card_authenticationRequired",
            "confirm": True,
            "return_url": f"{shop}back?show=1",
            "allowed_payment_method_types": ["card"],
        }
    )
    assert intent.next_action is not None
    assert intent.next_action.redirect_to_url is not None
    page.goto(str(intent.next_action.redirect_to_url.url))

    page.get_by_role("button", name="Fail authentication").click()
    page.wait_for_url("**/back?**")

    assert page.url.startswith(f"{shop}back?show=1&payment_intent={intent.id}")
    assert page.url.endswith("redirect_status=failed")
