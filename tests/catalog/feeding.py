"""Feeds that are read as workers read them, and what came of them."""

from catalog.feeds import imports
from catalog.models import Import, Price, Variant
from commerce.models import Merchant
from tests.catalog import make
from tests.catalog.make import NOW

FINISHED, MORE = imports.Progress.FINISHED, imports.Progress.MORE


def queue(seller: Merchant, body: bytes) -> Import:
    return make.import_of(seller, body)


def read(seller: Merchant, body: bytes) -> Import:
    """Import a feed and return the job as it ended."""
    job = queue(seller, body)
    assert imports.run(import_id=job.pk, now=NOW) is FINISHED
    job.refresh_from_db()
    return job


def variant(seller: Merchant, sku: str) -> Variant:
    return Variant.objects.get(merchant=seller, sku=sku)


def amount(one: Variant) -> int:
    return Price.objects.get(variant=one, valid_to=None).amount
