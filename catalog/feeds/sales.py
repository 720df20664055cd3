"""Sales for a while, as feeds say them: announced from what comes in, and said of what goes out."""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from catalog.feeds.drafts import Problem, VariantDraft
from catalog.feeds.formats.goods import Sale
from catalog.models import Price, PriceSchedule, Product
from catalog.pricing import schedules
from catalog.pricing.prices import Quote
from commerce import errors


def quote(draft: VariantDraft, currency: str) -> Quote:
    """Return the price that a draft says; beside a sale for a while the one that it is instead of."""
    if draft.sale is not None:
        return Quote(draft.sale.instead_of, None, currency)
    assert draft.amount is not None
    return Quote(draft.amount, draft.compare_at, currency)


def announce(
    *, merchant_id: UUID, currency: str, said: Mapping[UUID, VariantDraft], now: datetime
) -> tuple[set[UUID], list[Problem]]:
    """Announce the sales of drafts; returns the variants of which that is news, and what was refused."""
    plans = {
        pk: schedules.Plan(
            Quote(draft.sale.amount, draft.sale.instead_of, draft.currency or currency),
            draft.sale.starts_at,
            draft.sale.ends_at,
        )
        for pk, draft in said.items()
        if draft.sale is not None
    }
    if not plans:
        return set(), []
    made = schedules.make_many(merchant_id=merchant_id, plans=plans, now=now, from_feed=True)
    troubles = [
        Problem(
            said[pk].line, "Sale Price", one.code, "", f"{one.text} Taken without the sale.", skipped=False
        )
        for pk, one in made.items()
        if isinstance(one, errors.Refusal)
    ]
    return {pk for pk, one in made.items() if isinstance(one, schedules.Made) and one.is_new}, troubles


def coming(products: Collection[Product]) -> dict[UUID, PriceSchedule]:
    """Return of each of their variants what is announced: what runs, or is the first to come."""
    rows = PriceSchedule.objects.filter(variant__product__in=products, status__in=schedules.OPEN)
    # The last that is put counts.
    return {row.variant_id: row for row in rows.order_by("-starts_at")}


def sayable(price: Price | None, row: PriceSchedule | None) -> Sale | None:
    """Return a sale as a feed can say it: for a while, and instead of a price that it is compared with."""
    if price is None or row is None or row.ends_at is None:
        return None
    if row.status == PriceSchedule.Status.RUNNING:
        beside = Quote(row.before_amount or 0, row.before_compare_at, row.before_currency)
    else:
        beside = Quote(price.amount, price.compare_at, price.currency)
    if row.compare_at is None or beside != Quote(row.compare_at, None, row.currency):
        return None
    return Sale(row.amount, row.compare_at, row.starts_at, row.ends_at)
