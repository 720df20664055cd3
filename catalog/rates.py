"""Which commission counts: of all that a merchant promises, one rate per host, product and moment.

The nearest promise wins: for this host and product, for this host, for this product, for all; of several
that are as near, the highest. Without any it is the merchant's own rate. Published in docs/commission.md.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import Max, Q, QuerySet

from catalog.models import CommissionPlan, CommissionProduct, CommissionRate
from commerce.models import Merchant

# No plan leaves the merchant less than nothing, even where the platform's fee was raised since.
_NEAREST = """
    SELECT DISTINCT ON (a.host_id, a.product_id)
           a.host_id, a.product_id, least(r.rate_bp, 10000 - m.platform_fee_bp), l.name
      FROM unnest(%(hosts)s::uuid[], %(products)s::uuid[]) AS a (host_id, product_id)
      JOIN catalog_product p ON p.id = a.product_id
      JOIN commerce_merchant m ON m.id = p.merchant_id
      JOIN catalog_commissionrate r ON r.merchant_id = p.merchant_id
           AND (r.host_id IS NULL OR r.host_id = a.host_id)
           AND r.valid_from <= %(now)s AND (r.valid_until IS NULL OR r.valid_until > %(now)s)
      JOIN catalog_commissionplan l ON l.id = r.plan_id
     WHERE l.all_products OR EXISTS (
           SELECT FROM catalog_commissionproduct g
            WHERE g.plan_id = l.id AND g.product_id = a.product_id AND g.valid_from <= %(now)s
              AND (g.valid_until IS NULL OR g.valid_until > %(now)s))
     ORDER BY a.host_id, a.product_id, r.host_id IS NULL, l.all_products, r.rate_bp DESC, l.id
"""


@dataclass(frozen=True, slots=True)
class Promise:
    """A rate in basis points, and the name of the plan that it is from; empty: the merchant's own rate."""

    rate_bp: int
    plan: str = ""


def promised(pairs: Iterable[tuple[UUID, UUID]], *, at: datetime) -> dict[tuple[UUID, UUID], Promise]:
    """Return what plans promise for these (host, product) at a moment, less those that no plan is for.

    One statement, however many they are.
    """
    asked = sorted(set(pairs))
    if not asked:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            _NEAREST,
            {
                "hosts": [str(each) for each, _ in asked],
                "products": [str(each) for _, each in asked],
                "now": at,
            },
        )
        return {(row[0], row[1]): Promise(row[2], row[3]) for row in cursor.fetchall()}


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
