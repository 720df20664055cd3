"""After the sale over HTTP: a buyer cancels and sends back, her merchant decides, nobody else comes in."""

import csv
import io
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from commerce.models import LedgerTransaction, Merchant, User
from orders.models import OrderLine, Refund, Return
from tests import apikeys
from tests.flows.aftersales import buyer_api, contested, merchant_api, refused, sold
from tests.orders import make

pytestmark = pytest.mark.django_db


# --- buyers ---


def test_a_buyer_cancels_within_her_time() -> None:
    order = sold()
    path = f"purchases/{order.purchase_id}/orders/{order.id}/cancel"
    answer = buyer_api(order.purchase.buyer)(path, {"reason": "bought twice"})

    assert answer.status_code == 200
    (part,) = answer.json()["orders"]
    assert part["status"] == "cancelled"
    assert part["aftersales"]["refunded"] == {"amount": 3000, "currency": "EUR"}
    assert [each["by"] for each in part["aftersales"]["refunds"]] == ["buyer"]
    assert make.broken() == []


def test_afterwards_her_merchant_decides() -> None:
    order = sold()
    shop, call = merchant_api(order.merchant), buyer_api(order.purchase.buyer)
    assert shop("put", "return-policy", {"cancel_seconds": 0, "return_days": 14}).json() == {
        "cancel_seconds": 0,
        "return_days": 14,
    }
    path = f"purchases/{order.purchase_id}/orders/{order.id}/cancel"
    asked = call(path, {"reason": "bought twice"}).json()["orders"][0]
    assert (asked["status"], asked["aftersales"]["cancellation"]["status"]) == ("open", "asked")

    (listed,) = shop("get", "orders?cancellation=asked").json()["results"]
    assert (listed["id"], listed["cancellation"]["reason"]) == (str(order.id), "bought twice")
    answer = shop("post", f"orders/{order.id}/cancellation/refuse", {"answer": "Packed."})
    assert answer.json()["cancellation"]["status"] == "refused"
    refused(call(path), 409, "CANCELLATION_REFUSED")

    done = shop("post", f"orders/{order.id}/cancel", {"reason": "sold out after all"})
    assert (done.status_code, done.json()["status"]) == (200, "cancelled")
    assert done.json()["refunded"] == {"amount": 3000, "currency": "EUR"}
    assert make.broken() == []


def test_goods_come_back() -> None:
    order = sold(shipped=True)
    shop, call = merchant_api(order.merchant), buyer_api(order.purchase.buyer)
    line = OrderLine.objects.get()
    path = f"purchases/{order.purchase_id}/orders/{order.id}/returns"
    body = {"lines": [{"line": str(line.id), "quantity": 2}], "reason": "damaged", "note": "It leaks."}
    key = {"Idempotency-Key": str(uuid4())}
    first, again = call(path, body, **key), call(path, body, **key)
    assert (first.status_code, again.status_code, Return.objects.count()) == (201, 201, 1)

    (back,) = shop("get", "returns?status=asked&reason=damaged").json()["results"]
    assert shop("get", "returns?status=refused").json()["results"] == []
    assert shop("get", f"returns/{back['id']}").json() == back
    assert (
        shop("post", f"returns/{back['id']}/approve", {"answer": "Send it."}).json()["status"] == "approved"
    )
    refused(shop("post", f"returns/{back['id']}/refund", {"restock": True}), 409, "RETURN_NOT_RECEIVED")
    assert shop("post", f"returns/{back['id']}/receive").json()["status"] == "received"
    assert shop("post", f"returns/{back['id']}/refund", {"restock": True}).json()["status"] == "refunded"
    assert shop("post", f"returns/{back['id']}/refund", {"restock": True}).json()["status"] == "refunded"

    (refund,) = shop("get", "refunds?kind=return").json()["results"]
    assert (refund["amount"]["amount"], refund["lines"][0]["quantity"]) == (2000, 2)
    assert make.stock_of(line.variant_id) == 9
    assert make.broken() == []


def test_bad_bodies_are_refused_with_a_code() -> None:
    order = sold(shipped=True)
    shop, call = merchant_api(order.merchant), buyer_api(order.purchase.buyer)
    line = str(OrderLine.objects.get().id)
    returns = f"purchases/{order.purchase_id}/orders/{order.id}/returns"
    asked: tuple[Any, ...] = (
        {},
        {"lines": [], "reason": "damaged"},
        {"lines": [{"line": line, "quantity": 0}], "reason": "damaged"},
        {"lines": [{"line": line, "quantity": "2"}], "reason": "damaged"},
        {"lines": [{"line": line, "quantity": 1}], "reason": "why not"},
        {"lines": [{"line": line, "quantity": 1}], "reason": "damaged", "more": 1},
        {"lines": "all", "reason": "damaged"},
    )
    for body in asked:
        refused(call(returns, body), 400, "BAD_REQUEST")
    refused(
        call(returns, {"lines": [{"line": str(uuid4()), "quantity": 1}], "reason": "other"}), 404, "NOT_FOUND"
    )
    refused(
        call(returns, {"lines": [{"line": line, "quantity": 4}], "reason": "other"}), 409, "RETURN_TOO_MUCH"
    )
    refunds = f"orders/{order.id}/refunds"
    given: tuple[Any, ...] = (
        {},
        {"reason": ""},
        {"reason": "x", "amount": {"amount": -1, "currency": "EUR"}},
        {"reason": "x", "amount": {"amount": 0, "currency": "EUR"}},
        {"reason": "x", "amount": {"amount": 1.5, "currency": "EUR"}},
        {"reason": "x", "amount": {"amount": 1, "currency": "USD"}},
        {"reason": "x", "restock": "yes"},
    )
    for body in given:
        refused(shop("post", refunds, body), 400, "BAD_REQUEST")
    refused(
        shop("post", refunds, {"reason": "x", "amount": {"amount": 3001, "currency": "EUR"}}),
        409,
        "REFUND_TOO_MUCH",
    )
    for path in ("returns?status=nothing", "refunds?kind=", "statement", "statement?since=x&until=y"):
        refused(shop("get", path), 400, "BAD_REQUEST")
    assert not Refund.objects.exists()


# --- merchants ---


def test_a_refund_pressed_twice_with_its_key_is_one() -> None:
    order = sold()
    shop, key = merchant_api(order.merchant), {"Idempotency-Key": str(uuid4())}
    body = {"reason": "scratched", "lines": [{"line": str(OrderLine.objects.get().id), "quantity": 1}]}

    answers = [shop("post", f"orders/{order.id}/refunds", body, **key) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert Refund.objects.count() == 1
    seen = shop("get", f"orders/{order.id}").json()
    assert seen["refunded"] == {"amount": 1000, "currency": "EUR"}
    assert seen["lines"][0]["refunded_quantity"] == 1


def test_nobody_comes_to_what_is_anothers() -> None:
    order, other = sold(shipped=True), sold()
    line = str(OrderLine.objects.get(order=order).id)
    back: Any = {"lines": [{"line": line, "quantity": 1}], "reason": "other"}
    buyer_api(order.purchase.buyer)(f"purchases/{order.purchase_id}/orders/{order.id}/returns", back)
    made = Return.objects.get()
    stranger, foreign = buyer_api(other.purchase.buyer), merchant_api(other.merchant)

    for verb in ("cancel", "returns"):
        for purchase_id in (order.purchase_id, other.purchase_id):
            path = f"purchases/{purchase_id}/orders/{order.id}/{verb}"
            answer = stranger(path, back if verb == "returns" else {})
            refused(answer, 404, "NOT_FOUND")
    for path, sent in (
        (f"orders/{order.id}/refunds", {"reason": "x"}),
        (f"orders/{order.id}/cancel", {"reason": "x"}),
        (f"orders/{order.id}/cancellation/refuse", {}),
        (f"returns/{made.id}/approve", {}),
        (f"returns/{made.id}/refuse", {}),
        (f"returns/{made.id}/receive", {}),
        (f"returns/{made.id}/refund", {}),
    ):
        refused(foreign("post", path, sent), 404, "NOT_FOUND")
    refused(foreign("get", f"returns/{made.id}"), 404, "NOT_FOUND")
    foreign_line = {"reason": "x", "lines": [{"line": line, "quantity": 1}]}
    refused(foreign("post", f"orders/{other.id}/refunds", foreign_line), 404, "NOT_FOUND")
    for path in ("returns", "refunds", "disputes"):
        assert foreign("get", path).json()["results"] == []
        assert Client().get(f"/api/v1/{path}").status_code == 401
    assert not Refund.objects.exists()


def test_a_statement_is_the_merchants_own_and_opens_where_the_last_closed() -> None:
    order, _other = sold(), sold()
    shop = merchant_api(order.merchant)
    shop("post", f"orders/{order.id}/refunds", {"reason": "x", "amount": {"amount": 100, "currency": "EUR"}})
    middle = LedgerTransaction.objects.get(kind="refund.owed").posted_at
    day = timedelta(days=1)

    def rows(since: Any, until: Any) -> list[dict[str, str]]:
        period = {"since": since.isoformat(), "until": until.isoformat()}
        answer = Client().get(
            "/api/v1/statement", period, headers={"Authorization": shop_key(order.merchant)}
        )
        assert answer.status_code == 200, answer.content
        assert answer["Content-Type"] == "text/csv; charset=utf-8"
        return list(csv.DictReader(io.StringIO(answer.content.decode())))

    before, after = rows(middle - day, middle), rows(middle, middle + day)

    assert [(row["kind"], row["amount"], row["balance"]) for row in before] == [
        ("opening", "", "0.00"),
        ("sale", "25.50", "25.50"),
        ("closing", "", "25.50"),
    ]
    assert [(row["kind"], row["amount"], row["balance"]) for row in after] == [
        ("opening", "", "25.50"),
        ("refund.owed", "-0.85", "24.65"),
        ("closing", "", "24.65"),
    ]
    refused(
        shop("get", "statement?since=2030-01-02T00:00:00Z&until=2030-01-01T00:00:00Z"), 400, "BAD_REQUEST"
    )


def shop_key(owner: Merchant) -> str:
    _, key = apikeys.key(owner)
    return f"Api-Key {key}"


def test_a_host_has_her_commission_as_a_file_and_nobody_elses() -> None:
    order = sold()
    line = OrderLine.objects.select_related("host__user").get(order=order)
    assert line.host is not None
    now = timezone.now()
    period = {
        "since": (now - timedelta(days=1)).isoformat(),
        "until": (now + timedelta(days=1)).isoformat(),
    }

    def rows(user: User) -> Any:
        client = Client()
        client.force_login(user)
        return client.get("/api/v1/studio/statement", period)

    hers = list(csv.DictReader(io.StringIO(rows(line.host.user).content.decode())))
    assert [row["balance"] for row in hers] == ["0.00", "3.00", "3.00"]
    other = make.host("Lea")
    assert len(rows(other.user).content.decode().splitlines()) == 1
    refused(rows(order.purchase.buyer), 403, "FORBIDDEN")


def test_a_merchant_sees_her_disputes_and_cannot_pay_twice() -> None:
    order = sold()
    contested(order)
    shop = merchant_api(order.merchant)
    (seen,) = shop("get", "disputes?status=needs_response").json()["results"]
    assert (seen["order"], seen["amount"]["amount"], seen["yours"]["amount"]) == (str(order.id), 3000, 2550)
    refused(shop("post", f"orders/{order.id}/refunds", {"reason": "x"}), 409, "PAYMENT_DISPUTED")


def test_a_list_of_no_lines_is_not_all_of_them() -> None:
    order = sold()
    shop = merchant_api(order.merchant)
    refused(shop("post", f"orders/{order.id}/refunds", {"reason": "x", "lines": []}), 400, "BAD_REQUEST")
    assert not Refund.objects.exists()
