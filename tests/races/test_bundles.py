"""The last piece of a part, wanted by a bundle's buyer and by its own: exactly one of them gets it.

The control takes away what guards it, and there it is sold twice.
"""

import threading
from unittest.mock import patch

import pytest
from django.db import connection

from catalog import bundles
from catalog.models import Variant
from catalog.shelf import stock
from orders.models import Hold, Purchase
from tests.orders import make
from tests.orders.make import NOW
from tests.orders.threads import at_once
from tests.orders.till import asks

pytestmark = pytest.mark.django_db(transaction=True)


def kit() -> tuple[Variant, Variant, Variant]:
    """A bundle, its part of which there is plenty, and the one of which there is a last piece."""
    seller = make.merchant()
    plenty, last = make.variant(stocked=9, seller=seller), make.variant(stocked=1, seller=seller)
    one = make.variant(stocked=0, seller=seller)
    bundles.set_parts(merchant_id=seller.id, bundle_id=one.id, parts={plenty.id: 1, last.id: 1}, now=NOW)
    return one, plenty, last


def test_a_bundle_and_the_last_piece_of_its_part_are_not_both_sold() -> None:
    for _ in range(4):
        one, plenty, last = kit()
        outcomes = at_once([make.basket((one, 1)).go, make.basket((last, 1)).go])
        sold = [each for each in outcomes if isinstance(each, Purchase)]
        assert len(sold) == 1, outcomes
        assert sum(isinstance(each, stock.OutOfStock) for each in outcomes) == 1
        assert make.left(last) == 0
        with_bundle = Hold.objects.filter(purchase=sold[0], variant=plenty).exists()
        assert make.left(plenty) == 9 - with_bundle
    assert not make.broken()


def test_control_without_the_lock_of_the_parts_both_are_sold(monkeypatch: pytest.MonkeyPatch) -> None:
    asks.meet(monkeypatch)
    one, _, last = kit()
    both_have_read = threading.Barrier(2)

    def unlocked(variant_ids: set, *, skip_locked: bool) -> dict:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT variant_id, available FROM catalog_stock WHERE variant_id = ANY(%s::uuid[])",
                [[str(pk) for pk in variant_ids]],
            )
            found = dict(cursor.fetchall())
        both_have_read.wait(20)
        return found

    def unguarded(*, units: dict, now: object) -> None:
        """Write what was computed, as who trusts what was read."""

    with patch.object(stock, "lock", unlocked), patch.object(stock, "take_locked", unguarded):
        outcomes = at_once([make.basket((one, 1)).go, make.basket((last, 1)).go])
    assert [type(each) for each in outcomes] == [Purchase, Purchase]
    assert sum(Hold.objects.filter(variant=last).values_list("quantity", flat=True)) == 2
    assert "stock-adds-up" in make.broken()
