"""A feed and a list of prices of the same goods at the same moment: neither is broken off for the other."""

import threading
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from catalog.feeds import intake
from catalog.feeds.drafts import ProductDraft, VariantDraft
from catalog.models import Product, Variant
from catalog.pricing import prices
from catalog.shelf import movements
from tests.orders import make
from tests.orders.make import NOW

pytestmark = pytest.mark.django_db(transaction=True)


def said(of: Variant, line: int) -> ProductDraft:
    """Return what a feed says of goods: another barcode, and the price that they have."""
    draft = VariantDraft(line, of.title, of.options, of.sku, "4006381333931", None, None, 1_000, None)
    handle = Product.objects.get(pk=of.product_id).handle
    return ProductDraft(line=line, handle=handle, variants=[draft])


def test_a_feed_takes_variants_in_the_order_in_which_prices_take_them() -> None:
    first = make.variant(stocked=1)
    first, last = sorted([first, make.variant(stocked=1, seller=first.merchant)], key=lambda each: each.pk)
    # Its row lies behind the other's now, and would be come upon after it.
    Variant.objects.filter(pk=first.pk).update(weight_grams=7)
    came: list[Any] = []

    def feed() -> None:
        try:
            with transaction.atomic():
                came.append(
                    intake.write(
                        merchant_id=first.merchant_id,
                        currency="EUR",
                        drafts=[said(last, 1), said(first, 2)],
                        note="",
                        now=NOW,
                        by=movements.SOMEBODY,
                    )
                )
        except OperationalError as error:
            came.append(error)
        finally:
            connection.close()

    quote = prices.Quote(2_000, None, "EUR")
    with transaction.atomic():
        prices.change_many(merchant_id=first.merchant_id, quotes={first.pk: quote}, now=NOW)
        thread = threading.Thread(target=feed)
        thread.start()
        thread.join(0.5)
        assert thread.is_alive()
        free = Variant.objects.select_for_update(no_key=True, skip_locked=True).filter(pk=last.pk)
        assert list(free.values_list("pk")) == [(last.pk,)]
    thread.join(20)

    assert came[0].variants_updated == 2
