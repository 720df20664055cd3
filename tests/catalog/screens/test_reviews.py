"""The operators' queue of reviews: oldest first, decided with a reason, and only of what was read."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from catalog import products
from catalog.models import Product, ProductReview
from commerce.models import Merchant
from tests.catalog import make
from tests.catalog.make import NOW, after
from tests.catalog.test_admin import act, address, onlooker, operator

__all__ = ["onlooker", "operator"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def waiting() -> list[Product]:
    """Two products of one merchant, the older of which was changed since."""
    seller = make.merchant()
    Merchant.objects.filter(pk=seller.pk).update(goods_reviewed=True)
    made = [make.product(seller, handle=f"p{n}") for n in range(2)]
    Product.objects.filter(pk=made[1].pk).update(waits_since=after(-60))
    make.product(make.merchant())
    return made


def page(name: str, row: Product) -> str:
    return reverse(f"admin:catalog_waitingproduct_{name}", args=[row.pk])


def form(client: Client, row: Product, name: str) -> tuple[str, dict[str, Any]]:
    """Return a decision's address and what its form says of the version that was read."""
    at = page(name, row)
    shown = client.get(at)
    assert shown.status_code == 200
    found = re.search(r'name="version" value="(\d+)"', shown.content.decode())
    assert found
    return at, {"version": found[1]}


def test_what_waits_longest_comes_first(operator: Client, waiting: list[Product]) -> None:
    listed = operator.get(address("waitingproduct", "changelist"))
    assert [row.pk for row in listed.context["cl"].result_list] == [waiting[1].pk, waiting[0].pk]
    assert operator.get(page("change", waiting[0])).status_code == 200


def test_a_product_is_approved_as_it_was_read(operator: Client, waiting: list[Product]) -> None:
    one = waiting[0]
    at, sent = form(operator, one, "approve")
    products.change(merchant_id=one.merchant_id, product_id=one.pk, changes={"title": "Else"}, now=NOW)
    assert b"changed it meanwhile" in operator.post(at, sent).content
    assert Product.objects.get(pk=one.pk).status == "in_review"
    at, sent = form(operator, one, "approve")
    assert operator.post(at, sent).status_code == 302
    assert Product.objects.get(pk=one.pk).status == "approved"


def test_a_product_is_sent_back_with_a_reason(operator: Client, waiting: list[Product]) -> None:
    at, sent = form(operator, waiting[0], "send_back")
    assert operator.post(at, {**sent, "reason": ""}).status_code == 200
    assert not ProductReview.objects.filter(by="operator").exists()
    assert operator.post(at, {**sent, "reason": "Blurred"}).status_code == 302
    [row] = ProductReview.objects.filter(by="operator")
    assert (row.new, row.reason, str(row.person)) == ("draft", "Blurred", "ops@example.com")


def test_several_are_approved_together(operator: Client, waiting: list[Product]) -> None:
    act(operator, "waitingproduct", "approve_all", *waiting)
    assert not Product.objects.filter(status="in_review").exists()


def test_who_may_only_look_decides_nothing(onlooker: Client, waiting: list[Product]) -> None:
    for name in ("approve", "send_back"):
        onlooker.post(page(name, waiting[0]), {"version": "1", "reason": "No"})
    act(onlooker, "waitingproduct", "approve_all", *waiting)
    assert set(Product.objects.filter(handle__startswith="p").values_list("status", flat=True)) == {
        "in_review"
    }
