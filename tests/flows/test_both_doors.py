"""The same thing asked on the socket and over HTTP is refused with the same code."""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.utils import timezone

from commerce.models import User
from orders.carts import contents
from streams import client, offers
from streams.models import Offer, Stream
from tests import openapi
from tests.live_server import LiveRoom, aside
from tests.orders import make

pytestmark = pytest.mark.django_db(transaction=True)

Object = dict[str, Any]
NEW = "new"  # A key that is made for each door.


@dataclass
class Scene:
    """A shopper in a show: a lipstick in her cart, a serum that is sold out, an offer to come for cream."""

    live: LiveRoom
    noa: User
    stream: Stream
    lipstick: Any
    serum: Any
    cream: Any
    offer: Offer
    to_come: Offer

    def filled(self, value: Any) -> Any:
        """Put this scene's ids in the places of their names."""
        if isinstance(value, dict):
            return {name: self.filled(each) for name, each in value.items()}
        if isinstance(value, list):
            return [self.filled(each) for each in value]
        names = ("lipstick", "serum", "cream", "offer", "to_come")
        return str(getattr(self, value).id) if isinstance(value, str) and value in names else value

    def over_http(self, t: str, d: Object, key: str | None) -> tuple[int, Object]:
        """Ask over HTTP and return the status and the answer's body."""
        browser = Client()
        browser.force_login(self.noa)
        here = {"stream": self.stream.slug}
        lines, headers = "/api/v1/cart/lines", {}
        if key is not None:
            headers["Idempotency-Key"] = str(uuid4()) if key == NEW else key
        asked: dict[str, tuple[str, str, Object | None]] = {
            "purchase.create": ("POST", "/api/v1/purchases", {**d, **here}),
            "cart.add": ("POST", lines, {**d, **here}),
            "waitlist.join": ("POST", "/api/v1/waitlist", {**d, **here}),
        }
        if t in ("cart.update", "cart.remove"):
            rest = {name: value for name, value in d.items() if name != "variant"}
            at = f"{lines}/{d['variant']}"
            asked["cart.update"] = ("PATCH", at, {**rest, **here})
            asked["cart.remove"] = ("DELETE", f"{at}?{urlencode({**rest, **here})}", None)
        if t == "coupon.claim":
            at = f"/api/v1/live/{self.stream.slug}/coupons/{d['coupon']}/claim"
            asked["coupon.claim"] = ("POST", at, {})
        if t in ("waitingroom.enter", "waitingroom.leave"):
            at = f"/api/v1/live/{self.stream.slug}/offers/{d['offer']}/waiting-room"
            asked[t] = ("POST", at, {}) if t == "waitingroom.enter" else ("DELETE", at, None)
        method, path, body = asked[t]
        content: dict[str, Any] = (
            {"data": json.dumps(body), "content_type": "application/json"} if body is not None else {}
        )
        answer = browser.generic(method, path, headers=headers, **content)
        openapi.told(method, path, answer)
        return answer.status_code, answer.json()


@pytest.fixture
def scene(live_room: LiveRoom) -> Scene:
    now, lipstick, serum = timezone.now(), make.variant(), make.variant(stocked=0)
    cream = make.variant()
    stream = make.show(lipstick, serum, cream, now=now)
    noa = make.buyer("Noa")
    contents.add(buyer_id=noa.id, variant_id=lipstick.id, quantity=1, stream_id=None, now=now)
    offer = make.offer(stream, lipstick, quota=5, per_buyer=2, now=now)
    to_come = offers.announce(
        host_id=stream.host_id,
        stream_id=stream.id,
        opens_at=now + timedelta(minutes=5),
        now=now,
        item_id=make.item(stream, cream).id,
        amount=999,
        quota=5,
        seconds=60,
    )
    return Scene(live_room, noa, stream, lipstick, serum, cream, offer, to_come)


def buy(*lines: Object, amount: int = 1999, currency: str = "EUR", **more: Any) -> Object:
    return {"lines": list(lines), "expect_total": {"amount": amount, "currency": currency}, **more}


def line(variant: Any = "lipstick", quantity: Any = 1, **more: Any) -> Object:
    return {"variant": variant, "quantity": quantity, **more}


NOWHERE = str(UUID(int=7))
HUGE = 2**70
NO_IDS: tuple[Any, ...] = (7, "", "\0", f"{{{NOWHERE}}}", f"urn:uuid:{NOWHERE}", [NOWHERE])
CASES: list[tuple[str, Object, str | None, str]] = [
    ("purchase.create", buy(), NEW, "NOTHING_WANTED"),
    *(("purchase.create", buy(line(quantity=n)), NEW, "BAD_QUANTITY") for n in (0, -1, 100, HUGE, -HUGE)),
    *(("purchase.create", buy(line(quantity=n)), NEW, "BAD_REQUEST") for n in (1.5, "2", None, True)),
    ("purchase.create", buy(*(100 * [line()])), NEW, "BAD_QUANTITY"),
    ("purchase.create", buy(*(line(str(UUID(int=n))) for n in range(21))), NEW, "TOO_MANY_LINES"),
    ("purchase.create", buy(line()), None, "BAD_IDEMPOTENCY_KEY"),
    ("purchase.create", buy(line()), "mine", "BAD_IDEMPOTENCY_KEY"),
    ("purchase.create", buy(line()), "{0192f0c4-7c1e-7d53-9b52-1f0f7c2b9a10}", "BAD_IDEMPOTENCY_KEY"),
    ("purchase.create", buy(line()), "0192f0c47c1e7d539b521f0f7c2b9a10", "BAD_IDEMPOTENCY_KEY"),
    ("purchase.create", buy(line(), colour="red"), NEW, "BAD_REQUEST"),
    *(("purchase.create", buy(line(at)), NEW, "BAD_REQUEST") for at in NO_IDS),
    *(("purchase.create", buy(line(), card=at), NEW, "BAD_REQUEST") for at in NO_IDS),
    *(("purchase.create", buy(line(offer=at)), NEW, "BAD_REQUEST") for at in NO_IDS),
    ("purchase.create", buy(line(NOWHERE)), NEW, "NOT_FOUND"),
    ("purchase.create", buy(line("serum")), NEW, "OUT_OF_STOCK"),
    ("purchase.create", buy(line(), amount=1), NEW, "PRICE_CHANGED"),
    ("purchase.create", buy(line(), amount=-1), NEW, "BAD_REQUEST"),
    ("purchase.create", buy(line(), currency="USD"), NEW, "CURRENCY_MISMATCH"),
    ("purchase.create", buy(line(), currency="euro"), NEW, "BAD_REQUEST"),
    ("purchase.create", buy(line(), card=NOWHERE), NEW, "NOT_FOUND"),
    ("purchase.create", buy(line(), coupon=NOWHERE), NEW, "UNKNOWN_COUPON"),
    ("purchase.create", buy(line(offer=NOWHERE)), NEW, "OFFER_MISMATCH"),
    ("purchase.create", buy(line("serum", offer="offer")), NEW, "OFFER_MISMATCH"),
    ("purchase.create", buy(line(quantity=3, offer="offer"), amount=2997), NEW, "CUSTOMER_LIMIT"),
    ("purchase.create", buy(line("cream", offer="to_come"), amount=999), NEW, "OFFER_NOT_STARTED"),
    *(("cart.add", line(quantity=n), None, "BAD_QUANTITY") for n in (0, -1, 100, HUGE)),
    ("cart.add", line(quantity=99), None, "BAD_QUANTITY"),  # She has one.
    ("cart.add", line(quantity="2"), None, "BAD_REQUEST"),
    *(("cart.add", line(at), None, "BAD_REQUEST") for at in NO_IDS),
    ("cart.add", line(NOWHERE), None, "NOT_FOUND"),
    *(("cart.update", line(quantity=n, version=1), None, "BAD_QUANTITY") for n in (0, -1, 100, HUGE)),
    ("cart.update", line(quantity=2, version=7), None, "CART_CONFLICT"),
    ("cart.update", line(quantity=2, version=-1), None, "BAD_REQUEST"),
    ("cart.update", line("serum", version=1), None, "NOT_FOUND"),
    ("cart.remove", {"variant": "serum", "version": 1}, None, "NOT_FOUND"),
    ("cart.remove", {"variant": "lipstick", "version": 0}, None, "CART_CONFLICT"),
    *(("waitlist.join", line("serum", n), None, "BAD_QUANTITY") for n in (0, -1, 100, HUGE)),
    ("waitlist.join", line("serum", 1.5), None, "BAD_REQUEST"),
    ("waitlist.join", line("lipstick"), None, "NOT_SOLD_OUT"),
    *(("waitlist.join", line(at), None, "BAD_REQUEST") for at in NO_IDS),
    ("waitlist.join", line(NOWHERE), None, "NOT_FOUND"),
    ("waitlist.join", line("serum", offer="offer"), None, "OFFER_MISMATCH"),
    ("waitlist.join", line("cream", offer="to_come"), None, "OFFER_NOT_STARTED"),
    ("coupon.claim", {"coupon": NOWHERE}, None, "UNKNOWN_COUPON"),
    ("waitingroom.enter", {"offer": "offer"}, None, "NO_WAITING_ROOM"),
    ("waitingroom.enter", {"offer": NOWHERE}, None, "NOT_FOUND"),
    ("waitingroom.leave", {"offer": NOWHERE}, None, "NOT_FOUND"),
]


@pytest.mark.parametrize("t", sorted({case[0] for case in CASES}))
async def test_both_doors_refuse_alike(scene: Scene, t: str) -> None:
    """All cases of a command: each is asked over HTTP, then on the socket."""
    wrong = []
    for _, d, key, code in (case for case in CASES if case[0] == t):
        body = scene.filled(d)
        status, http = await aside(scene.over_http, t, body, key)
        # A few at a time: whoever sends nothing but nonsense is shown the door.
        async with await aside(scene.live.visitor, scene.stream, scene.noa) as room:
            with pytest.raises(client.RefusedByServer) as refused:
                await room.command(t, body, key=str(uuid4()) if key == NEW else key)
        socket = refused.value
        known = http.get("data", {}) == (socket.data or {}) and http["temporary"] == socket.temporary
        if (http["code"], socket.code) != (code, code) or not 400 <= status < 500 or not known:
            wrong.append((d, code, http, socket.code, socket.data))

    assert not wrong
