"""What the catalog's doors are about: how it looks, the lock of its writers, and which version it is."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.utils import timezone

from catalog import bodies, bundles, products, queries
from catalog.commission import plans
from catalog.feeds import sources
from catalog.pricing import floors, prices
from catalog.serializers import places as shapes
from catalog.shelf import locations
from commerce import etags, picking


def parts_of_product(wanted: picking.Fields) -> dict[str, bool]:
    """Return what of a product has to be read for what is wanted."""
    return {
        "images": "images" in wanted,
        "variants": "variants" in wanted,
        **parts_of_variant(wanted.of("variants")),
    }


def parts_of_variant(wanted: picking.Fields) -> dict[str, bool]:
    """Return what of a variant has to be read for what is wanted."""
    return {"prices": "price" in wanted, "units": "available" in wanted}


def product(merchant_id: UUID, product_id: UUID, wanted: picking.Fields = picking.ALL) -> etags.Resource:
    """Return a product; its version is its own."""

    def look() -> bodies.Body:
        row = queries.product(merchant_id=merchant_id, product_id=product_id, **parts_of_product(wanted))
        return bodies.product(row)

    return etags.Resource(
        look, lambda: products.lock(merchant_id=merchant_id, product_id=product_id), etags.numbered
    )


def variant(merchant_id: UUID, variant_id: UUID, wanted: picking.Fields = picking.ALL) -> etags.Resource:
    """Return a variant; its version is its own."""

    def look() -> bodies.Body:
        row = queries.variant(merchant_id=merchant_id, variant_id=variant_id, **parts_of_variant(wanted))
        return bodies.variant(row, row.product)

    return etags.Resource(look, _locked(merchant_id, variant_id), etags.numbered)


def price(merchant_id: UUID, variant_id: UUID) -> etags.Resource:
    """Return a variant's price; the one that is current, and the one that comes back, are the version."""

    def look() -> bodies.Body:
        rows = queries.price_history(merchant_id=merchant_id, variant_id=variant_id)
        lowest = prices.lowest(variant_id, queries.reduction_window(timezone.now()))
        announced = queries.announced(merchant_id=merchant_id, variant_id=variant_id)
        return bodies.prices(rows, lowest, announced)

    def version(body: bodies.Body) -> str:
        running = body["running"]
        # While it runs, a price that is set is the one that comes back.
        return etags.digest([body["current"], running["comes_back"]] if running else body["current"])

    return etags.Resource(look, _locked(merchant_id, variant_id), version)


def floor(merchant_id: UUID, variant_id: UUID) -> etags.Resource:
    """Return a variant's floor; its amount is the version."""

    def look() -> bodies.Body:
        queries.variant(merchant_id=merchant_id, variant_id=variant_id)
        return bodies.floor(variant_id, floors.of([variant_id]).get(variant_id))

    def version(body: bodies.Body) -> str:
        said = body["floor"] or {}
        return etags.digest([said.get("amount"), said.get("currency")])

    return etags.Resource(look, _locked(merchant_id, variant_id), version)


def parts(merchant_id: UUID, variant_id: UUID) -> etags.Resource:
    """Return a bundle's parts; which and how many of each is the version, not what is left."""

    def look() -> bodies.Body:
        row: Any = queries.variant(merchant_id=merchant_id, variant_id=variant_id)
        return bodies.parts(variant_id, bundles.of(variant_id), row.units_left)

    def version(body: bodies.Body) -> str:
        return etags.digest(sorted((str(part["variant"]), part["quantity"]) for part in body["parts"]))

    # Not the variant: the verb locks it with its parts, in the order of their ids.
    return etags.Resource(
        look, lambda: products.lock_product_of(merchant_id=merchant_id, variant_id=variant_id), version
    )


def plan(merchant_id: UUID, plan_id: UUID) -> etags.Resource:
    """Return a commission plan; all that it says is the version."""

    def look() -> bodies.Body:
        return bodies.plan(plans.plan(merchant_id=merchant_id, plan_id=plan_id, now=timezone.now()))

    return etags.Resource(look, lambda: plans.lock(merchant_id))


def location(merchant_id: UUID, location_id: UUID) -> etags.Resource:
    """Return a location; all that it says is the version."""

    def look() -> bodies.Body:
        row = queries.locations(merchant_id=merchant_id).filter(pk=location_id).first()
        if row is None:
            raise locations.NoLocation
        return shapes.location(row)

    return etags.Resource(look, lambda: locations.lock(merchant_id=merchant_id, location_id=location_id))


def feed(merchant_id: UUID, feed_id: UUID) -> etags.Resource:
    """Return a feed that is fetched; what a merchant set of it, and when, is the version."""

    def look() -> bodies.Body:
        return bodies.feed(sources.one(merchant_id=merchant_id, feed_id=feed_id))

    set_by_it = ("url", "every_minutes", "daily_at_hour", "username", "enabled", "updated_at")
    return etags.Resource(look, lambda: sources.lock(merchant_id, feed_id), etags.of(*set_by_it))


def _locked(merchant_id: UUID, variant_id: UUID) -> Callable[[], object]:
    return lambda: products.lock_variant(merchant_id=merchant_id, variant_id=variant_id)
