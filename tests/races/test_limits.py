"""Many feeds and exports of one merchant at the same moment: no more are taken than may wait."""

import io
from functools import partial

import pytest
from django.utils import timezone

from catalog.feeds import exports, imports
from catalog.models import Export, Import
from commerce.models import Merchant
from tests.catalog import make
from tests.orders.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE = 12


def export(merchant: Merchant) -> bool:
    try:
        exports.queue(merchant_id=merchant.pk, format="jsonl", filters={}, now=timezone.now())
    except exports.TooManyExports:
        return False
    return True


def feed(merchant: Merchant, number: int) -> bool:
    file = io.BytesIO(f"Handle,Title,Variant Price\nmug-{number},Mug,9.90\n".encode())
    try:
        imports.queue(merchant_id=merchant.pk, filename="", file=file, now=timezone.now())
    except imports.TooManyImports:
        return False
    return True


def test_no_more_exports_wait_than_may() -> None:
    merchant, other = make.merchant(), make.merchant("Other")

    taken = at_once([partial(export, merchant) for _ in range(AT_ONCE)])

    assert sum(taken) == Export.objects.count() == exports.MAX_UNFINISHED
    assert export(other)


def test_no_more_feeds_wait_than_may() -> None:
    merchant = make.merchant()
    for number in range(imports.MAX_UNFINISHED - 2):
        assert feed(merchant, number)

    taken = at_once([partial(feed, merchant, 100 + number) for number in range(AT_ONCE)])

    assert sum(taken) == 2
    assert Import.objects.count() == imports.MAX_UNFINISHED
