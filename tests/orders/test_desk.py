"""Orders in the merchant admin."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from commerce.models import Merchant
from orders import fulfilment
from orders.aftersales import cancelling
from orders.models import Order, OrderLine, Purchase, Refund, Shipment
from orders.settling import payments
from tests.deskfolk import client_of
from tests.orders import make

pytestmark = pytest.mark.django_db


def sold(*quantities: int, of: Merchant | None = None) -> Order:
    seller = of or make.merchant()
    goods = [make.variant(amount=1000, stocked=20, seller=seller) for _ in quantities]
    purchase = make.basket(*zip(goods, quantities, strict=True)).go(now=timezone.now())
    payments.apply(intent=make.said(make.sent(purchase), "succeeded"), now=timezone.now())
    return Order.objects.get(purchase=purchase)


def text(client: Client, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status, address
    return " ".join(answer.content.decode().split())


def press(client: Client, order: Order, action: str = "", **form: Any) -> Any:
    said = {"merchant": str(order.merchant_id), **form}
    return client.post(f"/merchant/orders/{order.id}/{action}", said)


def test_orders_are_listed_and_found() -> None:
    order = sold(1)
    other = sold(2, of=order.merchant)
    theirs = sold(1)
    client = client_of(order.merchant)
    fulfilment.acknowledge(
        merchant_id=order.merchant_id, order_id=order.id, reference="SO-7", now=timezone.now()
    )

    whole = text(client, "/merchant/orders/")
    assert "SO-7" in whole and str(other.id) in whole and str(theirs.id) not in whole
    assert str(other.id) not in text(client, "/merchant/orders/?q=SO-7")
    assert "SO-7" not in text(client, "/merchant/orders/?acknowledged=false")
    assert "No such order" in text(client, "/merchant/orders/?status=delivered")
    assert client.get("/merchant/orders/?status=lost").status_code == 400
    assert "2</b> orders to be sent" in text(client, "/merchant/") or "orders to be sent" in text(
        client, "/merchant/"
    )


def test_the_list_says_what_goes_where() -> None:
    order = sold(2, 1, 1)
    page = text(client_of(order.merchant), "/merchant/orders/")
    first, second, _ = OrderLine.objects.filter(order=order).order_by("id")
    assert f"{first.quantity} × {first.title}, {second.quantity} × {second.title} and more" in page
    assert f"{order.purchase.ship_to['name']}, {order.purchase.ship_to['city']}" in page


def test_a_pre_order_says_when_it_goes_out() -> None:
    order = sold(1)
    page = f"/merchant/orders/{order.id}/"
    client = client_of(order.merchant)
    assert "Record a parcel" in text(client, page)
    OrderLine.objects.filter(order=order).update(release_at=timezone.now() + timedelta(days=4))
    said = text(client, page)
    assert "Pre-order, goes out from" in said and "Record a parcel" not in said
    OrderLine.objects.filter(order=order).update(release_at=timezone.now() - timedelta(days=1))
    assert "Record a parcel" in text(client, page)


def test_an_order_goes_out_in_two_parcels_and_is_there() -> None:
    order = sold(2, 1)
    client = client_of(order.merchant)
    two, one = OrderLine.objects.filter(order=order).order_by("id")
    assert "Lindenweg 4" in text(client, f"/merchant/orders/{order.id}/")

    parcel = {"carrier": "DHL", f"units-{two.id}": "1", f"units-{one.id}": "0"}
    assert press(client, order, **parcel).status_code == 302
    order.refresh_from_db()
    assert order.status == "partly_shipped"
    wrong = press(client, order, carrier="UPS", **{f"units-{two.id}": "5", f"units-{one.id}": "1"})
    assert (wrong.status_code, b'role="alert"' in wrong.content) == (400, True)
    none = press(client, order, carrier="UPS", **{f"units-{two.id}": "0", f"units-{one.id}": "0"})
    assert b"Say what is in the parcel." in none.content
    press(client, order, carrier="UPS", **{f"units-{two.id}": "1", f"units-{one.id}": "1"})
    for each in Shipment.objects.all():
        press(client, order, f"deliver/{each.pk}/")

    order.refresh_from_db()
    assert order.status == "delivered"
    assert "Delivered" in text(client, f"/merchant/orders/{order.id}/")
    slip = client.get(f"/merchant/orders/{order.id}/packing-slip.pdf")
    assert slip.content.startswith(b"%PDF-")
    of_parcel = client.get(f"/merchant/parcels/{Shipment.objects.latest('id').pk}/packing-slip.pdf")
    assert of_parcel.content.startswith(b"%PDF-")


def test_a_button_that_is_pressed_twice_counts_once() -> None:
    order = sold(3)
    client = client_of(order.merchant)
    line = OrderLine.objects.get(order=order)
    (key,) = set(
        re.findall(r'name="key" value="([0-9a-f-]{36})"', text(client, f"/merchant/orders/{order.id}/"))
    )
    for _ in range(2):
        press(client, order, carrier="Post", key=key, **{f"units-{line.id}": "1"})
    assert Shipment.objects.count() == 1
    for _ in range(2):
        press(client, order, "refund/", key=key, amount="1.50", reason="late")
    assert [row.amount for row in Refund.objects.all()] == [150]


def test_a_parcel_with_all_that_is_left_pressed_twice_says_that_it_was_recorded() -> None:
    order = sold(1)
    client = client_of(order.merchant)
    line = OrderLine.objects.get(order=order)
    form = {"carrier": "Post", "key": "6b6f2b4e-6a7e-4a0e-9a52-5b0f7f3b8a11", f"units-{line.id}": "1"}
    press(client, order, **form)

    again = press(client, order, **form)

    assert again.status_code == 302
    assert "This parcel was recorded already." in text(client, again.url)
    assert Shipment.objects.count() == 1
    other = press(client, order, **{**form, "key": ""})
    assert "Nothing of this order is left to be sent." in text(client, other.url)


def test_a_form_that_comes_back_with_something_else_in_it_is_not_taken_for_the_first() -> None:
    order = sold(3)
    client = client_of(order.merchant)
    line = OrderLine.objects.get(order=order)
    key = "6b6f2b4e-6a7e-4a0e-9a52-5b0f7f3b8a11"
    press(client, order, carrier="Post", key=key, **{f"units-{line.id}": "1"})
    other = press(client, order, carrier="Post", key=key, **{f"units-{line.id}": "2"})
    assert (other.status_code, b"with something else in it" in other.content) == (400, True)
    assert Shipment.objects.count() == 1


def test_a_thousand_is_not_taken_for_one() -> None:
    order = sold(2)
    client = client_of(order.merchant)
    for wrong in ("1,000", "1.000", "1,00.0", "1e1"):
        page = client.post(
            f"/merchant/orders/{order.id}/refund/",
            {"merchant": str(order.merchant_id), "amount": wrong},
            follow=True,
        )
        assert "Write an amount such as 9.99." in page.content.decode(), wrong
    press(client, order, "refund/", amount="1,50")
    assert [row.amount for row in Refund.objects.all()] == [150]
    left = sum(line.paid for line in order.lines.all()) + order.shipping_paid - 150
    shown = text(client, f"/merchant/orders/{order.id}/")
    assert f"At most €{left / 100:.2f} are left to be given back." in shown


def test_it_is_acknowledged_cancelled_and_given_back() -> None:
    order = sold(2)
    client = client_of(order.merchant)
    press(client, order, "acknowledge/", reference="SO-9")
    press(client, order, "refund/", amount="1.5x", reason="late")
    press(client, order, "refund/", amount="-1", reason="late")
    assert not Refund.objects.exists()
    press(client, order, "cancel/", reason="sold out", restock="on")
    order.refresh_from_db()
    assert (order.status, order.reference) == ("cancelled", "SO-9")
    assert "Give money back" not in text(client, f"/merchant/orders/{order.id}/")
    assert Refund.objects.get().amount == 2000
    page = text(client, f"/merchant/orders/{order.id}/")
    assert "Lindenweg 4" not in page and "the order is cancelled" in page


def test_a_buyer_who_wants_to_cancel_is_answered() -> None:
    order = sold(2)
    client = client_of(order.merchant)
    purchase = Purchase.objects.get(pk=order.purchase_id)
    asked: dict[str, Any] = {
        "buyer_id": purchase.buyer_id,
        "purchase_id": purchase.id,
        "order_id": order.id,
        "now": timezone.now(),
    }
    Merchant.objects.filter(pk=order.merchant_id).update(cancel_seconds=0)
    cancelling.cancel_by_buyer(reason="changed my mind", **asked)
    assert "changed my mind" in text(client, f"/merchant/orders/{order.id}/")
    assert "buyer asks to cancel" in text(client, "/merchant/")
    assert str(order.id) in text(client, "/merchant/orders/?cancellation=asked")
    press(client, order, "keep/", answer="It is packed")
    assert "buyer asks to cancel" not in text(client, "/merchant/")


def test_roles_and_other_merchants_stay_out() -> None:
    order = sold(1)
    stranger = client_of(sold(1).merchant)
    viewer = client_of(order.merchant, "viewer")
    assert text(viewer, f"/merchant/orders/{order.id}/").count("Record a parcel") == 0
    for action in ("", "acknowledge/", "cancel/", "refund/", "keep/"):
        assert press(viewer, order, action).status_code == 403, action
    own = str(sold(1).merchant_id)
    for path in ("", "packing-slip.pdf"):
        assert stranger.get(f"/merchant/orders/{order.id}/{path}").status_code == 404
    for action in ("acknowledge/", "cancel/", "refund/", "keep/"):
        answer = press(stranger, order, action, merchant=own)
        assert answer.status_code in (404, 409), action
    order.refresh_from_db()
    assert (order.status, order.acknowledged_at) == ("open", None)
