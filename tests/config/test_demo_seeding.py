"""What the demo begins with: whole, the same however often it is seeded, and open to nobody else."""

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib.auth import authenticate
from django.db.models import Sum

from catalog import browsing, preorders
from catalog.feeds import imports
from catalog.media import pictures
from catalog.models import BundlePart, Product, ProductImage, Stock, Variant
from commerce import cards, merchantkeys
from commerce.models import Host, Merchant, User
from commerce.outside import fetching
from config.demo import cast, departments, seeding
from config.demo.notebook import Notebook
from orders.models import CartPolicy, Purchase
from streams import shows
from streams.models import ShowcaseItem, Stream
from streams.offers import references
from tests.stripe_server import StripeServer

pytestmark = pytest.mark.django_db

NOW = datetime(2030, 5, 1, 18, 0, tzinfo=UTC)
BASE = "http://localhost:8000"


def seed(book: Notebook, now: datetime = NOW) -> None:
    """Everything but the way of the feeds through the web process, which the demo's own test goes."""
    seeding.people(book)
    for seller in cast.SELLERS:
        merchant = Merchant.objects.get(slug=seller.slug)
        if not merchant.imports.exists():
            file = io.BytesIO(seeding.feed(seller, BASE))
            job, _ = imports.queue(merchant_id=merchant.id, filename=seller.feed, file=file, now=now)
            imports.run(import_id=job.id, now=now)
    seeding.drawings(BASE)
    seeding.prior_prices(now)
    seeding.specials(now)
    seeding.saved_cards(now)
    seeding.live_show(now)
    departments.sort(now)
    seeding.planned_shows(now)
    seeding.ended_show(now)


def test_the_demo_s_drawings_are_shown_and_never_fetched(stripe_server: StripeServer) -> None:
    seed(Notebook())
    # As a worker leaves them that was quicker, and one that is still at it.
    some = ProductImage.objects.all()
    some.update(state="failed", code="NOT_PUBLIC", reason="No.", tries=1)
    seeding.drawings(BASE)
    late = pictures.Claimed(some[0].pk, some[0].merchant_id, some[0].url, uploaded=False, tries=1)
    pictures.take(late, clock=lambda: NOW, by=fetching.Client(loopback=False, seconds=1))

    assert set(some.values_list("state", "code")) == {("waiting", "")}
    assert pictures.claim(limit=1_000, now=NOW + timedelta(days=10_000)) == []


def test_on_other_ports_the_drawings_are_there_and_none_is_doubled(stripe_server: StripeServer) -> None:
    seed(Notebook())
    some = ProductImage.objects.order_by("product_id", "position")
    before = list(some.values_list("product_id", "url"))
    elsewhere = "http://localhost:9000"
    seller = cast.SELLERS[0]
    merchant = Merchant.objects.get(slug=seller.slug)
    file = io.BytesIO(seeding.feed(seller, elsewhere))
    job, _ = imports.queue(merchant_id=merchant.id, filename=seller.feed, file=file, now=NOW)
    imports.run(import_id=job.id, now=NOW)
    for base in (elsewhere, BASE):  # The first feed is not sent again.
        assert seeding.drawings(base) == len(before)
        assert not some.exclude(url__startswith=base + seeding.PICTURES)
    assert list(some.values_list("product_id", "url")) == before


def rows() -> dict[str, int]:
    """How many rows there are of everything, and how many pieces in stock."""
    counts = {model._meta.label: model._default_manager.count() for model in apps.get_models()}
    return {**counts, "pieces": Stock.objects.aggregate(sum=Sum("available"))["sum"]}


def test_seeding_gives_everybody_what_she_needs_and_again_changes_nothing(
    stripe_server: StripeServer,
) -> None:
    book = Notebook()
    seed(book)

    before, keys = rows(), dict(book.api_keys)
    assert (before["commerce.Merchant"], before["commerce.Host"]) == (2, 3)
    assert before["catalog.Product"] >= 40
    for shopper in cast.SHOPPERS:
        user = User.objects.get(email=shopper.email)
        assert len(cards.of(user.id)) == len(shopper.cards)
        assert user.addresses.filter(is_default=True).count() == 1
    statuses = {
        host.slug: sorted(host.streams.values_list("status", flat=True)) for host in Host.objects.all()
    }
    assert statuses == {"lena": ["live", "scheduled"], "timo": ["scheduled"], "amara": ["ended"]}
    sold = Purchase.objects.filter(stream__status="ended")
    assert sold.count() == sum(count for _, count in cast.SOLD_BEFORE)
    live = Stream.objects.get(status="live")
    assert live.slug == cast.LIVE.slug
    assert live.pins.filter(unpinned_at=None).count() == 1
    shown = {item.product.title: item.product for item in ShowcaseItem.objects.filter(stream=live)}
    assert len(shown) == len(cast.LIVE.showcase)
    for act in cast.ACTS:
        prices = [each.prices.get(valid_to=None).amount for each in shown[act.title].variants.all()]
        assert act.amount < min(prices), act.title
        # There is a price to strike through, proven by records.
        proven = references.lowest(product_id=shown[act.title].id, variant_id=None, currency="EUR", at=NOW)
        assert proven == min(prices), act.title

    bundle, early = shown["Velvet Lipstick Trio"].variants.get(), shown["Winter Scent Duo"].variants.get()
    assert BundlePart.objects.filter(bundle=bundle).count() == len(cast.BUNDLE.parts)
    assert early.release_at is not None
    assert NOW < early.release_at < NOW + preorders.WITHIN
    assert CartPolicy.objects.get().hold_seconds == cast.HOLD_SECONDS

    seed(book)

    assert rows() == before
    assert book.api_keys == keys


def test_all_its_goods_are_found_by_department_and_lips_by_finish(stripe_server: StripeServer) -> None:
    seed(Notebook())

    assert Product.objects.filter(category=None).count() == 0
    assert set(browsing.categories().values_list("code", flat=True)) == {
        code for code, *_ in departments.TREE
    }
    assert [category.code for category in browsing.shelf("lips").above] == ["beauty", "make_up"]
    [finish] = browsing.shelf("make_up").facets
    assert {value for value, _ in finish.values} == set(departments.FINISHES)
    assert departments.sort(NOW) == 0


def test_days_later_with_a_lost_notebook_there_are_new_passwords_and_shows(
    stripe_server: StripeServer,
) -> None:
    first, second, later = Notebook(), Notebook(), NOW + timedelta(days=3)
    seed(first)
    people = rows()["commerce.User"]
    over = Stream.objects.get(status="live")
    shows.end(host_id=over.host_id, stream_id=over.id, now=NOW)

    seed(second, later)

    assert rows()["commerce.User"] == people
    assert authenticate(username=cast.VISITOR.email, password=second.password) is not None
    assert authenticate(username=cast.VISITOR.email, password=first.password) is None
    for slug, key in second.api_keys.items():
        opens = merchantkeys.of_text(key, now=NOW)
        assert opens is not None
        assert opens.key.merchant.slug == slug
        assert merchantkeys.of_text(first.api_keys[slug], now=NOW) is None
    live = Stream.objects.get(status="live")
    assert live.id != over.id
    assert ShowcaseItem.objects.filter(stream=live).count() == len(cast.LIVE.showcase)
    early = Variant.objects.filter(product__handle=cast.PREORDER, release_at__gt=later + timedelta(days=1))
    assert early.exists()
    assert all(stream.starts_at > later for stream in Stream.objects.filter(status="scheduled"))
    assert Stream.objects.filter(status="scheduled").count() == len(cast.PLANNED)


def test_the_notebook_is_kept_for_its_owner_alone(tmp_path: Path) -> None:
    book = Notebook.open(tmp_path)
    book.api_keys["demo-beauty"] = "a key"
    book.save(tmp_path)

    assert (tmp_path / "demo.json").stat().st_mode & 0o777 == 0o600
    assert Notebook.open(tmp_path) == book
    (tmp_path / "demo.json").write_text("torn", encoding="utf-8")
    assert Notebook.open(tmp_path).password != book.password
