"""A merchant's system finds its orders, exports them, and sees which may go out together."""

import csv
import io
import tracemalloc
from datetime import timedelta
from typing import Any

import orjson
import pytest
from asgiref.sync import sync_to_async
from django.db import connection, connections
from django.test import AsyncClient
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from catalog.models import Variant
from commerce.models import User
from commerce.money import Money
from orders import combining, exporting, fulfilment, queries
from orders.aftersales import cancelling, refunding
from orders.models import Order
from orders.settling import payments
from streams.models import Stream
from tests.catalog.api import Api
from tests.orders import make

pytestmark = pytest.mark.django_db

ROOT = "/api/v1/"


def sold(*goods: Variant, by: User | None = None, stream: Stream | None = None, units: int = 1) -> Order:
    purchase = make.basket(*((each, units) for each in goods), by=by, stream=stream).go(now=timezone.now())
    payments.apply(intent=make.said(make.sent(purchase), "succeeded"), now=timezone.now())
    return Order.objects.get(purchase=purchase)


def exported(api: Api, query: str) -> str:
    reply: Any = api.client.get(f"{ROOT}orders/export?{query}", headers=api.headers)
    assert reply.status_code == 200
    return b"".join(reply.streaming_content).decode()


def test_orders_are_found_by_what_is_known_of_them() -> None:
    red = make.variant()
    seller = red.merchant
    blue = make.variant(seller=seller)
    stream = make.show(red, now=timezone.now())
    in_show, alone = sold(red, stream=stream), sold(blue)
    theirs = sold(make.variant())
    api = Api(seller)
    fulfilment.acknowledge(merchant_id=seller.id, order_id=alone.id, reference="SO-7", now=timezone.now())
    fulfilment.ship(
        merchant_id=seller.id,
        order_id=in_show.id,
        carrier="DHL",
        tracking_number="JJD1",
        tracking_url="",
        now=timezone.now(),
    )

    def found(query: str) -> list[str]:
        reply = api.get(f"{ROOT}orders?{query}")
        assert reply.status == 200, reply.body
        return [row["id"] for row in reply.body["results"]]

    one, two = [str(in_show.id)], [str(alone.id)]
    soon = (timezone.now() + timedelta(hours=1)).isoformat().replace("+", "%2B")
    past = (timezone.now() - timedelta(hours=1)).isoformat().replace("+", "%2B")
    assert found(f"stream={stream.slug}") == one
    assert found(f"sku={blue.sku}") == two
    assert (found(f"q={in_show.id}"), found(f"q={in_show.purchase_id}")) == (one, one)
    assert (found("q=SO-7"), found("q=JJD1"), found("q=nothing")) == (two, one, [])
    assert found(f"q={theirs.id}") == []
    assert found(f"paid_from={past}&paid_before={soon}") == two + one
    assert found(f"paid_from={soon}") == []
    assert found("status=shipped&acknowledged=false") == one
    for bad in ("stream=", "name=Noa", "updated_since=today", "acknowledged=perhaps"):
        assert api.get(f"{ROOT}orders?{bad}").code == "BAD_REQUEST"


def test_what_changed_comes_in_the_order_in_which_it_did() -> None:
    goods = make.variant(stocked=50)
    api = Api(goods.merchant)
    orders = [sold(goods) for _ in range(4)]
    since = timezone.now()
    for at, order in enumerate((orders[2], orders[0], orders[3])):
        fulfilment.acknowledge(
            merchant_id=goods.merchant_id,
            order_id=order.id,
            reference="x",
            now=since + timedelta(seconds=at),
        )
    stamp = since.isoformat().replace("+", "%2B")

    first = api.get(f"{ROOT}orders?updated_since={stamp}&page_size=2").body
    assert [row["id"] for row in first["results"]] == [str(orders[2].id), str(orders[0].id)]
    # What changes while they are read comes again, at the end.
    refunding.refund(
        merchant_id=goods.merchant_id,
        order_id=orders[2].id,
        reason="x",
        actor=refunding.SYSTEM,
        amount=Money(100, "EUR"),
        now=since + timedelta(seconds=9),
    )
    rest = api.get(first["next"]).body
    assert [row["id"] for row in rest["results"]] == [str(orders[3].id), str(orders[2].id)]
    assert rest["next"] is None


# --- the file ---


def test_a_file_has_a_row_per_line_and_the_filters_of_the_list() -> None:
    red = make.variant(amount=1050, title='=HYPERLINK("http://x")')
    blue = make.variant(amount=500, seller=red.merchant)
    order, other = sold(red, blue, units=2), sold(blue)
    sold(make.variant())
    api = Api(red.merchant)
    fulfilment.acknowledge(
        merchant_id=red.merchant_id, order_id=other.id, reference="-SO-7", now=timezone.now()
    )

    rows = list(csv.DictReader(io.StringIO(exported(api, "format=csv"))))

    assert [(row["order"], row["sku"], row["quantity"]) for row in rows] == [
        (str(other.id), blue.sku, "1"),
        (str(order.id), red.sku, "2"),
        (str(order.id), blue.sku, "2"),
    ]
    assert (rows[0]["reference"], rows[1]["unit_price"], rows[1]["amount"]) == ("'-SO-7", "10.50", "21.00")
    assert (rows[0]["city"], rows[0]["to_ship"], rows[0]["currency"]) == ("Bremen", "1", "EUR")
    lines = [orjson.loads(line) for line in exported(api, "format=jsonl&acknowledged=false").splitlines()]
    assert [line["order"] for line in lines] == [str(order.id)] * 2
    assert lines[0]["title"] == order.lines.order_by("id")[0].title
    assert set(lines[0]) == set(exporting.COLUMNS)
    assert exported(api, "format=jsonl&status=delivered") == ""
    assert api.get(f"{ROOT}orders/export?format=xml").code == "BAD_REQUEST"
    assert api.get(f"{ROOT}orders/export?sort=id").code == "BAD_REQUEST"


def test_cells_that_a_spreadsheet_would_run_are_texts() -> None:
    kind = exporting.KINDS["csv"]
    row = dict.fromkeys(exporting.COLUMNS, "=1+1")
    assert kind.rows([row]).decode().rstrip("\r\n").split(",") == ["'=1+1"] * len(exporting.COLUMNS)


def test_a_file_is_read_in_parts_that_take_constantly_many_statements(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    goods = make.variant(stocked=50)
    for _ in range(7):
        sold(goods)
    monkeypatch.setattr(exporting, "PART", 3)
    rows = queries.orders_of(merchant_id=goods.merchant_id)
    kind = exporting.KINDS["jsonl"]
    sizes, after = [], None
    while True:
        with CaptureQueriesContext(connection) as seen:
            part = exporting.part(rows, kind, after=after)
        if part.last is None:
            break
        sizes.append((part.text.count(b"\n"), len(seen)))
        after = part.last
    assert [size for size, _ in sizes] == [3, 3, 1]
    assert len({statements for _, statements in sizes}) == 1


def test_memory_stays_flat_however_long_the_file_is(monkeypatch: pytest.MonkeyPatch) -> None:
    goods = make.variant(stocked=500)
    for _ in range(60):
        sold(goods)
    monkeypatch.setattr(exporting, "PART", 5)
    api = Api(goods.merchant)

    def most(query: str) -> int:
        reply: Any = api.client.get(f"{ROOT}orders/export?{query}", headers=api.headers)
        tracemalloc.start()
        for _ in reply.streaming_content:
            pass
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    most("format=csv")
    few = most(f"format=csv&q={Order.objects.latest('id').id}")
    assert most("format=csv") < few + 1_000_000


@pytest.mark.django_db(transaction=True)
async def test_a_server_that_waits_for_nobody_gets_the_file_in_parts_too() -> None:
    api = await sync_to_async(lambda: Api(sold(make.variant()).merchant))()
    reply: Any = await AsyncClient().get(f"{ROOT}orders/export?format=jsonl", headers=api.headers)
    text = b"".join([part async for part in reply.streaming_content])
    assert len(text.splitlines()) == 1
    await sync_to_async(connections.close_all)()


# --- together in one parcel ---


def test_orders_that_may_go_out_together_are_named() -> None:
    red = make.variant(stocked=50)
    seller, ada, eva, solo = red.merchant, make.buyer("Ada"), make.buyer("Eva"), make.buyer("Solo")
    stream = make.show(red, now=timezone.now())
    api = Api(seller)
    hers = [sold(red, by=ada, stream=stream), sold(red, by=ada, stream=stream), sold(red, by=ada)]
    of_eva = [sold(red, by=eva), sold(red, by=eva)]
    ada.addresses.update(line1="Elsewhere 1")
    elsewhere = sold(red, by=ada)
    sold(red, by=solo)
    sold(make.variant(), by=ada)

    def named(query: str = "") -> list[list[str]]:
        reply = api.get(f"{ROOT}orders/combinable?{query}")
        assert reply.status == 200, reply.body
        return [[row["id"] for row in each["orders"]] for each in reply.body["results"]]

    ids = [str(each.id) for each in hers]
    assert named() == [[str(each.id) for each in of_eva], ids]
    assert named(f"stream={stream.slug}") == [ids[:2]]
    assert named("stream=nowhere") == []
    assert api.get(f"{ROOT}orders/combinable?show=x").code == "BAD_REQUEST"
    group = api.get(f"{ROOT}orders/combinable?page_size=1").body
    assert len(group["results"]) == 1
    assert api.get(group["next"]).body["results"][0]["ship_to"]["line1"] == "Lindenweg 4"
    assert str(elsewhere.id) not in str(named())

    body = {"carrier": "DHL", "orders": ids}
    assert api.post(f"{ROOT}shipments", body).status == 201
    cancelling.cancel_by_merchant(
        merchant_id=seller.id,
        order_id=of_eva[0].id,
        reason="",
        restock=True,
        actor=refunding.SYSTEM,
        now=timezone.now(),
    )
    assert named() == []


def test_one_statement_finds_all_orders_of_a_page_of_groups() -> None:
    red = make.variant(stocked=50)
    for _ in range(3):
        buyer = make.buyer()
        for _ in range(2):
            sold(red, by=buyer)
    page = list(combining.groups(merchant_id=red.merchant_id))
    with CaptureQueriesContext(connection) as seen:
        found = combining.fill(page)
    assert ([len(each) for each in found], len(seen)) == ([2, 2, 2], 1)
