"""Commission plans over HTTP: a merchant's own, checked; and what they make of a sale."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from catalog.commission import plans
from catalog.models import CommissionPlan
from commerce.models import Host, Merchant, User
from orders.models import Commission, OrderLine
from orders.settling import payments
from tests.catalog.api import Api
from tests.orders import make
from tests.orders.make import NOW, after

pytestmark = pytest.mark.django_db

PLANS = "commission-plans"
OPEN = {"name": "Spring", "kind": "open", "rate_bp": 1500}
DAY = 86_400


@pytest.fixture
def seller() -> Merchant:
    return make.merchant()


@pytest.fixture
def api(seller: Merchant) -> Api:
    return Api(seller)


@pytest.fixture
def mira() -> Host:
    return make.host()


def test_a_plan_is_opened_changed_and_ended(api: Api, seller: Merchant) -> None:
    made = api.post(PLANS, OPEN)
    assert made.status == 201
    assert (made.body["products"], made.body["ends_at"]) == (None, None)
    assert [(each["host"], each["rate_bp"]) for each in made.body["rates"]] == [(None, 1500)]
    one = f"{PLANS}/{made.body['id']}"
    assert api.get(one).body == made.body
    cut = api.patch(one, {"name": "Late spring", "rate_bp": 1200}).body
    assert cut["name"] == "Late spring"
    first, second = cut["rates"]
    assert (first["rate_bp"], second["rate_bp"]) == (1500, 1200)
    assert first["valid_until"] == second["valid_from"]
    asked, then = (datetime.fromisoformat(first[at]) for at in ("valid_from", "valid_until"))
    assert timedelta(days=7) <= then - asked < timedelta(days=7, minutes=5)
    ended = api.post(f"{one}/end")
    assert ended.status == 200 and ended.body["ends_at"]
    assert api.post(f"{one}/end").body["ends_at"] == ended.body["ends_at"]
    assert api.patch(one, {"rate_bp": 2000}).code == "COMMISSION_PLAN_ENDED"


def test_a_repetition_with_the_same_key_opens_one_plan(api: Api) -> None:
    keyed = {"Idempotency-Key": str(uuid4())}
    first, again = (api.post(PLANS, OPEN, headers=keyed) for _ in range(2))
    assert first.body == again.body and CommissionPlan.objects.count() == 1


def test_a_targeted_plan_for_chosen_products(api: Api, seller: Merchant, mira: Host) -> None:
    goods = make.variant(seller=seller)
    hosts = [{"host": mira.slug, "rate_bp": 2500}]
    body = {"name": "Mira", "kind": "targeted", "hosts": hosts, "products": [str(goods.product_id)]}
    made = api.post(PLANS, body)
    assert made.status == 201
    assert [(each["host"], each["rate_bp"]) for each in made.body["rates"]] == [(mira.slug, 2500)]
    assert [each["product"] for each in made.body["products"]] == [str(goods.product_id)]


def test_plans_are_listed_page_by_page_and_narrowed(api: Api, seller: Merchant, mira: Host) -> None:
    goods = make.variant(seller=seller)
    open_to_all = api.post(PLANS, OPEN).body["id"]
    hosts = [{"host": mira.slug, "rate_bp": 2500}]
    chosen = {"name": "Mira", "kind": "targeted", "hosts": hosts, "products": [str(goods.product_id)]}
    hers = api.post(PLANS, chosen).body["id"]
    old = api.post(PLANS, OPEN).body["id"]
    CommissionPlan.objects.filter(pk=old).update(ends_at=NOW - timedelta(days=3650))

    def found(query: str) -> list[str]:
        return [row["id"] for row in api.get(f"{PLANS}?{query}").body["results"]]

    assert found("") == [old, hers, open_to_all]
    assert found("state=running") == [hers, open_to_all]
    assert found("state=ended") == [old]
    assert found("kind=targeted") == found(f"host={mira.slug}") == [hers]
    assert found(f"product={goods.product_id}&state=running") == [hers, open_to_all]
    assert found(f"product={make.variant().product_id}&kind=targeted") == []
    page = api.get(f"{PLANS}?page_size=2").body
    assert [row["id"] for row in page["results"]] == [old, hers]
    assert [row["id"] for row in api.get(page["next"]).body["results"]] == [open_to_all]
    assert api.get(f"{PLANS}?kind=").code == "BAD_REQUEST"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"kind": "secret"}, "BAD_REQUEST"),
        ({"rate_bp": "1500"}, "BAD_REQUEST"),
        ({"rate_bp": -1}, "BAD_REQUEST"),
        ({"rate_bp": 10_001}, "BAD_REQUEST"),
        ({"rate_bp": 9_501}, "COMMISSION_TOO_HIGH"),
        ({"kind": "targeted"}, "BAD_COMMISSION_PLAN"),
        ({"hosts": [{"host": "mira", "rate_bp": 1}]}, "BAD_COMMISSION_PLAN"),
        ({"name": ""}, "BAD_REQUEST"),
        ({"name": "x" * 81}, "BAD_REQUEST"),
        ({"products": []}, "BAD_REQUEST"),
        ({"products": ["nonsense"]}, "BAD_REQUEST"),
        ({"merchant": "mine"}, "BAD_REQUEST"),
    ],
)
def test_an_absurd_plan_is_refused(api: Api, change: dict[str, Any], code: str) -> None:
    assert api.post(PLANS, {**OPEN, **change}).code == code
    assert not CommissionPlan.objects.exists()


def test_a_host_is_known_and_named_once(api: Api, mira: Host) -> None:
    targeted = {"name": "Hers", "kind": "targeted"}
    twice = [{"host": mira.slug, "rate_bp": 1}, {"host": mira.slug, "rate_bp": 2}]
    assert api.post(PLANS, {**targeted, "hosts": twice}).code == "BAD_COMMISSION_PLAN"
    assert api.post(PLANS, {**targeted, "hosts": [{"host": "nobody", "rate_bp": 1}]}).code == "NOT_FOUND"


def test_another_merchants_plans_and_products_are_unknown(api: Api, seller: Merchant) -> None:
    stranger = Api(make.merchant())
    theirs = stranger.post(PLANS, OPEN).body["id"]
    goods = str(make.variant().product_id)
    assert api.get(PLANS).body["results"] == []
    assert api.get(f"{PLANS}/{theirs}").code == "NOT_FOUND"
    assert api.patch(f"{PLANS}/{theirs}", {"rate_bp": 0}).code == "NOT_FOUND"
    assert api.post(f"{PLANS}/{theirs}/end").code == "NOT_FOUND"
    assert api.post(PLANS, {**OPEN, "products": [goods]}).code == "NOT_FOUND"
    mine = api.post(PLANS, {**OPEN, "products": [str(make.variant(seller=seller).product_id)]}).body["id"]
    assert api.patch(f"{PLANS}/{mine}", {"products": [goods]}).code == "NOT_FOUND"
    assert stranger.get(f"{PLANS}/{theirs}").body["rates"][0]["rate_bp"] == 1500


def test_a_sale_has_the_rate_of_its_moment_whatever_changes_before_it_is_paid(seller: Merchant) -> None:
    goods = make.variant(seller=seller, amount=2000)
    stream = make.show(goods)
    terms = plans.Terms("Spring", 2000)
    plan = plans.create(merchant_id=seller.id, kind="open", terms=terms, now=NOW)
    cut = plans.Terms(rate_bp=1000)
    plans.change(merchant_id=seller.id, plan_id=plan.pk, terms=cut, now=after(1))
    bought = make.basket((goods, 1), stream=stream).go(now=after(7 * DAY - 99))
    alone = make.basket((goods, 1)).go(now=after(7 * DAY))
    later = make.basket((goods, 1), stream=stream).go(now=after(7 * DAY + 99))
    for purchase in (bought, alone, later):
        payments.apply(intent=make.said(make.sent(purchase), "succeeded"), now=after(9 * DAY))

    assert OrderLine.objects.get(order__purchase=alone).host_commission_bp == 0
    rows = Commission.objects.order_by("rate_bp").values_list("line__order__purchase", "rate_bp", "amount")
    assert list(rows) == [(later.id, 1000, 200), (bought.id, 2000, 400)]
    make.audited()


def test_operators_see_plans_and_announce_their_end(seller: Merchant, mira: Host) -> None:
    goods = make.variant(seller=seller)
    terms = plans.Terms("Hers", None, {mira.slug: 2500}, [goods.product_id])
    plan = plans.create(merchant_id=seller.id, kind="targeted", terms=terms, now=NOW)
    client = Client()
    client.force_login(User.objects.create_superuser("ops@example.com", "long enough 1", name="Ops"))
    listed = reverse("admin:catalog_commissionplan_changelist")
    page = client.get(listed, {"q": mira.slug})
    assert page.status_code == 200 and "Hers" in page.text
    shown = client.get(reverse("admin:catalog_commissionplan_change", args=[plan.pk]))
    assert shown.status_code == 200 and "25 %" in shown.text
    client.post(listed, {"action": "end", "_selected_action": [str(plan.pk)]})
    plan.refresh_from_db()
    assert plan.ends_at is not None
    assert CommissionPlan in admin.site._registry and not Commission.objects.exists()


def test_the_till_asks_for_plans_once_and_not_where_there_are_none() -> None:
    asked = []
    for planned in (False, True):
        goods = [make.variant() for _ in range(2)]
        if planned:
            terms = plans.Terms("Spring", 1500)
            plans.create(merchant_id=goods[0].merchant_id, kind="open", terms=terms, now=NOW)
        stream = make.show(*goods)
        with CaptureQueriesContext(connection) as seen:
            make.basket(*((each, 1) for each in goods), stream=stream).go(now=after(5))
        asked.append(sum("catalog_commissionplan" in each["sql"] for each in seen.captured_queries))
    assert asked == [0, 1]
