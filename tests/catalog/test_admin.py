"""The operations screens of the catalog: they open, and what they change goes through the verbs."""

from html import unescape
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from catalog import bundles
from catalog.feeds import exports, imports
from catalog.models import Import, Product, StockMovement
from catalog.shelf import stock
from commerce.models import Event, User
from config.celery import app
from tests.catalog import make
from tests.catalog.make import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("ops@example.com", "a long enough password", name="Ops"))
    return client


@pytest.fixture
def onlooker() -> Client:
    user = User.objects.create_user(
        "look@example.com", "a long enough password", name="Looker", is_staff=True
    )
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client = Client()
    client.force_login(user)
    return client


def address(model: str, page: str, *args: Any) -> str:
    return reverse(f"admin:catalog_{model}_{page}", args=args)


def act(client: Client, model: str, action: str, *rows: Any) -> Any:
    data = {"action": action, "_selected_action": [str(row.pk) for row in rows]}
    return client.post(address(model, "changelist"), data, follow=True)


def test_every_screen_opens_with_rows_and_search(operator: Client) -> None:
    one = make.variant(make.merchant(), sku="S-1")
    rows = make.row("a", title="<b>A</b>", price="<i>soon</i>"), make.row("b", title="B", price="1")
    job = make.import_of(one.merchant, make.feed(*rows), filename="spring.csv")
    imports.run(import_id=job.pk, now=NOW)
    file = exports.queue(merchant_id=one.merchant_id, format="jsonl", filters={}, now=NOW)
    for model, pk in (
        ("product", one.product_id),
        ("variant", one.pk),
        ("stock", one.pk),
        ("import", job.pk),
        ("export", file.pk),
    ):
        assert operator.get(address(model, "changelist"), {"q": "s-1"}).status_code == 200
        assert operator.get(address(model, "change", pk)).status_code == 200
        assert operator.get(address(model, "add")).status_code == 403
        assert operator.get(address(model, "delete", pk)).status_code == 403
    page = operator.get(address("import", "change", job.pk)).content.decode()
    assert "&lt;i&gt;soon&lt;/i&gt;" in page
    assert "<i>soon</i>" not in page


def test_lists_take_the_same_queries_however_long_they_are(
    operator: Client, django_assert_num_queries: Any, django_assert_max_num_queries: Any
) -> None:
    seller = make.merchant()
    for model in ("product", "variant", "stock", "import", "export"):
        make.variant(seller)
        with django_assert_max_num_queries(20) as few:
            operator.get(address(model, "changelist"))
        for _ in range(5):
            make.variant(seller)
        with django_assert_num_queries(len(few)):
            operator.get(address(model, "changelist"))


def test_products_are_retired_and_put_on_sale_by_the_verb(operator: Client) -> None:
    one, other = (make.product(make.merchant()) for _ in range(2))
    act(operator, "product", "retire", one)
    assert list(Product.objects.filter(status="retired")) == [one]
    act(operator, "product", "activate", one, other)
    assert not Product.objects.exclude(status="approved").exists()


def test_stock_is_set_by_the_verb_with_its_movement(operator: Client) -> None:
    one = make.variant(make.merchant(), stocked=10)
    form = {"available": "4", "note": "water damage"}
    assert operator.post(address("stock", "change", one.pk), form).status_code == 302
    movement = StockMovement.objects.filter(variant=one).latest("id")
    assert (make.left(one), movement.delta, movement.note) == (4, -6, "water damage (operations)")
    assert Event.objects.filter(name="stock.moved").count() == 1


@pytest.mark.parametrize("available", ["-1", "9999999999", "many", ""])
def test_stock_that_cannot_be_is_refused(operator: Client, available: str) -> None:
    one = make.variant(make.merchant(), stocked=10)
    reply = operator.post(address("stock", "change", one.pk), {"available": available, "note": "x"})
    assert reply.status_code == 200
    assert make.left(one) == 10


def test_an_import_is_handed_to_the_workers(operator: Client) -> None:
    job = make.import_of(make.merchant(), make.simple_feed(1))
    act(operator, "import", "take_up", Import.objects.get(pk=job.pk))
    with app.connection_for_read() as broker:
        message = broker.SimpleQueue("notify").get(block=False)
        assert message.payload[1] == {"import_id": str(job.pk)}
        message.ack()


def test_who_may_only_look_changes_nothing(onlooker: Client) -> None:
    one = make.variant(make.merchant(), stocked=10)
    assert onlooker.get(address("stock", "change", one.pk)).status_code == 200
    assert (
        onlooker.post(address("stock", "change", one.pk), {"available": "1", "note": "x"}).status_code == 403
    )
    act(onlooker, "product", "retire", one.product)
    assert Product.objects.get().status == "approved"
    assert make.left(one) == 10


def test_a_level_that_is_refused_is_said_so_and_nothing_of_it_is_noted_as_changed(operator: Client) -> None:
    part = make.variant(make.merchant())
    whole = make.variant(part.merchant, stocked=0)
    bundles.set_parts(merchant_id=part.merchant_id, bundle_id=whole.pk, parts={part.pk: 2}, now=NOW)
    sent = {"available": "7", "note": "counted"}
    page = operator.post(address("stock", "change", whole.pk), sent, follow=True).content.decode()
    assert stock.StockOfBundle.message in unescape(page)
    assert "changed successfully" not in page
    assert not LogEntry.objects.exists()

    page = operator.post(address("stock", "change", part.pk), sent, follow=True).content.decode()
    assert "changed successfully" in page
    assert LogEntry.objects.count() == 1
