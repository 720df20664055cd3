"""A merchant and an operator who move one product at the same moment."""

from typing import Any

import pytest
from django.db import transaction

from catalog import products, reviewing
from catalog.models import Product, ProductReview
from commerce.models import Merchant
from tests.catalog import make
from tests.catalog.make import NOW
from tests.races.test_cohosts import ended, is_waiting, meanwhile

pytestmark = pytest.mark.django_db(transaction=True)

OPERATOR = reviewing.Actor(ProductReview.By.OPERATOR)


@pytest.fixture
def waiting() -> Product:
    seller = make.merchant()
    Merchant.objects.filter(pk=seller.pk).update(goods_reviewed=True)
    return make.product(seller)


def test_what_was_withdrawn_meanwhile_is_not_approved(waiting: Product) -> None:
    about: Any = {"merchant_id": waiting.merchant_id, "product_id": waiting.pk, "now": NOW}
    with transaction.atomic():
        reviewing.withdraw(**about)
        thread, outcome = meanwhile(lambda: reviewing.approve(**about, actor=OPERATOR))
        assert is_waiting(thread)
    ended(thread)
    assert [type(error) for error in outcome] == [reviewing.BadMove]
    assert Product.objects.get().status == "draft"
    assert list(ProductReview.objects.filter(by="operator")) == []


def test_what_was_retired_meanwhile_is_not_withdrawn(waiting: Product) -> None:
    about: Any = {"merchant_id": waiting.merchant_id, "product_id": waiting.pk, "now": NOW}
    with transaction.atomic():
        reviewing.retire(**about, actor=OPERATOR)
        thread, outcome = meanwhile(lambda: reviewing.withdraw(**about))
        assert is_waiting(thread)
    ended(thread)
    assert [type(error) for error in outcome] == [reviewing.BadMove]
    assert Product.objects.get().status == "retired"


def test_what_was_changed_meanwhile_is_not_approved_as_it_was_read(waiting: Product) -> None:
    about: Any = {"merchant_id": waiting.merchant_id, "product_id": waiting.pk, "now": NOW}
    seen = Product.objects.get().version
    with transaction.atomic():
        products.change(**about, changes={"title": "Something else"})
        thread, outcome = meanwhile(lambda: reviewing.approve(**about, actor=OPERATOR, seen=seen))
        assert is_waiting(thread)
    ended(thread)
    assert [type(error) for error in outcome] == [reviewing.ChangedMeanwhile]
    assert Product.objects.get().status == "in_review"
