"""What is wanted, checked and priced: from variants, offers and quantities to lines of a purchase."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from catalog import prices, stock
from catalog.models import Price, Product, Variant
from commerce import errors
from commerce.money import Money
from orders import pricing
from orders.models import OrderLine
from streams import offers, pins
from streams.models import ShowcaseItem, Stream

MAX_LINES = 20
MAX_QUANTITY = 99


class NothingWanted(errors.Invalid):
    message = "Say what to buy: at least one line."


class TooManyLines(errors.Invalid):
    code = "TOO_MANY_LINES"
    message = f"At most {MAX_LINES} different things can be bought at once."


class BadQuantity(errors.Invalid):
    message = f"The quantity has to be between 1 and {MAX_QUANTITY}."


class UnknownVariant(errors.NotFound):
    message = "There is no such product variant."


class NotForSale(errors.Conflict):
    code = "NOT_FOR_SALE"
    message = "This is not for sale."


@dataclass(frozen=True, slots=True)
class Wanted:
    """Units of a variant somebody wants, at an offer's price or at the list price."""

    variant_id: UUID
    quantity: int
    offer_id: UUID | None = None


def merged(wanted: Sequence[Wanted]) -> list[Wanted]:
    """Return one line per variant and offer, in a fixed order, with the quantities added up.

    Raises NothingWanted, TooManyLines, BadQuantity.
    """
    sums: dict[tuple[UUID, UUID | None], int] = {}
    for one in wanted:
        if not 1 <= one.quantity <= MAX_QUANTITY:
            raise BadQuantity(variant=str(one.variant_id), quantity=one.quantity)
        kind = one.variant_id, one.offer_id
        sums[kind] = sums.get(kind, 0) + one.quantity
    if not sums:
        raise NothingWanted
    if len(sums) > MAX_LINES:
        raise TooManyLines(limit=MAX_LINES)
    for (variant_id, _), quantity in sums.items():
        if quantity > MAX_QUANTITY:
            raise BadQuantity(variant=str(variant_id), quantity=quantity)
    ordered = sorted(sums, key=lambda kind: (kind[0], kind[1] is not None, kind[1] or kind[0]))
    return [Wanted(variant_id, sums[variant_id, offer_id], offer_id) for variant_id, offer_id in ordered]


def lines(*, wanted: Sequence[Wanted], stream: Stream | None, now: datetime) -> list[pricing.Line]:
    """Return the priced lines of what is wanted in a show, or outside of any.

    The host is credited for goods on her show's list. Raises UnknownVariant, NotForSale, OutOfStock, and what
    `streams.offers.quote` raises (an offer outside its show is a mismatch).
    """
    variants = _variants(wanted)
    listed = prices.current([one.variant_id for one in wanted])
    items = _items(variants, stream)
    pin = pins.current(stream_id=stream.id) if stream else None
    found = []
    for one in wanted:
        variant = variants[one.variant_id]
        merchant = variant.merchant
        unit, reference = _price(one, listed, stream, now)
        item_id = items.get(variant.product_id)
        found.append(
            pricing.Line(
                variant_id=variant.id,
                merchant_id=merchant.id,
                title=f"{variant.product.title} ({variant.title})"
                if variant.title
                else variant.product.title,
                sku=variant.sku,
                quantity=one.quantity,
                unit=unit,
                list_amount=reference,
                offer_id=one.offer_id,
                item_id=item_id,
                pin_id=pin.id if pin and item_id and pin.item_id == item_id else None,
                host_id=stream.host_id if stream and item_id else None,
                host_commission_bp=merchant.host_commission_bp if stream and item_id else 0,
                platform_fee_bp=merchant.platform_fee_bp,
            )
        )
    _look_at_stock(wanted, variants)
    return found


def check_for_sale(*, purchase_id: UUID) -> None:
    """Check that everything a purchase holds or held is still for sale; raises NotForSale."""
    bought = Variant.objects.select_related("product", "merchant").filter(
        pk__in=OrderLine.objects.filter(order__purchase=purchase_id).values("variant")
    )
    for variant in bought:
        _check(variant)


def _check(variant: Variant) -> None:
    if not (
        variant.is_active and variant.product.status == Product.Status.ACTIVE and variant.merchant.is_active
    ):
        raise NotForSale(variant=str(variant.id))


def _variants(wanted: Sequence[Wanted]) -> dict[UUID, Variant]:
    found = Variant.objects.select_related("product", "merchant", "stock").in_bulk(
        {one.variant_id for one in wanted}
    )
    for one in wanted:
        variant = found.get(one.variant_id)
        if variant is None:
            raise UnknownVariant(variant=str(one.variant_id))
        _check(variant)
    return found


def _look_at_stock(wanted: Sequence[Wanted], variants: Mapping[UUID, Variant]) -> None:
    """Turn away whoever comes too late before anything is written or locked; taking the units decides."""
    units: Counter[UUID] = Counter()
    for one in wanted:
        units[one.variant_id] += one.quantity
    for variant_id, quantity in units.items():
        variant = variants[variant_id]
        left = variant.stock.available if hasattr(variant, "stock") else 0
        if left < quantity:
            raise stock.OutOfStock(variant=variant_id, left=left)


def _items(variants: Mapping[UUID, Variant], stream: Stream | None) -> dict[UUID, UUID]:
    if stream is None:
        return {}
    on_list = ShowcaseItem.objects.filter(
        stream=stream, removed_at=None, product_id__in={variant.product_id for variant in variants.values()}
    )
    return dict(on_list.values_list("product_id", "id"))


def _price(
    one: Wanted, listed: Mapping[UUID, Price], stream: Stream | None, now: datetime
) -> tuple[Money, int]:
    price = listed.get(one.variant_id)
    if one.offer_id is None:
        if price is None or price.amount == 0:
            raise NotForSale("This has no price, so it cannot be bought.", variant=str(one.variant_id))
        return Money(price.amount, price.currency), price.amount
    if stream is None:
        raise offers.OfferMismatch(offer=str(one.offer_id))
    quote = offers.quote(offer_id=one.offer_id, stream_id=stream.id, variant_id=one.variant_id, now=now)
    same = price is not None and price.currency == quote.currency
    reference = price.amount if price and same else quote.offer.list_amount
    return Money(quote.amount, quote.currency), reference
