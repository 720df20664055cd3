"""What the API document says of the shoppers' endpoints, held against what they really answer."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from django.test import Client
from django.utils import timezone

from catalog.models import Category, Product, Variant
from commerce.models import User
from orders import fulfilment, holds
from orders.carts import policies
from orders.models import Purchase
from orders.settling import payments
from orders.tariffs import keeping
from streams import chat
from streams.models import Coupon, Offer
from streams.moderation import lines
from tests import openapi
from tests.catalog import make as goods
from tests.orders import make, tariffing
from tests.protocol import OffTheDocument
from tests.stripe_server import StripeServer

pytestmark = pytest.mark.django_db(transaction=True)  # The till has a connection of its own.

NOWHERE = UUID(int=7)
PASSWORD = "correct-horse-battery"
HOME = {"name": "Ada", "line1": "1 Mill Lane", "city": "York", "postal_code": "YO1 7HH", "country": "GB"}


class Caller:
    """A browser whose every answer is held against the document."""

    def __init__(self, user: User | None = None) -> None:
        self.client = Client()
        if user is not None:
            self.client.force_login(user)
        self.seen: set[tuple[str, str]] = set()

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Send a request to `/api/v1/<path>` and return what it is answered with."""
        path = f"/api/v1/{path}"
        content: dict[str, Any] = (
            {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        )
        answer = self.client.generic(method, path, headers=headers, **content)
        self.seen.add(openapi.told(method, path, answer))
        return answer

    def get(self, method: str, path: str, body: Any = None, *, status: int = 200, **headers: Any) -> Any:
        """Return the JSON of an answer of that status."""
        answer = self.ask(method, path, body, **headers)
        assert answer.status_code == status, answer.content
        return answer.json() if answer.content else None

    def refused(self, method: str, path: str, body: Any = None, *, code: str, **headers: str) -> None:
        """See a request refused with that code."""
        answer = self.ask(method, path, body, **headers)
        assert (answer.status_code >= 400, answer.json()["code"]) == (True, code), answer.content


def key() -> dict[str, Any]:
    return {"Idempotency-Key": str(uuid4())}


def line(variant: Any, quantity: int = 1, **more: Any) -> dict[str, Any]:
    return {"variant": str(variant), "quantity": quantity, **more}


def wanted(variant: Any, amount: int = 1999, **more: Any) -> dict[str, Any]:
    return {"lines": [line(variant)], "expect_total": {"amount": amount, "currency": "EUR"}, **more}


def account(ada: Caller) -> None:
    ada.get(
        "POST",
        "account/sign-up",
        {"email": "ada@example.com", "name": "Ada", "password": PASSWORD},
        status=201,
    )
    ada.refused("POST", "account/sign-up", {"email": "ada"}, code="BAD_REQUEST")
    ada.get("GET", "account/me")
    ada.get("PATCH", "account/me", {"name": "Ada L."})
    assert ada.get("POST", "account/erase-contact") == {"purchases": 0}
    home = ada.get("POST", "account/addresses", HOME, status=201)["id"]
    ada.get("GET", "account/addresses")
    ada.get("PUT", f"account/addresses/{home}", {**HOME, "city": "Leeds"})
    ada.refused("PUT", f"account/addresses/{NOWHERE}", HOME, code="NOT_FOUND")
    second = ada.get("POST", "account/addresses", HOME, status=201)["id"]
    ada.get("DELETE", f"account/addresses/{second}", status=204)
    other = "another-horse-battery"
    ada.get("POST", "account/password", {"old": PASSWORD, "new": other}, status=204)
    ada.get("POST", "account/sign-out-everywhere", status=204)
    ada.refused("GET", "account/me", code="UNAUTHENTICATED")
    ada.refused(
        "POST", "account/sign-in", {"email": "ada@example.com", "password": "x"}, code="WRONG_CREDENTIALS"
    )
    ada.get("POST", "account/sign-in", {"email": "ada@example.com", "password": other})


def saved_cards(ada: Caller) -> None:
    ids = []
    for token in ("pm_card_visa", "pm_card_mastercard"):
        form = ada.get("POST", "cards/setup", status=201)
        secret = form["client_secret"]
        sheet = form["sheet_url"].split("?")[0]
        httpx.post(sheet, data={"client_secret": secret, "card": token}, trust_env=False).raise_for_status()
        setup = {"setup_intent": secret.split("_secret_")[0]}
        ids = [each["id"] for each in ada.get("POST", "cards", setup, status=201)]
    ada.refused("POST", "cards", {"setup_intent": "seti_nobody"}, code="CARD_NOT_SAVED")
    ada.get("GET", "cards")
    ada.get("POST", f"cards/{ids[-1]}/default")
    ada.refused("POST", f"cards/{NOWHERE}/default", code="NOT_FOUND")
    ada.get("DELETE", f"cards/{ids[0]}", status=204)


def cart(who: Caller, variant: Any, slug: str) -> None:
    who.get("GET", f"cart?stream={slug}")
    who.refused("GET", "cart?stream=nowhere", code="NOT_FOUND")
    there = who.get("POST", "cart/lines", line(variant, stream=slug))
    who.refused("POST", "cart/lines", line(NOWHERE), code="NOT_FOUND")
    who.refused("POST", "cart/lines", line(variant, 100), code="BAD_QUANTITY")
    who.refused("PATCH", f"cart/lines/{variant}", {"version": 99, "quantity": 1}, code="CART_CONFLICT")
    there = who.get("PATCH", f"cart/lines/{variant}", {"version": there["version"], "quantity": 2})
    who.refused(
        "PATCH", f"cart/lines/{NOWHERE}", {"version": there["version"], "quantity": 1}, code="NOT_FOUND"
    )
    there = who.get("DELETE", f"cart/lines/{variant}?version={there['version']}")
    who.refused("DELETE", f"cart/lines/{variant}?version={there['version']}", code="NOT_FOUND")
    who.refused("DELETE", f"cart/lines/{variant}", code="BAD_REQUEST")
    body = {"version": there["version"], "lines": [line(variant)]}
    who.get("PUT", "cart", body)
    who.refused("PUT", "cart", {**body, "lines": [line(NOWHERE)]}, code="CART_CONFLICT")
    who.refused("PUT", "cart", {**body, "stream": "nowhere"}, code="NOT_FOUND")


def quotes(ada: Caller, variant: Any, slug: str) -> None:
    lines = {"lines": [{"variant": str(variant), "quantity": 2}]}
    assert ada.get("POST", "purchases/quote", {**lines, "stream": slug})["orders"][0]["shipping"] is None
    ada.refused("POST", "purchases/quote", {"lines": []}, code="NOTHING_WANTED")
    ada.refused("POST", "purchases/quote", {**lines, "stream": "nowhere"}, code="NOT_FOUND")
    seller = Variant.objects.get(pk=variant).merchant
    zone = tariffing.zone(seller, "US")
    ada.refused("POST", "purchases/quote", lines, code="NOT_SHIPPED_THERE")
    ada.get("GET", "cart")
    keeping.drop_zone(merchant_id=seller.id, zone_id=zone.id)
    zone = tariffing.zone(seller, free_from=10_000)
    rate = tariffing.tax(seller, "GB", bp=2000, valid_from=datetime(2025, 1, 1, tzinfo=UTC))
    quote = ada.get("POST", "purchases/quote", lines)
    ada.get("GET", "cart")
    ada.get("POST", "purchases", {**lines, "expect_total": quote["total"]}, status=201, **key())
    ada.refused(
        "POST",
        "purchases",
        {**lines, "expect_total": {"amount": 1, "currency": "EUR"}},
        code="PRICE_CHANGED",
        **key(),
    )
    keeping.drop_tax(merchant_id=seller.id, rate_id=rate.id)
    keeping.drop_zone(merchant_id=seller.id, zone_id=zone.id)


def purchases(ada: Caller, variant: Any, slug: str) -> None:
    again = key()
    bought = ada.get("POST", "purchases", wanted(variant, stream=slug), status=201, **again)
    ada.get("POST", "purchases", wanted(variant, stream=slug), **again)
    ada.refused("POST", "purchases", wanted(variant, 1, stream=slug), code="IDEMPOTENCY_MISMATCH", **again)
    ada.refused("POST", "purchases", wanted(variant), code="BAD_IDEMPOTENCY_KEY")
    ada.refused("POST", "purchases", wanted(variant, 1), code="PRICE_CHANGED", **key())
    ada.refused("POST", "purchases", wanted(NOWHERE), code="NOT_FOUND", **key())
    ada.refused("POST", "purchases", wanted(variant, stream="nowhere"), code="NOT_FOUND", **key())
    ada.refused("POST", "purchases", {"lines": 7}, code="BAD_REQUEST", **key())
    quotes(ada, variant, slug)
    ada.get("GET", f"purchases/{bought['id']}")
    ada.refused("GET", f"purchases/{NOWHERE}", code="NOT_FOUND")
    ada.get("POST", "purchases", wanted(variant), status=201, **key())
    page = ada.get("GET", "purchases?page_size=1")
    assert page["next"] and len(page["results"]) == 1
    ada.get("GET", "purchases?" + page["next"].partition("?")[2])
    ada.refused("GET", "purchases?page_size=0", code="BAD_PAGE_SIZE")
    declined = Purchase.objects.get(pk=bought["id"])
    payments.apply(intent=make.said(make.sent(declined), "declined"), now=timezone.now())
    ada.refused("POST", f"purchases/{bought['id']}/pay", {"card": str(NOWHERE)}, code="NOT_FOUND")
    ada.get("POST", f"purchases/{bought['id']}/pay", {})


def after_the_sale(ada: Caller) -> None:
    now, rouge = timezone.now(), make.variant()
    ada_herself = User.objects.get(email="ada@example.com")
    kept, shipped = (make.basket((rouge, 1), by=ada_herself).go(now=now) for _ in range(2))
    for purchase in (kept, shipped):
        payments.apply(intent=make.said(make.sent(purchase), "succeeded"), now=now)
    order = shipped.orders.get()
    at = f"purchases/{kept.id}/orders/{kept.orders.get().id}"
    ada.refused("POST", f"{at}/returns", {"lines": []}, code="BAD_REQUEST", **key())
    ada.get("POST", f"{at}/cancel", {})
    fulfilment.ship(
        order_id=order.id,
        merchant_id=rouge.merchant_id,
        carrier="DHL",
        tracking_number="1",
        tracking_url="",
        now=now,
    )
    at = f"purchases/{shipped.id}/orders/{order.id}"
    ada.refused("POST", f"{at}/cancel", {}, code="NOT_CANCELLABLE")
    back = {"lines": [{"line": str(order.lines.get().id), "quantity": 1}], "reason": "changed_mind"}
    ada.get("POST", f"{at}/returns", back, status=201, **key())
    ada.refused("POST", f"{at}/returns", back, code="RETURN_TOO_MUCH", **key())


def a_line(ada: Caller) -> None:
    now, rare = timezone.now(), make.variant(stocked=1)
    stream = make.show(rare, now=now)
    place = {"stream": stream.slug, "variant": str(rare.id)}
    ada.refused("POST", "waitlist", place, code="NOT_SOLD_OUT")
    purchase = make.basket((rare, 1), stream=stream).go(now=now)
    ada.refused("POST", "waitlist", {**place, "stream": "nowhere"}, code="NOT_FOUND")
    mine = ada.get("POST", "waitlist", place, status=201)
    ada.refused("POST", "waitlist", place, code="ALREADY_IN_LINE")
    holds.release(purchase=purchase, now=timezone.now())
    (turn,) = ada.get("GET", "waitlist")
    assert turn["until"]
    ada.get("DELETE", f"waitlist/{mine['id']}")
    ada.refused("DELETE", f"waitlist/{mine['id']}", code="NOT_IN_LINE")


def the_room(ada: Caller, stream: Any, variant: Any) -> None:
    at = f"live/{stream.slug}"
    ada.get("GET", "live/")
    ada.get("GET", f"{at}/snapshot")
    ada.refused("GET", "live/nowhere/snapshot", code="NOT_FOUND")
    ada.get("POST", f"{at}/ticket", status=201)
    ada.get("PUT", f"{at}/follow")
    ada.get("DELETE", f"{at}/follow")
    coupon = make.coupon(stream, variant.merchant)
    Coupon.objects.update(opens_at=timezone.now())
    ada.get("POST", f"{at}/coupons/{coupon.id}/claim")
    ada.refused("POST", f"{at}/coupons/{NOWHERE}/claim", code="UNKNOWN_COUPON")
    offer = make.offer(stream, variant, now=timezone.now())
    room = f"{at}/offers/{offer.id}/waiting-room"
    ada.refused("POST", room, code="NO_WAITING_ROOM")
    Offer.objects.update(admits_per_second=5)
    ada.refused("GET", room, code="NOT_IN_ROOM")
    ada.get("POST", room)
    ada.get("GET", room)
    ada.get("DELETE", room, status=204)
    ada.refused("POST", f"{at}/offers/{NOWHERE}/waiting-room", code="NOT_FOUND")
    user, now = User.objects.get(email="ada@example.com"), timezone.now()
    said = chat.say(stream_id=stream.id, author_id=user.id, key=uuid4(), text="Lovely", now=now).message
    other = chat.say(
        stream_id=stream.id, author_id=make.user().id, key=uuid4(), text="So so", now=now
    ).message
    ada.get("POST", f"{at}/reports", {"line": str(other.id), "category": "spam"}, status=204)
    host = stream.host.user_id
    lines.remove(
        stream_id=stream.id, message_id=said.id, by_id=host, rule="spam", reason="Twice", now=timezone.now()
    )
    mine = ada.get("GET", "moderation/mine")["results"]
    ada.get("POST", "moderation/appeals", {"decision": mine[0]["id"], "text": "It was once."})
    ada.refused("POST", "moderation/appeals", {"decision": str(NOWHERE), "text": "?"}, code="NOT_FOUND")


def looking_around(guest: Caller, variant: Any) -> None:
    """Goods, merchants and shows as somebody sees them who only looks."""
    product, seller = variant.product_id, variant.merchant.slug
    guest.get("GET", "shop/products?live=true&sort=price&currency=EUR")
    guest.get("GET", f"shop/products/{product}")
    guest.get("GET", f"shop/products/{product}/shows")
    guest.get("GET", f"shop/streams?merchant={seller}")
    guest.get("GET", f"shop/merchants/{seller}")
    guest.get("GET", "shop/search/suggest?q=lip")
    made = Category.objects.create(code="lips", name="Lips")
    Product.objects.filter(pk=product).update(category=made)
    guest.get("GET", "shop/categories")
    guest.get("GET", "shop/categories/lips")
    guest.refused("GET", f"shop/products/{NOWHERE}", code="NOT_FOUND")


def test_every_answer_to_a_shopper_is_as_the_document_says(stripe_server: StripeServer) -> None:
    now, lipstick = timezone.now(), make.variant()
    policies.set_policy(merchant_id=lipstick.merchant_id, hold_seconds=600, now=now)
    stream = make.show(lipstick, now=now)
    guest, ada = Caller(), Caller()

    cart(guest, lipstick.id, stream.slug)
    looking_around(guest, lipstick)
    account(ada)
    saved_cards(ada)
    cart(ada, lipstick.id, stream.slug)
    ada.get("POST", "cart/merge")
    purchases(ada, lipstick.id, stream.slug)
    after_the_sale(ada)
    a_line(ada)
    the_room(ada, stream, lipstick)
    ada.get("POST", "account/sign-out", status=204)
    for method, path in (("GET", "purchases"), ("GET", "waitlist"), ("GET", "cards"), ("POST", "cart/merge")):
        ada.refused(method, path, code="UNAUTHENTICATED")

    answered = {name for name, status in guest.seen | ada.seen if status.startswith("2")}
    assert shoppers() <= answered, "each of them was seen to do what it is for"


def shoppers() -> set[str]:
    """Return the operations that are there for shoppers, and for everybody."""
    found = set()
    for name, (_, address, operation) in openapi.operations().items():
        merchants = any("merchantKey" in way for way in operation.get("security", []))
        keeps_order = "Moderation" in operation["tags"] and "/moderation/" in address.pattern
        if not merchants and "Webhooks" not in operation["tags"]:
            found |= {name} if not keeps_order else {name} & {"moderation_mine", "moderation_appeal"}
    return found


def test_a_merchant_without_a_policy_is_told_so_as_the_document_says() -> None:
    seller = goods.merchant()
    answer = Client().get("/api/v1/cart-policy", headers={"Authorization": f"Api-Key {goods.key(seller)}"})

    assert openapi.told("GET", "/api/v1/cart-policy", answer) == ("cart_policy_get", "404")


def test_what_the_document_does_not_say_is_noticed() -> None:
    variant, buyer = make.variant(), make.buyer()
    ada = Caller(buyer)
    answer = ada.ask("GET", "cart")
    answer.content = answer.content.replace(b'"version"', b'"colour": 7, "version"')
    with pytest.raises(OffTheDocument, match="colour"):
        openapi.told("GET", "/api/v1/cart", answer)
    answer = ada.ask("POST", "cart/lines", line(variant.id))
    answer.status_code = 418
    with pytest.raises(OffTheDocument, match="418"):
        openapi.told("POST", "/api/v1/cart/lines", answer)
    with pytest.raises(OffTheDocument, match="has no"):
        openapi.told("PATCH", "/api/v1/cart", answer)
