"""Carts: what a buyer means to buy. The version guards against lost updates.

What is held for a cart, and until when, is the business of `holding`; the rules are in docs/carts.md.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F

from catalog.models import Product, Variant
from catalog.shelf import stock
from commerce import errors
from orders import quotes, transactions
from orders.carts import bodies, holding
from orders.models import Cart, CartLine
from streams import announce

MAX_LINES = quotes.MAX_LINES


class CartConflict(errors.Conflict):
    """The cart was changed elsewhere; `data` holds it as it is now."""

    code = "CART_CONFLICT"
    message = "Your cart was changed on another device. Look at it again."


class NotInCart(errors.NotFound):
    message = "This is not in your cart."


def read(*, buyer_id: UUID, stream_id: UUID | None, now: datetime) -> bodies.Body:
    """Return the buyer's cart, priced for a show or outside of any."""
    return bodies.of_buyer(buyer_id=buyer_id, stream_id=stream_id, now=now)


def add(
    *,
    buyer_id: UUID,
    variant_id: UUID,
    quantity: int,
    stream_id: UUID | None,
    now: datetime,
    version: int | None = None,
) -> bodies.Body:
    """Add units of a variant and return the cart; with a `version` only to the cart that has it.

    Where the merchant holds goods for carts, the whole line is held. Raises CartConflict, BadQuantity,
    UnknownVariant, NotForSale, TooManyLines, stock.OutOfStock, Busy, Unavailable.
    """
    check_quantity(variant_id, quantity)

    def work() -> bodies.Body:
        cart = _at(buyer_id, version, stream_id, now)
        check_for_sale([variant_id])
        line = CartLine.objects.filter(cart=cart, variant_id=variant_id).first()
        if line is not None:
            check_quantity(variant_id, line.quantity + quantity)
            line.quantity += quantity
            line.stream_id = stream_id or line.stream_id
            line.save(update_fields=["quantity", "stream"])
        else:
            if CartLine.objects.filter(cart=cart).count() >= MAX_LINES:
                raise quotes.TooManyLines(limit=MAX_LINES)
            line = CartLine.objects.create(
                cart=cart, variant_id=variant_id, quantity=quantity, stream_id=stream_id, added_at=now
            )
        moved = holding.hold(buyer_id=buyer_id, units={variant_id: line.quantity}, now=now)
        return _changed(cart, stream_id, now, moved)

    return transactions.run(work)


def update(
    *,
    buyer_id: UUID,
    version: int,
    variant_id: UUID,
    quantity: int,
    stream_id: UUID | None,
    now: datetime,
) -> bodies.Body:
    """Set the units of a variant in the cart and return the cart.

    As many as before, or more, are held anew where the hold was over. Raises CartConflict, NotInCart,
    BadQuantity, stock.OutOfStock, Busy, Unavailable.
    """
    check_quantity(variant_id, quantity)

    def work() -> bodies.Body:
        cart = _at(buyer_id, version, stream_id, now)
        line = CartLine.objects.filter(cart=cart, variant_id=variant_id).first()
        if line is None:
            raise NotInCart
        # Taking units out always works, also when the goods are gone.
        fit = holding.adjust if quantity < line.quantity else holding.hold
        CartLine.objects.filter(pk=line.pk).update(quantity=quantity)
        moved = fit(buyer_id=buyer_id, units={variant_id: quantity}, now=now)
        return _changed(cart, stream_id, now, moved)

    return transactions.run(work)


def remove(
    *, buyer_id: UUID, version: int, variant_id: UUID, stream_id: UUID | None, now: datetime
) -> bodies.Body:
    """Take a variant out of the cart and return the cart; raises CartConflict, NotInCart, Busy."""

    def work() -> bodies.Body:
        cart = _at(buyer_id, version, stream_id, now)
        count, _ = CartLine.objects.filter(cart=cart, variant_id=variant_id).delete()
        if not count:
            raise NotInCart
        moved = holding.release(buyer_id=buyer_id, variant_ids=[variant_id], now=now)
        return _changed(cart, stream_id, now, moved)

    return transactions.run(work)


def replace(
    *,
    buyer_id: UUID,
    version: int,
    lines: Sequence[tuple[UUID, int]],
    stream_id: UUID | None,
    now: datetime,
) -> bodies.Body:
    """Make the cart have exactly these units and return it; no lines empty it.

    Lines that are new or grow are held as with `add`, all or none. Raises CartConflict, BadQuantity,
    UnknownVariant, NotForSale, TooManyLines, stock.OutOfStock, Busy, Unavailable.
    """
    wanted = {
        one.variant_id: one.quantity
        for one in (quotes.merged([quotes.Wanted(*line) for line in lines]) if lines else [])
    }

    def work() -> bodies.Body:
        cart = _at(buyer_id, version, stream_id, now)
        kept = {line.variant_id: line for line in CartLine.objects.filter(cart=cart)}
        check_for_sale([variant_id for variant_id in wanted if variant_id not in kept])
        had = {variant_id: line.quantity for variant_id, line in kept.items()}
        CartLine.objects.filter(cart=cart).exclude(variant_id__in=wanted).delete()
        for variant_id, quantity in wanted.items():
            line = kept.get(variant_id) or CartLine(
                cart=cart, variant_id=variant_id, stream_id=stream_id, added_at=now
            )
            line.quantity = quantity
            line.save()
        less = {one: wanted.get(one, 0) for one in had if wanted.get(one, 0) < had[one]}
        more = {one: quantity for one, quantity in wanted.items() if quantity > had.get(one, 0)}
        lowered = holding.adjust(buyer_id=buyer_id, units=less, now=now)
        raised = holding.hold(buyer_id=buyer_id, units=more, now=now)
        return _changed(cart, stream_id, now, lowered | raised)

    return transactions.run(work)


def clear(*, buyer_id: UUID, version: int, stream_id: UUID | None, now: datetime) -> bodies.Body:
    """Empty the cart and return it; raises CartConflict, Busy, Unavailable."""
    return replace(buyer_id=buyer_id, version=version, lines=[], stream_id=stream_id, now=now)


def merge(*, buyer_id: UUID, lines: Sequence[tuple[UUID, int, UUID | None]], now: datetime) -> None:
    """Add the lines (variant, units, show) of a guest's cart to the buyer's, inside the caller's transaction.

    What is not for sale or does not fit is left out, quantities are capped, and a line of which there are not
    enough is not held: coming in never fails for what was in the cart.
    """
    cart = locked(buyer_id)
    sellable = for_sale([variant_id for variant_id, _, _ in lines])
    kept = {line.variant_id: line for line in CartLine.objects.filter(cart=cart)}
    for variant_id, quantity, stream_id in lines:
        line = kept.get(variant_id)
        if variant_id not in sellable or (line is None and len(kept) >= MAX_LINES):
            continue
        if line is None:
            line = kept[variant_id] = CartLine(
                cart=cart, variant_id=variant_id, quantity=0, stream_id=stream_id, added_at=now
            )
        line.quantity = min(line.quantity + quantity, quotes.MAX_QUANTITY)
        line.save()
    for variant_id in sorted({variant_id for variant_id, _, _ in lines} & kept.keys()):
        _hold_if_there(buyer_id, variant_id, kept[variant_id].quantity, now)
    _changed(cart, None, now)


def bought(
    *,
    buyer_id: UUID,
    lines: Mapping[UUID, int],
    units: Mapping[UUID, int],
    stream_id: UUID | None,
    now: datetime,
) -> dict[UUID, int]:
    """Take bought lines (units by variant) out of the buyer's cart, and what it held of the `units` that are
    counted for them, which for a bundle are its parts'; inside the purchase's transaction.

    Returns how many units of each variant were held: the purchase need not take them from the stock.
    """
    if not CartLine.objects.filter(cart_id=buyer_id, variant_id__in={*lines, *units}).exists():
        return {}
    cart = locked(buyer_id)
    spared = holding.consume(buyer_id=buyer_id, units=units)
    less = 0
    for variant_id, quantity in lines.items():
        in_cart = CartLine.objects.filter(cart=cart, variant_id=variant_id)
        gone, _ = in_cart.filter(quantity__lte=quantity).delete()
        less += gone + in_cart.update(quantity=F("quantity") - quantity)
    if less or spared:
        _changed(cart, stream_id, now)
    return spared


def locked(buyer_id: UUID) -> Cart:
    """Lock the buyer's cart, which is made when there is none, until the transaction ends."""
    Cart.objects.bulk_create([Cart(buyer_id=buyer_id)], ignore_conflicts=True)
    return Cart.objects.select_for_update(no_key=True).get(pk=buyer_id)


def check_quantity(variant_id: UUID, quantity: int) -> None:
    """Raise BadQuantity unless so many units can be in a cart."""
    if not 1 <= quantity <= quotes.MAX_QUANTITY:
        raise quotes.BadQuantity(variant=str(variant_id), quantity=quantity)


def for_sale(variant_ids: Sequence[UUID]) -> set[UUID]:
    """Return which of these variants can be bought at all."""
    sold = Variant.objects.filter(
        is_active=True, product__status=Product.Status.APPROVED, merchant__is_active=True
    )
    return set(sold.filter(pk__in=variant_ids).values_list("id", flat=True))


def check_for_sale(variant_ids: Sequence[UUID]) -> None:
    """Raise UnknownVariant or NotForSale unless all of these variants can be bought."""
    sellable = for_sale(variant_ids)
    found = set(Variant.objects.filter(pk__in=variant_ids).values_list("id", flat=True))
    for variant_id in variant_ids:
        if variant_id not in found:
            raise quotes.UnknownVariant(variant=str(variant_id))
        if variant_id not in sellable:
            raise quotes.NotForSale(variant=str(variant_id))


def _at(buyer_id: UUID, version: int | None, stream_id: UUID | None, now: datetime) -> Cart:
    cart = locked(buyer_id)
    if version is not None and cart.version != version:
        raise CartConflict(cart=bodies.of_buyer(buyer_id=buyer_id, stream_id=stream_id, now=now))
    return cart


def _hold_if_there(buyer_id: UUID, variant_id: UUID, quantity: int, now: datetime) -> None:
    try:
        with transaction.atomic():
            holding.hold(buyer_id=buyer_id, units={variant_id: quantity}, now=now).settle(now=now)
    except stock.OutOfStock:
        return


def _changed(
    cart: Cart, stream_id: UUID | None, now: datetime, moved: holding.Moved | None = None
) -> bodies.Body:
    cart.version += 1
    cart.updated_at = now
    cart.save(update_fields=["version", "updated_at"])
    body = bodies.of_buyer(buyer_id=cart.buyer_id, stream_id=stream_id, now=now)
    if moved is not None:
        _expect(body, moved)
    announce.tell_user(
        user_id=cart.buyer_id, t="cart.updated", d=body, key=f"cart.updated:{cart.buyer_id}:{cart.version}"
    )
    if moved is not None:
        moved.settle(now=now)
    return body


def _expect(body: bodies.Body, moved: holding.Moved) -> None:
    # The body is made before the stock is locked, so that others wait for a moment only.
    for line in body["lines"]:
        line["left"] = max(0, line["left"] - moved.net(UUID(line["variant"])))
