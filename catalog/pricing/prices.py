"""The only writer of Price: list prices in minor units, closed when the next begins and never changed.

A price that is set while an announced one runs (`pricing.schedules`) is the one that comes back at its end.
"""

from collections.abc import Collection, Container, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q, Value
from django.db.models.functions import Greatest

from catalog import queries
from catalog.copying import copy
from catalog.models import Price, PriceSchedule, Variant
from catalog.pricing import floors
from commerce import errors, ids, money, outbox
from commerce.money import Money


class BadPrice(errors.Invalid):
    """The amount is not one that can be charged."""

    code = "BAD_PRICE"
    message = f"A price is between 1 and {money.MAX_AMOUNT} minor units, and compare_at above it."


class PriceNotPayable(errors.Invalid):
    """The amount has a last digit that the payment provider does not take in this currency."""

    code = "NOT_PAYABLE"
    message = "A price in this currency ends in 0: the payment provider takes no finer amounts."


class BadCurrency(errors.Invalid):
    """The currency is not one that prices can have."""

    code = "BAD_CURRENCY"
    message = "Prices cannot be in this currency."


@dataclass(frozen=True, slots=True)
class Quote:
    """What a variant shall cost, and the merchant's own comparison price; minor units."""

    amount: int
    compare_at: int | None
    currency: str


def change(
    *,
    merchant_id: UUID,
    variant_id: UUID,
    amount: int,
    compare_at: int | None,
    currency: str,
    now: datetime,
) -> Price:
    """Give a variant a new price from now on and return the current one; the same again changes nothing.

    Raises queries.UnknownVariant, BadPrice, PriceNotPayable, BadCurrency, floors.PriceBelowFloor.
    """
    quote = Quote(amount, compare_at, currency)
    with transaction.atomic():
        change_many(merchant_id=merchant_id, quotes={variant_id: quote}, now=now)
        return Price.objects.get(merchant_id=merchant_id, variant_id=variant_id, valid_to=None)


def change_many(*, merchant_id: UUID, quotes: Mapping[UUID, Quote], now: datetime) -> int:
    """Give several variants new prices, all or none, and have it told; returns how many differ.

    Raises like `change`.
    """
    return len(move(merchant_id=merchant_id, quotes=quotes, now=now))


def move(
    *, merchant_id: UUID, quotes: Mapping[UUID, Quote], now: datetime, known: Container[UUID] = ()
) -> set[UUID]:
    """Do what `change_many` does, and return which variants' prices differ.

    What `known` variants get was their price before: whether it could be set anew is not asked.
    """
    for pk, quote in quotes.items():
        if pk not in known:
            check(quote)
    with transaction.atomic():
        for variant_id, floor in below_floor(merchant_id=merchant_id, quotes=quotes).items():
            raise floors.PriceBelowFloor(variant=str(variant_id), floor=floor.as_dict())
        old = current(quotes)
        new = {pk: quote for pk, quote in quotes.items() if pk not in old or _quote(old[pk]) != quote}
        running, later = _to_come_back({pk: quote for pk, quote in new.items() if pk in old})
        new = {pk: quote for pk, quote in new.items() if pk not in running}
        # A clock that runs behind another's must not make a price end before it began.
        starts = {pk: max(now, old[pk].valid_from) if pk in old else now for pk in new}
        ending = Price.objects.filter(pk__in=[old[pk].pk for pk in new if pk in old])
        ending.update(valid_to=Greatest(F("valid_from"), Value(now)))
        copy(
            Price,
            ("id", "merchant", "variant", "amount", "compare_at", "currency", "valid_from"),
            (
                (ids.text(), merchant_id, pk, quote.amount, quote.compare_at, quote.currency, starts[pk])
                for pk, quote in new.items()
            ),
        )
        if new:
            outbox.record(name="price.moved", payload={"variants": sorted(map(str, new))})
        return new.keys() | later


def change_amount(
    *, merchant_id: UUID, variant_id: UUID, amount: int, currency: str, now: datetime
) -> Quote | None:
    """Give a variant another amount; its comparison price stays where it is still above it.

    Returns the announced price that runs, and until whose end the new one waits, None where it counts now.
    Raises like `change`.
    """
    quotes = {variant_id: Quote(amount, None, currency)}
    with transaction.atomic():
        below_floor(merchant_id=merchant_id, quotes=quotes)  # For its lock; `move` refuses.
        move(merchant_id=merchant_id, quotes=with_comparisons(quotes, of=quotes), now=now)
        return _quote(current(quotes)[variant_id]) if coming_back(quotes) else None


def with_comparisons(quotes: Mapping[UUID, Quote], *, of: Iterable[UUID]) -> dict[UUID, Quote]:
    """Return quotes, those `of` some variants with the comparison prices that these have.

    Such a price stays where it is still above the new one. The caller has locked the variants.
    """
    found = dict(quotes)
    for pk, old in settled([pk for pk in of if pk in quotes]).items():
        new = quotes[pk]
        if old.currency == new.currency and old.compare_at is not None and old.compare_at > new.amount:
            found[pk] = replace(new, compare_at=old.compare_at)
    return found


def withdraw(*, variant_id: UUID, now: datetime) -> None:
    """Take a variant's price away, so that it is not sold until it gets another, and have it told.

    The caller has locked the variant.
    """
    ending = Price.objects.filter(variant_id=variant_id, valid_to=None)
    if ending.update(valid_to=Greatest(F("valid_from"), Value(now))):
        outbox.record(name="price.moved", payload={"variants": [str(variant_id)]})


def _to_come_back(new: Mapping[UUID, Quote]) -> tuple[set[UUID], set[UUID]]:
    """Keep prices for the end of what runs; returns of which variants one runs, and where that is news."""
    rows = list(PriceSchedule.objects.filter(variant_id__in=list(new), status="running")) if new else []
    later = set()
    for row in rows:
        quote = new[row.variant_id]
        if quote != Quote(row.before_amount or 0, row.before_compare_at, row.before_currency):
            row.before_amount, row.before_compare_at = quote.amount, quote.compare_at
            row.before_currency = quote.currency
            later.add(row.variant_id)
    names = ["before_amount", "before_compare_at", "before_currency"]
    PriceSchedule.objects.bulk_update([row for row in rows if row.variant_id in later], names, batch_size=200)
    return {row.variant_id for row in rows}, later


def below_floor(*, merchant_id: UUID, quotes: Mapping[UUID, Quote]) -> dict[UUID, Money]:
    """Lock the variants and return the floors of those whose price would be below it, or in another currency.

    Inside the caller's transaction. Raises queries.UnknownVariant.
    """
    # The variants' rows, in order, are the lock: a variant's first price has no row to lock yet.
    variants = Variant.objects.select_for_update(no_key=True).filter(
        merchant_id=merchant_id, pk__in=list(quotes)
    )
    if len(variants.order_by("pk").values_list("pk")) < len(quotes):
        raise queries.UnknownVariant
    return {
        pk: Money(floor.amount, floor.currency)
        for pk, floor in floors.of(quotes).items()
        if quotes[pk].currency != floor.currency or quotes[pk].amount < floor.amount
    }


def current(variant_ids: Iterable[UUID]) -> dict[UUID, Price]:
    """Return the current price of those of the variants that have one."""
    rows = Price.objects.filter(variant_id__in=list(variant_ids), valid_to=None)
    return {price.variant_id: price for price in rows}


def settled(variant_ids: Collection[UUID]) -> dict[UUID, Quote]:
    """Return the prices that a new one would take the place of: while an announced one runs, what comes back.

    Of those of the variants that have one.
    """
    if not variant_ids:
        return {}
    return {pk: _quote(price) for pk, price in current(variant_ids).items()} | coming_back(variant_ids)


def coming_back(variant_ids: Iterable[UUID]) -> dict[UUID, Quote]:
    """Return the prices that come back, of those of the variants of which an announced one runs."""
    return {
        row.variant_id: Quote(row.before_amount or 0, row.before_compare_at, row.before_currency)
        for row in PriceSchedule.objects.filter(variant_id__in=list(variant_ids), status="running")
    }


def lowest(variant_id: UUID, since: datetime) -> int | None:
    """Return the lowest amount that applied at any time since (minor units of the current currency)."""
    now_price = Price.objects.filter(variant_id=variant_id, valid_to=None).first()
    if now_price is None:
        return None
    rows = Price.objects.filter(variant_id=variant_id, currency=now_price.currency)
    applied = rows.filter(Q(valid_to=None) | Q(valid_to__gt=since))
    return applied.order_by("amount").values_list("amount", flat=True).first()


def proven(variant_ids: Iterable[UUID], *, currency: str, at: datetime) -> dict[UUID, int]:
    """Return the lowest list price of the 30 days before `at` (minor units), where they are recorded in full.

    That is the prior price to name beside an announced reduction: "the lowest price applied by the trader
    during a period of time not shorter than 30 days" (Directive 98/6/EC, article 6a). A variant whose prices
    reach less far back, or were in another currency in that time, is left out.
    """
    since = queries.reduction_window(at)
    applied = Price.objects.filter(
        Q(valid_to=None) | Q(valid_to__gt=since) & Q(valid_to__gt=F("valid_from")),
        variant_id__in=list(variant_ids),
        valid_from__lt=at,
    )
    history: dict[UUID, list[Price]] = {}
    for price in applied:
        history.setdefault(price.variant_id, []).append(price)
    return {
        variant_id: min(price.amount for price in rows)
        for variant_id, rows in history.items()
        if min(price.valid_from for price in rows) <= since
        and {price.currency for price in rows} == {currency}
    }


def check(quote: Quote) -> None:
    """Refuse what cannot be a price; raises BadPrice, PriceNotPayable, BadCurrency."""
    if quote.currency not in money.CURRENCIES:
        raise BadCurrency(currency=quote.currency)
    if not 0 < quote.amount <= money.MAX_AMOUNT:
        raise BadPrice(amount=quote.amount)
    if quote.amount % money.step(quote.currency):
        raise PriceNotPayable(amount=quote.amount, step=money.step(quote.currency))
    if quote.compare_at is not None and not quote.amount < quote.compare_at <= money.MAX_AMOUNT:
        raise BadPrice(compare_at=quote.compare_at)


def _quote(price: Price) -> Quote:
    return Quote(price.amount, price.compare_at, price.currency)
