"""Commission plans of merchants: opened, changed and ended by themselves. Alone writes plans and their rates.

What is promised is locked: a change that gives a host less counts only when it was announced for as many
days as COMMISSION_NOTICE_DAYS says; one that gives more counts at once. Published in docs/commission.md.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Prefetch, Q, QuerySet

from catalog import queries
from catalog.commission import promises, rates
from catalog.models import CommissionPlan, CommissionProduct, CommissionRate, Product
from commerce import errors
from commerce.models import Host, Merchant

MOST_PLANS, MOST_HOSTS, MOST_PRODUCTS = 200, 100, 500
MOST_BP = 10_000
Row = TypeVar("Row", CommissionRate, CommissionProduct)


class UnknownPlan(errors.NotFound):
    message = "There is no such commission plan."


class UnknownHost(errors.NotFound):
    """Nobody sells under this name; `host` says which."""

    message = "There is no such host."


class BadPlan(errors.Invalid):
    """What a plan says contradicts itself; `field` says where."""

    code = "BAD_COMMISSION_PLAN"
    message = "This commission plan cannot be."


class RateTooHigh(errors.Invalid):
    """Host and platform would have more than there is; `most` is the highest rate in basis points."""

    code = "COMMISSION_TOO_HIGH"
    message = "With the platform's fee this is more than what the buyer pays."


class PlanEnded(errors.Conflict):
    """Its end is announced; `ends_at` says for when."""

    code = "COMMISSION_PLAN_ENDED"
    message = "This plan ends, or has ended. Open another one."


class TooManyPlans(errors.Conflict):
    """As many as a merchant may have at once."""

    code = "TOO_MANY_COMMISSION_PLANS"
    message = "You have as many plans as there may be. End one first."


@dataclass(frozen=True, slots=True)
class Terms:
    """What a plan shall say; None leaves it. Rates are in basis points, hosts are named by their slugs.

    `rate_bp` is an open plan's, `hosts` with their rates a targeted one's, `products` one's for chosen goods.
    """

    name: str | None = None
    rate_bp: int | None = None
    hosts: Mapping[str, int] | None = None
    products: Collection[UUID] | None = None


def of_merchant(*, merchant_id: UUID, now: datetime) -> QuerySet[CommissionPlan]:
    """Return a merchant's plans with the rates and products that they have now or will have."""
    valid = rates.overlapping(now, None)
    hosts = CommissionRate.objects.filter(valid).select_related("host").order_by("host__slug", "valid_from")
    goods = CommissionProduct.objects.filter(valid).order_by("product", "valid_from")
    plans = CommissionPlan.objects.filter(merchant_id=merchant_id)
    return plans.prefetch_related(Prefetch("rates", hosts), Prefetch("products", goods))


def plan(*, merchant_id: UUID, plan_id: UUID, now: datetime) -> CommissionPlan:
    """Return one of a merchant's plans with what it says now and will say; raises UnknownPlan."""
    found = of_merchant(merchant_id=merchant_id, now=now).filter(pk=plan_id).first()
    if found is None:
        raise UnknownPlan
    return found


def create(*, merchant_id: UUID, kind: str, terms: Terms, now: datetime) -> CommissionPlan:
    """Open a plan; where it would take the place of a better promise, it counts once announced.

    Raises BadPlan, RateTooHigh, UnknownHost, queries.UnknownProduct, TooManyPlans.
    """
    with transaction.atomic():
        merchant = lock(merchant_id)
        running = CommissionPlan.objects.filter(Q(ends_at=None) | Q(ends_at__gt=now), merchant=merchant)
        if running.count() >= MOST_PLANS:
            raise TooManyPlans(limit=MOST_PLANS)
        new = CommissionPlan(
            merchant=merchant,
            name=terms.name or "",
            kind=kind,
            all_products=terms.products is None,
            created_at=now,
        )
        if (terms.hosts if kind == CommissionPlan.Kind.TARGETED else terms.rate_bp) is None:
            raise BadPlan("An open plan has a rate, a targeted one hosts with theirs.", field="kind")
        new.save(force_insert=True)
        _set(new, merchant, terms, now)
    return plan(merchant_id=merchant_id, plan_id=new.pk, now=now)


def change(*, merchant_id: UUID, plan_id: UUID, terms: Terms, now: datetime) -> CommissionPlan:
    """Change what is named; lists are sent whole. What gives less counts once announced.

    Raises UnknownPlan, PlanEnded, BadPlan, RateTooHigh, UnknownHost, queries.UnknownProduct.
    """
    with transaction.atomic():
        merchant = lock(merchant_id)
        row = plan(merchant_id=merchant_id, plan_id=plan_id, now=now)
        if row.ends_at is not None:
            raise PlanEnded(ends_at=row.ends_at.isoformat())
        if terms.products is not None and row.all_products:
            raise BadPlan("This plan is for all products. Open another one for some.", field="products")
        if terms.name is not None and terms.name != row.name:
            row.name = terms.name
            row.save(update_fields=["name"])
        _set(row, merchant, terms, now)
    return plan(merchant_id=merchant_id, plan_id=plan_id, now=now)


def end(*, merchant_id: UUID, plan_id: UUID, now: datetime) -> CommissionPlan:
    """Announce a plan's end; again changes nothing. Raises UnknownPlan."""
    with transaction.atomic():
        lock(merchant_id)
        row = plan(merchant_id=merchant_id, plan_id=plan_id, now=now)
        if row.ends_at is None:
            row.ends_at = announced(now)
            row.save(update_fields=["ends_at"])
            for host_id, theirs in _by_host(row).items():
                _promise(row, host_id, theirs, None, now)
    return plan(merchant_id=merchant_id, plan_id=plan_id, now=now)


def announced(now: datetime) -> datetime:
    """Return from when on a change counts that gives less and is made now."""
    return now + timedelta(days=settings.COMMISSION_NOTICE_DAYS)


def _set(row: CommissionPlan, merchant: Merchant, terms: Terms, now: datetime) -> None:
    targeted = row.kind == CommissionPlan.Kind.TARGETED
    if (targeted and terms.rate_bp is not None) or (not targeted and terms.hosts is not None):
        field = "rate_bp" if targeted else "hosts"
        raise BadPlan("An open plan has a rate, a targeted one hosts with theirs.", field=field)
    had = {each.product_id for each in row.products.all() if each.valid_until is None}
    wanted = _of_merchant(merchant, terms.products) if terms.products is not None else had
    wished = _wished(terms)
    _check(merchant, wished.values())
    if wished:
        there = _by_host(row)
        for host_id in sorted(wished.keys() | there.keys(), key=str):
            goods = None if row.all_products else had | wanted
            _promise(row, host_id, there.get(host_id, []), wished.get(host_id), now, goods)
    if terms.products is not None and not row.all_products:
        _list(row, wanted, now)


def _wished(terms: Terms) -> dict[UUID | None, int]:
    """Return the rates that are named, by host."""
    if terms.hosts is None:
        return {} if terms.rate_bp is None else {None: terms.rate_bp}
    if not 0 < len(terms.hosts) <= MOST_HOSTS:
        raise BadPlan("A targeted plan names hosts.", field="hosts", limit=MOST_HOSTS)
    known = dict(Host.objects.filter(slug__in=terms.hosts, is_active=True).values_list("slug", "id"))
    for slug in terms.hosts:
        if slug not in known:
            raise UnknownHost(host=slug)
    return {known[slug]: rate for slug, rate in terms.hosts.items()}


def _check(merchant: Merchant, wished: Iterable[int]) -> None:
    most = MOST_BP - merchant.platform_fee_bp
    for rate in wished:
        if rate < 0:
            raise BadPlan("A rate is not below zero.", field="rate_bp")
        if rate > most:
            raise RateTooHigh(most=most)


def _of_merchant(merchant: Merchant, products: Collection[UUID]) -> set[UUID]:
    wanted = set(products)
    if not 0 < len(wanted) <= MOST_PRODUCTS:
        raise BadPlan("Name products, or leave them out for all.", field="products", limit=MOST_PRODUCTS)
    if Product.objects.filter(merchant=merchant, pk__in=wanted).count() < len(wanted):
        raise queries.UnknownProduct
    return wanted


def _by_host(row: CommissionPlan) -> dict[UUID | None, list[CommissionRate]]:
    found: dict[UUID | None, list[CommissionRate]] = {}
    for each in row.rates.all():
        found.setdefault(each.host_id, []).append(each)
    return found


def _promise(
    row: CommissionPlan,
    host_id: UUID | None,
    there: list[CommissionRate],
    rate: int | None,
    now: datetime,
    products: Collection[UUID] | None = None,
) -> None:
    """Promise a host (None: all) this rate, or none."""
    then = announced(now)
    best = 0
    if rate is not None:
        best = rates.farther(plan=row, host_id=host_id, products=products, since=now, until=then)
    pieces = [promises.Piece(each.rate_bp, each.valid_from, each.valid_until) for each in there]
    at_once = rate is not None and rate >= best
    pieces = promises.change(pieces, rate=rate, now=now, announced=then, at_once=at_once)
    rest = _close(there, [each.rate_bp for each in there], pieces, now)
    CommissionRate.objects.bulk_create(
        CommissionRate(
            merchant_id=row.merchant_id,
            plan=row,
            host_id=host_id,
            rate_bp=each.rate,
            valid_from=each.since,
            valid_until=each.until,
        )
        for each in rest
    )


def _list(row: CommissionPlan, wanted: set[UUID], now: datetime) -> None:
    """Make the plan one for these products."""
    then = announced(now)
    there: dict[UUID, list[CommissionProduct]] = {}
    for each in row.products.all():
        there.setdefault(each.product_id, []).append(each)
    new = wanted - there.keys()
    valid = CommissionRate.objects.filter(rates.overlapping(now, then), plan=row) if new else ()
    at_once = all(
        rate.rate_bp >= rates.farther(plan=row, host_id=rate.host_id, products=new, since=now, until=then)
        for rate in valid
    )
    for product_id in sorted(wanted | there.keys()):
        had = there.get(product_id, [])
        pieces = promises.change(
            [promises.Piece(1, each.valid_from, each.valid_until) for each in had],
            rate=1 if product_id in wanted else None,
            now=now,
            announced=then,
            at_once=at_once,
        )
        rest = _close(had, [1] * len(had), pieces, now)
        CommissionProduct.objects.bulk_create(
            CommissionProduct(
                merchant_id=row.merchant_id,
                plan=row,
                product_id=product_id,
                valid_from=each.since,
                valid_until=each.until,
            )
            for each in rest
        )


def _close(
    there: list[Row], had: list[int], pieces: list[promises.Piece], now: datetime
) -> list[promises.Piece]:
    """Make way for what is promised from now on; returns what is still to be written of it."""
    for row, rate in zip(there, had, strict=True):
        if row.valid_from >= now:  # Announced, and never came to be.
            row.delete()
            continue
        goes_on = bool(pieces) and pieces[0].since == now and pieces[0].rate == rate
        until = pieces[0].until if goes_on else now
        if goes_on:
            pieces = pieces[1:]
        if row.valid_until != until:
            row.valid_until = until
            row.save(update_fields=["valid_until"])
    return pieces


def lock(merchant_id: UUID) -> Merchant:
    """Keep others from changing the merchant's plans until the transaction ends, and return the merchant."""
    # Two changes at once would each not see the other; the tables' constraints stand behind this.
    return Merchant.objects.select_for_update(no_key=True).get(pk=merchant_id)
