"""Commission plans: which rate counts, and that nobody gets less before it was announced."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from catalog import queries
from catalog.commission import plans, rates
from catalog.commission.plans import Terms
from catalog.models import CommissionPlan, CommissionProduct, CommissionRate, Product
from commerce.models import Host, Merchant
from tests.catalog import make
from tests.catalog.make import NOW, after
from tests.orders.make import host as a_host

pytestmark = pytest.mark.django_db

DAY = 86_400
OPEN, TARGETED = CommissionPlan.Kind.OPEN, CommissionPlan.Kind.TARGETED


@pytest.fixture
def seller() -> Merchant:
    return make.merchant()


@pytest.fixture
def mira() -> Host:
    return a_host("Mira")


@pytest.fixture
def goods(seller: Merchant) -> Product:
    return make.variant(seller).product


def opened(seller: Merchant, *, now: datetime = NOW, kind: str = OPEN, **terms: Any) -> CommissionPlan:
    return plans.create(merchant_id=seller.pk, kind=kind, terms=Terms(name="Spring", **terms), now=now)


def targeted(seller: Merchant, host: Host, rate: int, **terms: Any) -> CommissionPlan:
    return opened(seller, kind=TARGETED, hosts={host.slug: rate}, **terms)


def changed(plan: CommissionPlan, *, now: datetime, **terms: Any) -> CommissionPlan:
    return plans.change(merchant_id=plan.merchant_id, plan_id=plan.pk, terms=Terms(**terms), now=now)


def rate(host: Host, product: Product, *, at: datetime = NOW) -> int | None:
    found = rates.promised([(host.pk, product.pk)], at=at).get((host.pk, product.pk))
    return found.rate_bp if found else None


def test_without_a_plan_nothing_is_promised(mira: Host, goods: Product) -> None:
    assert rate(mira, goods) is None


def test_the_nearest_promise_wins(seller: Merchant, mira: Host, goods: Product) -> None:
    opened(seller, rate_bp=2000)
    assert rate(mira, goods) == 2000
    # Each nearer one lowers a rate, and so counts only once announced.
    opened(seller, rate_bp=1900, products=[goods.pk])
    assert (rate(mira, goods), rate(mira, goods, at=after(7 * DAY))) == (2000, 1900)
    targeted(seller, mira, 1800)
    assert rate(mira, goods, at=after(7 * DAY)) == 1800
    targeted(seller, mira, 1700, products=[goods.pk])
    assert (rate(mira, goods), rate(mira, goods, at=after(7 * DAY))) == (2000, 1700)
    # Others have what is open to all.
    noa, second = a_host("Noa"), make.variant(seller).product
    assert rate(noa, goods, at=after(7 * DAY)) == 1900
    assert (rate(noa, second, at=after(7 * DAY)), rate(mira, second, at=after(7 * DAY))) == (2000, 1800)
    assert rate(mira, make.variant(make.merchant()).product) is None


def test_of_several_that_are_as_near_the_highest_wins(seller: Merchant, mira: Host, goods: Product) -> None:
    for each in (1200, 1500, 1100):
        opened(seller, rate_bp=each)
    assert rate(mira, goods) == 1500


def test_a_nearer_plan_that_gives_more_counts_at_once(seller: Merchant, mira: Host, goods: Product) -> None:
    opened(seller, rate_bp=1500)
    targeted(seller, mira, 1600)
    assert rate(mira, goods) == 1600


def test_a_plan_below_the_merchants_own_rate_is_announced(
    seller: Merchant, mira: Host, goods: Product
) -> None:
    opened(seller, rate_bp=900)
    assert (rate(mira, goods, at=after(7 * DAY - 1)), rate(mira, goods, at=after(7 * DAY))) == (None, 900)


def test_a_raise_counts_at_once_and_a_cut_once_announced(
    seller: Merchant, mira: Host, goods: Product
) -> None:
    plan = opened(seller, rate_bp=1500)
    changed(plan, rate_bp=1200, now=after(DAY))
    assert rate(mira, goods, at=after(8 * DAY - 1)) == 1500
    assert rate(mira, goods, at=after(8 * DAY)) == 1200
    changed(plan, rate_bp=1800, now=after(2 * DAY))
    assert (rate(mira, goods, at=after(2 * DAY)), rate(mira, goods, at=after(90 * DAY))) == (1800, 1800)
    assert rate(mira, goods, at=after(2 * DAY - 1)) == 1500  # What has been stays what it was.


def test_the_days_of_notice_are_a_setting(
    seller: Merchant, mira: Host, goods: Product, settings: Any
) -> None:
    settings.COMMISSION_NOTICE_DAYS = 30
    plan = opened(seller, rate_bp=1500)
    assert changed(plan, rate_bp=1200, now=NOW).rates.all()[0].valid_until == after(30 * DAY)


def test_an_end_is_announced_and_again_changes_nothing(seller: Merchant, mira: Host, goods: Product) -> None:
    plan = opened(seller, rate_bp=1500)
    ended = plans.end(merchant_id=seller.pk, plan_id=plan.pk, now=after(DAY))
    assert ended.ends_at == after(8 * DAY)
    assert plans.end(merchant_id=seller.pk, plan_id=plan.pk, now=after(2 * DAY)).ends_at == after(8 * DAY)
    assert (rate(mira, goods, at=after(8 * DAY - 1)), rate(mira, goods, at=after(8 * DAY))) == (1500, None)
    with pytest.raises(plans.PlanEnded):
        changed(plan, rate_bp=5000, now=after(2 * DAY))


def test_a_host_who_is_left_out_keeps_her_rate_until_it_was_announced(
    seller: Merchant, mira: Host, goods: Product
) -> None:
    noa = a_host("Noa")
    plan = targeted(seller, mira, 1500)
    changed(plan, hosts={noa.slug: 1600}, now=NOW)
    assert (rate(mira, goods), rate(mira, goods, at=after(7 * DAY))) == (1500, None)
    assert rate(noa, goods) == 1600


def test_a_product_that_is_left_out_keeps_its_rate_until_it_was_announced(
    seller: Merchant, mira: Host, goods: Product
) -> None:
    second = make.variant(seller).product
    plan = opened(seller, rate_bp=1500, products=[goods.pk])
    changed(plan, products=[second.pk], now=NOW)
    assert (rate(mira, goods), rate(mira, goods, at=after(7 * DAY))) == (1500, None)
    assert rate(mira, second) == 1500


def test_a_product_that_has_a_better_promise_is_taken_in_once_announced(
    seller: Merchant, mira: Host, goods: Product
) -> None:
    second = make.variant(seller).product
    plan = opened(seller, rate_bp=1500, products=[goods.pk])
    opened(seller, rate_bp=2000)
    changed(plan, products=[goods.pk, second.pk], now=after(1))
    assert rate(mira, second, at=after(2)) == 2000
    assert rate(mira, second, at=after(7 * DAY + 1)) == 1500


def test_no_plan_leaves_the_merchant_less_than_nothing(seller: Merchant, mira: Host, goods: Product) -> None:
    with pytest.raises(plans.RateTooHigh) as refused:
        opened(seller, rate_bp=9501)
    assert refused.value.data == {"most": 9500}
    opened(seller, rate_bp=9500)
    Merchant.objects.filter(pk=seller.pk).update(platform_fee_bp=1000)
    assert rate(mira, goods) == 9000


@pytest.mark.parametrize(
    ("kind", "terms"),
    [
        (OPEN, {}),
        (OPEN, {"hosts": {"mira": 1000}}),
        (TARGETED, {"rate_bp": 1000}),
        (TARGETED, {"hosts": {}}),
        (OPEN, {"rate_bp": -1}),
        (OPEN, {"rate_bp": 1000, "products": []}),
    ],
)
def test_a_plan_that_contradicts_itself_is_refused(
    seller: Merchant, kind: str, terms: dict[str, Any]
) -> None:
    with pytest.raises(plans.BadPlan):
        opened(seller, kind=kind, **terms)


def test_a_plan_for_all_products_stays_one(seller: Merchant, goods: Product) -> None:
    plan = opened(seller, rate_bp=1500)
    with pytest.raises(plans.BadPlan):
        changed(plan, products=[goods.pk], now=NOW)


def test_a_plan_names_its_merchants_own_products_and_hosts_that_there_are(
    seller: Merchant, mira: Host
) -> None:
    with pytest.raises(queries.UnknownProduct):
        opened(seller, rate_bp=1500, products=[make.variant(make.merchant()).product_id])
    Host.objects.filter(pk=mira.pk).update(is_active=False)
    for slug in (mira.slug, "nobody"):
        with pytest.raises(plans.UnknownHost):
            opened(seller, kind=TARGETED, hosts={slug: 1500})


def test_there_are_only_so_many_at_once(seller: Merchant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "MOST_PLANS", 1)
    plan = opened(seller, rate_bp=1500)
    with pytest.raises(plans.TooManyPlans):
        opened(seller, rate_bp=1500)
    plans.end(merchant_id=seller.pk, plan_id=plan.pk, now=NOW)
    opened(seller, rate_bp=1500, now=after(8 * DAY))


def twice(seller: Merchant, plan: CommissionPlan, goods: Product) -> list[Callable[[], object]]:
    more = {"merchant": seller, "plan": plan, "valid_from": after(5), "valid_until": after(9)}
    return [
        lambda: CommissionRate.objects.create(rate_bp=1, **more),
        lambda: CommissionProduct.objects.create(product=goods, **more),
    ]


def test_behind_the_verbs_stand_the_tables(seller: Merchant, goods: Product) -> None:
    plan = opened(seller, rate_bp=1500, products=[goods.pk])
    for overlapping in twice(seller, plan, goods):
        with pytest.raises(IntegrityError, match="one_at_a_time"), transaction.atomic():
            overlapping()
    other = make.variant(make.merchant()).product
    with pytest.raises(IntegrityError, match="same_merchant"), transaction.atomic():
        CommissionProduct.objects.create(merchant=seller, plan=plan, product=other, valid_from=NOW)


def test_control_without_the_constraints_two_rates_count_at_once(seller: Merchant, goods: Product) -> None:
    plan = opened(seller, rate_bp=1500, products=[goods.pk])
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for what in ("rate", "product"):
            table, name = f"catalog_commission{what}", f"commission_{what}_one_at_a_time"
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    for overlapping in twice(seller, plan, goods):
        overlapping()
    assert (CommissionRate.objects.count(), CommissionProduct.objects.count()) == (2, 2)
