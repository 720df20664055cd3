"""A feed and a list of prices of the same goods at the same moment: neither is broken off for the other."""

import threading
from functools import partial
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from catalog.feeds import intake
from catalog.feeds.drafts import ProductDraft, VariantDraft
from catalog.models import Product, Variant
from catalog.pricing import prices
from catalog.shelf import movements, stock
from tests.orders import make
from tests.orders.make import NOW
from tests.orders.threads import comes_to_wait
from tests.races.test_cohosts import ended, meanwhile

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


def written(*drafts: ProductDraft, of: Variant) -> None:
    intake.write(
        merchant_id=of.merchant_id,
        currency="EUR",
        drafts=list(drafts),
        note="",
        now=NOW,
        by=movements.SOMEBODY,
    )


def test_what_a_feed_writes_of_a_variant_keeps_nobody_from_selling_it() -> None:
    one = make.variant(stocked=1)
    with transaction.atomic():
        written(said(one, 1), of=one)
        assert Variant.objects.get().barcode == "4006381333931"
        # As the database does for a row that names it: a sale, a count of its stock.
        thread, outcome = meanwhile(partial(named, one))
        ended(thread)
        assert outcome == []


def test_a_feed_that_gives_a_variant_other_options_waits_for_who_sells_it() -> None:
    one = make.variant(stocked=1)
    Product.objects.update(option_names=["Shade"])
    Variant.objects.update(title="Red", options={"Shade": "Red"}, sku="A")
    draft = VariantDraft(1, "Blue", {"Shade": "Blue"}, "A", None, None, 3, None, None)
    product = ProductDraft(1, Product.objects.get().handle, option_names=["Shade"], variants=[draft])

    def feed() -> None:
        with transaction.atomic():
            written(product, of=one)

    with transaction.atomic():
        stock.take(units={one.pk: 1}, now=NOW)
        thread, outcome = meanwhile(feed)
        assert comes_to_wait()
        # A sale has the stock first, and names the variant then.
        named(one)
    ended(thread)
    assert (outcome, Variant.objects.get().title) == ([], "Blue")


def named(one: Variant) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM catalog_variant WHERE id = %s FOR KEY SHARE NOWAIT", [one.pk])
