"""A merchant and an operator who move one product at the same moment."""

from typing import Any

import pytest
from django.db import transaction

from catalog import products, reviewing, taxonomy
from catalog.models import Category, CategoryAttribute, Product, ProductReview
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


@pytest.mark.parametrize("verb", [reviewing.submit, reviewing.restore])
def test_what_lost_meanwhile_what_its_category_asks_for_is_not_put_on_sale(verb: Any) -> None:
    lips = Category.objects.create(code="lips", name="Lips")
    CategoryAttribute.objects.create(category=lips, code="finish", name="Finish", kind="text", required=True)
    status = "draft" if verb is reviewing.submit else "retired"
    one = make.product(make.merchant(), status=status, category="lips", attributes={"finish": "matte"})
    about: Any = {"merchant_id": one.merchant_id, "product_id": one.pk, "now": NOW}
    with transaction.atomic():
        products.change(**about, changes={"attributes": {}})
        thread, outcome = meanwhile(lambda: verb(**about))
        assert is_waiting(thread)
    ended(thread)
    assert [type(error) for error in outcome] == [taxonomy.MissingAttributes]
    assert Product.objects.get().status == status
