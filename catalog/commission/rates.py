"""Which commission counts: of all that a merchant promises, one rate per host, product and moment.

The nearest promise wins: for this host and product, for this host, for this product, for all; of several
that are as near, the highest. Without any it is the merchant's own rate. Published in docs/commission.md.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import Max, Q, QuerySet

from catalog.models import CommissionPlan, CommissionProduct, CommissionRate
from commerce.models import Merchant

Asked = tuple[UUID, UUID, datetime]  # Host, product, moment.

# No plan leaves the merchant less than nothing, even where the platform's fee was raised since.
_NEAREST = """
    SELECT DISTINCT ON (a.host_id, a.product_id, a.at)
           a.host_id, a.product_id, a.at, least(r.rate_bp, 10000 - m.platform_fee_bp), l.name
      FROM unnest(%(hosts)s::uuid[], %(products)s::uuid[], %(moments)s::timestamptz[])
           AS a (host_id, product_id, at)
      JOIN catalog_product p ON p.id = a.product_id
      JOIN commerce_merchant m ON m.id = p.merchant_id
      JOIN catalog_commissionrate r ON r.merchant_id = p.merchant_id
           AND (r.host_id IS NULL OR r.host_id = a.host_id)
           AND r.valid_from <= a.at AND (r.valid_until IS NULL OR r.valid_until > a.at)
      JOIN catalog_commissionplan l ON l.id = r.plan_id
     WHERE l.all_products OR EXISTS (
           SELECT FROM catalog_commissionproduct g
            WHERE g.plan_id = l.id AND g.product_id = a.product_id AND g.valid_from <= a.at
              AND (g.valid_until IS NULL OR g.valid_until > a.at))
     ORDER BY a.host_id, a.product_id, a.at, r.host_id IS NULL, l.all_products, r.rate_bp DESC, l.id
"""


@dataclass(frozen=True, slots=True)
class Promise:
    """A rate in basis points, and the name of the plan that it is from; empty: the merchant's own rate."""

    rate_bp: int
    plan: str = ""


@dataclass(frozen=True, slots=True)
class Offered:
    """What a host gets of a product: a rate in basis points, the plan that it is from, and until when nothing
    may make it less. None: the merchant's own rate, which is not locked. `then_bp` is announced for then.
    """

    rate_bp: int
    plan: str
    locked_until: datetime | None
    then_bp: int | None


def promised(pairs: Iterable[tuple[UUID, UUID]], *, at: datetime) -> dict[tuple[UUID, UUID], Promise]:
    """Return what plans promise for these (host, product) at a moment, less those that no plan is for.

    One statement, however many they are.
    """
    found = _nearest([(host_id, product_id, at) for host_id, product_id in sorted(set(pairs))])
    return {(host_id, product_id): promise for (host_id, product_id, _), promise in found.items()}


def offered(
    *, host_id: UUID, products: Mapping[UUID, tuple[UUID, int]], at: datetime, until: datetime
) -> dict[UUID, Offered]:
    """Return what a host gets of each product, and what of it is announced to become less before `until`.

    `products` are given with their merchants and the merchants' own rates in basis points.
    """
    merchants = {merchant_id for merchant_id, _ in products.values()}
    moments = [at, *_turning(merchants, at, until)]
    found = _nearest([(host_id, product_id, moment) for product_id in products for moment in moments])
    offers = {}
    for product_id, (_, own) in products.items():
        promises = [found.get((host_id, product_id, moment), Promise(own)) for moment in moments]
        now = promises[0]
        less = [n for n, each in enumerate(promises) if each.rate_bp < now.rate_bp]
        if less:
            offers[product_id] = Offered(now.rate_bp, now.plan, moments[less[0]], promises[less[0]].rate_bp)
        else:
            offers[product_id] = Offered(now.rate_bp, now.plan, until if now.plan else None, None)
    return offers


def planned(*, host_id: UUID, at: datetime) -> Q:
    """Return which products some plan is for that is open or this host's."""
    valid = Q(valid_from__lte=at) & overlapping(at, None)
    hers = CommissionRate.objects.filter(valid).filter(Q(host=None) | Q(host=host_id))
    listed = CommissionProduct.objects.filter(valid, plan__in=hers.values("plan"))
    of_all = hers.filter(plan__all_products=True)
    return Q(merchant__in=of_all.values("merchant")) | Q(pk__in=listed.values("product"))


def _nearest(asked: Sequence[Asked]) -> dict[Asked, Promise]:
    if not asked:
        return {}
    columns: dict[str, list[str] | list[datetime]] = {
        "hosts": [str(host_id) for host_id, _, _ in asked],
        "products": [str(product_id) for _, product_id, _ in asked],
        "moments": [at for _, _, at in asked],
    }
    with connection.cursor() as cursor:
        cursor.execute(_NEAREST, columns)
        return {(row[0], row[1], row[2]): Promise(row[3], row[4]) for row in cursor.fetchall()}


def _turning(merchants: Collection[UUID], since: datetime, until: datetime) -> list[datetime]:
    """Return when something that these merchants promise begins or ends in that time."""
    found: set[datetime] = set()
    for name in ("valid_from", "valid_until"):
        within = {"merchant__in": merchants, f"{name}__gt": since, f"{name}__lt": until}
        found.update(CommissionRate.objects.filter(**within).values_list(name, flat=True).distinct())
        found.update(CommissionProduct.objects.filter(**within).values_list(name, flat=True).distinct())
    return sorted(found)


def overlapping(since: datetime, until: datetime | None) -> Q:
    """Return what is valid at some moment from `since` until `until`, excluded."""
    found = Q(valid_until=None) | Q(valid_until__gt=since)
    return found if until is None else found & Q(valid_from__lt=until)


def farther(
    *,
    plan: CommissionPlan,
    host_id: UUID | None,
    products: Collection[UUID] | None,
    since: datetime,
    until: datetime,
) -> int:
    """Return the highest rate that the plan, being nearer, would take the place of in that time.

    For this host (None: any) and these products (None: all), in basis points.
    """
    own = Merchant.objects.values_list("host_commission_bp", flat=True).get(pk=plan.merchant_id)
    rows: QuerySet[CommissionRate] = CommissionRate.objects.filter(
        _farther(plan, host_id), overlapping(since, until), merchant=plan.merchant_id
    )
    if products is not None:
        listed = CommissionProduct.objects.filter(overlapping(since, until), product__in=products)
        rows = rows.filter(Q(plan__all_products=True) | Q(plan__in=listed.values("plan")))
    highest: int | None = rows.exclude(plan=plan).aggregate(most=Max("rate_bp"))["most"]
    return max(own, highest or 0)


def _farther(plan: CommissionPlan, host_id: UUID | None) -> Q:
    if host_id is None:
        return Q(pk=None) if plan.all_products else Q(host=None, plan__all_products=True)
    return Q(host=None) if plan.all_products else Q(host=None) | Q(host=host_id, plan__all_products=True)
