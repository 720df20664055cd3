"""The states of products: who may move them where, and that what is to be reviewed is looked at first."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import orjson
import pytest
from django.db import IntegrityError, transaction

from catalog import products, queries, reviewing, states
from catalog.feeds import imports
from catalog.models import Product, ProductReview
from commerce.models import Event, Merchant, User
from tests.catalog import make
from tests.catalog.feeds.formats.test_round_trips import read, written
from tests.catalog.make import NOW, after

pytestmark = pytest.mark.django_db


@pytest.fixture
def seller() -> Merchant:
    made = make.merchant()
    Merchant.objects.filter(pk=made.pk).update(goods_reviewed=True)
    return made


@pytest.fixture
def operator() -> reviewing.Actor:
    user = User.objects.create_user("ops@example.com", name="Ops")
    return reviewing.Actor(ProductReview.By.OPERATOR, user.pk)


def fresh(product: Product) -> Product:
    return Product.objects.get(pk=product.pk)


def history(product: Product) -> list[tuple[str, str, str, str]]:
    rows = ProductReview.objects.filter(product=product).order_by("id")
    return list(rows.values_list("old", "new", "by", "reason"))


def of(product: Product) -> dict[str, Any]:
    return {"merchant_id": product.merchant_id, "product_id": product.pk, "now": NOW}


def test_every_status_is_in_the_table_and_no_other() -> None:
    assert states.MOVES.keys() == set(Product.Status.values)
    assert all(
        new in Product.Status.values and new != old for old in states.MOVES for new in states.MOVES[old]
    )
    assert "in_review" not in states.MOVES["approved"]


def test_where_nobody_reviews_asking_for_sale_is_being_approved() -> None:
    made = make.product(make.merchant(), status="draft")
    reviewing.submit(**of(made))
    reviewing.submit(**of(made))
    assert fresh(made).status == "approved"
    assert history(made) == [("draft", "approved", "merchant", "")]


def test_a_product_s_life_with_reviews(seller: Merchant, operator: reviewing.Actor) -> None:
    made = make.product(seller, status="draft")
    reviewing.submit(**of(made))
    assert (fresh(made).status, fresh(made).waits_since) == ("in_review", NOW)
    reviewing.send_back(**of(made), reason=" Blurred. ", actor=operator)
    reviewing.submit(**of(made))
    reviewing.withdraw(**of(made))
    reviewing.submit(**of(made))
    reviewing.approve(**of(made), actor=operator)
    assert (fresh(made).status, fresh(made).waits_since) == ("approved", None)
    reviewing.retire(**of(made), reason="Not made any more")
    reviewing.restore(**of(made))
    assert history(made) == [
        ("draft", "in_review", "merchant", ""),
        ("in_review", "draft", "operator", "Blurred."),
        ("draft", "in_review", "merchant", ""),
        ("in_review", "draft", "merchant", ""),
        ("draft", "in_review", "merchant", ""),
        ("in_review", "approved", "operator", ""),
        ("approved", "retired", "merchant", "Not made any more"),
        ("retired", "in_review", "merchant", ""),
    ]
    told = [
        id
        for event in Event.objects.filter(name="product.moved").order_by("id")
        for id in event.payload["reviews"]
    ]
    assert told == list(ProductReview.objects.order_by("id").values_list("pk", flat=True))


@pytest.mark.parametrize(
    ("status", "verb"),
    [("retired", reviewing.submit), ("retired", reviewing.withdraw), ("draft", reviewing.restore)],
)
def test_what_a_status_does_not_allow_is_refused(status: str, verb: Callable[..., None]) -> None:
    made = make.product(make.merchant(), status=status)
    with pytest.raises(reviewing.BadMove):
        verb(**of(made))
    assert fresh(made).status == status
    assert not history(made)


def test_nothing_is_decided_twice_or_of_what_was_not_read(
    seller: Merchant, operator: reviewing.Actor
) -> None:
    made = make.product(seller)
    seen = fresh(made).version
    products.change(**of(made), changes={"title": "Something else"})
    with pytest.raises(reviewing.ChangedMeanwhile):
        reviewing.approve(**of(made), actor=operator, seen=seen)
    reviewing.approve(**of(made), actor=operator, seen=fresh(made).version)
    with pytest.raises(reviewing.BadMove):
        reviewing.send_back(**of(made), actor=operator, reason="Late")
    with pytest.raises(reviewing.ReasonMissing):
        reviewing.send_back(**of(made), actor=operator, reason=" ")


def test_what_changes_on_sale_stays_on_sale_and_waits_to_be_looked_at(
    seller: Merchant, operator: reviewing.Actor
) -> None:
    made = make.product(seller)
    reviewing.approve(**of(made), actor=operator)
    products.change(**of(made), changes={"title": fresh(made).title})
    assert fresh(made).waits_since is None
    products.change(**of(made), changes={"title": "Something else"})
    products.change(**{**of(made), "now": after(9)}, changes={"title": "And again"})
    assert (fresh(made).status, fresh(made).waits_since) == ("approved", NOW)
    reviewing.approve(**of(made), actor=operator)
    assert history(made)[-1] == ("approved", "approved", "operator", "")
    products.add_variant(**of(made), new=products.NewVariant())
    assert fresh(made).waits_since == NOW
    other = make.product(make.merchant())
    products.change(**of(other), changes={"title": "Something else"})
    assert fresh(other).waits_since is None


def test_a_change_of_status_goes_through_the_same_door(seller: Merchant) -> None:
    made = make.product(seller)
    assert (made.status, history(made)) == ("in_review", [("draft", "in_review", "merchant", "")])
    for status, becomes in (("approved", "in_review"), ("draft", "draft"), ("retired", "retired")):
        products.change(**of(made), changes={"status": status})
        assert fresh(made).status == becomes
    products.change(**of(made), changes={"status": "approved"})
    assert fresh(made).status == "in_review"


def test_a_feed_asks_for_sale_and_changes_nothing_again(seller: Merchant, operator: reviewing.Actor) -> None:
    feed = make.feed(make.row("soap", title="Soap", price="5", status="active"))
    for count in ((1, 0, 0), (0, 0, 1)):
        job = make.import_of(seller, feed) if count[0] else make.import_of(seller, feed, filename="again.csv")
        imports.run(import_id=job.pk, now=NOW)
        job.refresh_from_db()
        done = (job.products_created, job.products_updated, job.products_unchanged)
        assert done in (count, (0, 0, 0))
    made = Product.objects.get()
    assert (made.status, len(history(made))) == ("in_review", 1)
    reviewing.approve(**of(made), actor=operator)
    changed = make.feed(make.row("soap", title="Better soap", price="5", status="active"))
    imports.run(import_id=make.import_of(seller, changed).pk, now=NOW)
    assert (fresh(made).status, fresh(made).waits_since) == ("approved", NOW)
    gone = make.feed(make.row("soap", title="Better soap", price="5", status="archived"))
    imports.run(import_id=make.import_of(seller, gone).pk, now=NOW)
    assert (fresh(made).status, fresh(made).waits_since) == ("retired", None)


def test_a_variant_that_a_feed_calls_otherwise_is_looked_at(
    seller: Merchant, operator: reviewing.Actor
) -> None:
    def sent(shade: str, sku: str, quantity: str) -> None:
        row = make.row("soap", title="Soap", price="5", name="Shade", value=shade, sku=sku, quantity=quantity)
        imports.run(import_id=make.import_of(seller, make.feed(row)).pk, now=NOW)

    sent("Red", "A", "1")
    made = Product.objects.get()
    reviewing.approve(**of(made), actor=operator)
    sent("Red", "B", "2")
    assert fresh(made).waits_since is None
    sent("Heals", "B", "2")
    assert (made.variants.get().title, fresh(made).waits_since) == ("Heals", NOW)


@pytest.mark.parametrize("form", ["jsonl", "shopify_csv"])
@pytest.mark.parametrize("approved", [True, False])
def test_an_export_of_what_is_on_sale_or_waits_for_it_imports_back_to_no_change(
    seller: Merchant, operator: reviewing.Actor, form: str, approved: bool
) -> None:
    one = make.variant(seller).product
    if approved:
        reviewing.approve(**of(one), actor=operator)
    before = fresh(one)
    body, _ = written(seller, form)
    assert read(seller, body).products_unchanged == 1
    assert fresh(one).version == before.version


def test_another_merchant_moves_nothing(operator: reviewing.Actor) -> None:
    made, stranger = make.product(make.merchant()), make.merchant()
    for verb in (reviewing.submit, reviewing.withdraw, reviewing.retire, reviewing.restore):
        with pytest.raises(queries.UnknownProduct):
            verb(merchant_id=stranger.pk, product_id=made.pk, now=NOW)
    assert fresh(made).status == "approved"
    with pytest.raises(IntegrityError), transaction.atomic():
        ProductReview.objects.create(
            merchant=stranger, product=made, old="draft", new="approved", by="merchant", at=NOW
        )


@pytest.mark.parametrize(("status", "since"), [("in_review", None), ("draft", NOW), ("retired", NOW)])
def test_the_database_knows_what_waits(status: str, since: Any) -> None:
    made = make.product(make.merchant())
    with pytest.raises(IntegrityError), transaction.atomic():
        Product.objects.filter(pk=made.pk).update(status=status, waits_since=since)


def test_nothing_is_sent_back_without_a_reason_in_the_database() -> None:
    made = make.product(make.merchant())
    with pytest.raises(IntegrityError), transaction.atomic():
        ProductReview.objects.create(
            merchant_id=made.merchant_id, product=made, old="in_review", new="draft", by="operator", at=NOW
        )


def _id(value: object) -> UUID:
    return UUID(str(value))


def test_the_api_moves_and_tells(seller: Merchant, operator: reviewing.Actor) -> None:
    from tests.catalog.api import Api

    api = Api(seller)
    made = api.post("products", {"handle": "soap", "title": "Soap", "status": "approved"})
    assert made.body["status"] == "in_review"
    path = f"products/{made.body['id']}"
    assert api.post(f"{path}/withdraw").body["status"] == "draft"
    assert api.post(f"{path}/submit").body["status"] == "in_review"
    row = Product.objects.get(pk=_id(made.body["id"]))
    reviewing.send_back(**of(row), reason="Blurred.", actor=operator)
    assert api.post(f"{path}/restore").code == "PRODUCT_STATE"
    assert api.post(f"{path}/retire", {"reason": "Enough"}).body["status"] == "retired"
    assert api.post(f"{path}/retire").body["status"] == "retired"
    assert api.post(f"{path}/submit").code == "PRODUCT_STATE"
    assert api.post(f"{path}/restore").body["status"] == "in_review"
    said = api.get(f"{path}/reviews?page_size=3").body
    assert [(one["was"], one["status"], one["by"], one["reason"]) for one in said["results"]] == [
        ("retired", "in_review", "merchant", ""),
        ("draft", "retired", "merchant", "Enough"),
        ("in_review", "draft", "operator", "Blurred."),
    ]
    assert len(api.get(said["next"]).body["results"]) == 3
    assert orjson.dumps(said).count(b"ops@example.com") == 0
