"""Pictures that wait: fetched from a real server, kept once, tried again, removed when nobody has them."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import IntegrityError, connection, transaction
from django.test import Client as Browser

from catalog import looking, products
from catalog.feeds import intake
from catalog.feeds.drafts import ImageDraft, ProductDraft
from catalog.media import images, pictures, shelved
from catalog.models import ImageChunk, Picture, Product, ProductImage
from catalog.shelf import movements
from commerce import clock
from commerce.models import Merchant
from commerce.outside.fetching import Client
from tests.catalog import make
from tests.catalog.photos import picture, shot
from tests.commerce.outside.server import Page, Site, serving

pytestmark = pytest.mark.django_db

HERE = Client(loopback=True, seconds=10)


@pytest.fixture(autouse=True)
def own_files(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as ours:
        ours.pages["/a.jpg"] = Page(shot(), headers={"Content-Type": "text/html"})
        yield ours


def named(*urls: str, seller: Any = None) -> Product:
    return make.product(seller or make.merchant(), images=[images.Image(url) for url in urls])


def look(*, by: Client = HERE) -> int:
    claimed = pictures.claim(limit=10, now=clock.database_now())
    for each in claimed:
        pictures.take(each, clock=clock.database_now, by=by)
    return len(claimed)


def files() -> list[str]:
    from pathlib import Path

    root = Path(default_storage.path(""))
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_a_named_picture_is_fetched_and_shown(site: Site) -> None:
    product = named(site.url("/a.jpg"))
    assert shelved.first([product.pk]) == {product.pk: site.url("/a.jpg")}

    look()

    image = product.images.get()
    assert (image.state, image.code, image.url) == ("ready", "", site.url("/a.jpg"))
    assert image.picture is not None
    assert image.picture.renditions == [[400, 800], [320, 640]]
    assert shelved.first([product.pk])[product.pk].startswith("/media/pictures/")
    answer = Browser().get(shelved.first([product.pk])[product.pk])
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/webp")
    assert look() == 0


def test_our_files_are_kept_for_ever_and_taken_for_nothing_else(site: Site) -> None:
    product = named(site.url("/a.jpg"))
    look()

    answer = Browser().get(shelved.first([product.pk])[product.pk])

    assert answer["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    again = Browser().get(shelved.first([product.pk])[product.pk], headers={"If-None-Match": answer["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path",
    [
        "../settings.py",
        "pictures/../../secret",
        "%2e%2e/secret",
        "pictures/x.webp",
        "secret",
        "pictures//etc/passwd",
    ],
)
def test_nothing_else_is_given_out(path: str, settings: Any) -> None:
    (settings.MEDIA_ROOT / "secret").write_bytes(b"secret")

    answer = Browser().get(f"/media/{path}")

    assert answer.status_code == 404
    assert b"secret" not in answer.content


def test_the_same_bytes_are_kept_once_for_a_merchant_and_apart_for_another(site: Site) -> None:
    site.pages["/b.jpg"] = site.pages["/a.jpg"]
    seller = make.merchant()
    named(site.url("/a.jpg"), site.url("/b.jpg"), seller=seller)
    named(site.url("/a.jpg"))
    for _ in range(2):
        look()

    assert set(ProductImage.objects.values_list("state", flat=True)) == {"ready"}
    assert Picture.objects.filter(merchant=seller).count() == 1
    assert Picture.objects.count() == 2
    assert len(files()) == 4


def test_one_cannot_have_the_picture_of_another_merchant(site: Site) -> None:
    mine, theirs = named(site.url("/a.jpg")), named(site.url("/a.jpg"))
    look()
    other = theirs.images.get().picture

    with pytest.raises(IntegrityError, match="same_merchant"), transaction.atomic():
        mine.images.update(picture=other)


@pytest.mark.parametrize(
    ("page", "code"),
    [
        (Page(b"<html>no</html>", headers={"Content-Type": "image/jpeg"}), "NOT_AN_IMAGE"),
        (Page(picture("PNG", (10_000, 10_000), "1")), "TOO_MANY_PIXELS"),
        (Page(status=404), "REFUSED"),
        (Page(status=302, headers={"Location": "http://169.254.169.254/latest/meta-data"}), "NOT_PUBLIC"),
        (Page(bytes(20_000_001)), "TOO_LARGE"),
        (Page(b""), "EMPTY"),
    ],
)
def test_what_cannot_be_had_says_why_and_is_not_tried_again(site: Site, page: Page, code: str) -> None:
    site.pages["/x"] = page
    product = named(site.url("/x"))

    look()

    image = product.images.get()
    assert (image.state, image.code, image.picture) == ("failed", code, None)
    assert image.reason
    assert shelved.first([product.pk]) == {product.pk: site.url("/x")}
    assert look() == 0
    assert not files()


def test_what_may_pass_is_tried_again_later_and_given_up_in_the_end(site: Site) -> None:
    site.pages["/x"] = Page(status=503)
    product = named(site.url("/x"))

    image = product.images.get()
    for tries in range(1, pictures.MOST_TRIES + 1):
        assert look() == 1
        image = product.images.get()
        assert (image.tries, image.code) == (tries, "REFUSED")
        assert look() == 0, "not before it is due"
        ProductImage.objects.update(due_at=clock.database_now())

    assert image.state == "failed"
    images.retry(
        merchant_id=product.merchant_id, product_id=product.pk, image_id=image.pk, now=clock.database_now()
    )
    site.pages["/x"] = Page(picture())
    look()
    assert product.images.get().state == "ready"


def test_a_name_that_stands_for_this_machine_is_not_asked(site: Site) -> None:
    product = named("http://pictures.example.com/a.jpg")

    look(by=Client(resolver=lambda host, port: ["127.0.0.1"]))

    assert product.images.get().code == "NOT_PUBLIC"
    assert not site.asked


def test_a_worker_that_was_killed_leaves_it_to_the_next_when_its_lease_is_over(site: Site) -> None:
    product = named(site.url("/a.jpg"))
    [lost] = pictures.claim(limit=10, now=clock.database_now())

    assert look() == 0
    ProductImage.objects.update(due_at=clock.database_now())
    look()
    ready = product.images.get()
    assert (ready.state, ready.tries) == ("ready", 2)

    site.pages["/a.jpg"] = Page(status=404)
    pictures.take(lost, clock=clock.database_now, by=HERE)
    assert product.images.get().state == "ready", "who comes back late writes nothing"


def test_one_that_ends_every_worker_is_given_up(site: Site) -> None:
    product = named(site.url("/a.jpg"))
    ProductImage.objects.update(tries=pictures.MOST_TRIES)

    look()

    assert (product.images.get().code, site.asked) == ("GIVEN_UP", [])


def test_nobody_s_many_pictures_are_before_everybody_else_s(site: Site) -> None:
    many = named(*(site.url(f"/{n}.jpg") for n in range(9)))
    one = named(site.url("/a.jpg"))

    claimed = pictures.claim(limit=10, now=clock.database_now())

    assert sorted(each.merchant_id == many.merchant_id for each in claimed) == [False, True, True]
    assert one.merchant_id in {each.merchant_id for each in claimed}


def test_pictures_of_a_merchant_who_is_not_active_wait(site: Site) -> None:
    product = named(site.url("/a.jpg"))
    Merchant.objects.update(is_active=False)
    assert (look(), site.asked) == (0, [])

    Merchant.objects.filter(pk=product.merchant_id).update(is_active=True)
    assert look() == 1


@pytest.mark.django_db(transaction=True)
def test_what_a_feed_names_is_fetched_and_changes_no_version(site: Site) -> None:
    product = named()
    draft = ProductDraft(line=2, handle=product.handle, images=[ImageDraft(site.url("/a.jpg"), "A")])
    with transaction.atomic():
        intake.write(
            merchant_id=product.merchant_id,
            currency="EUR",
            drafts=[draft],
            note="",
            now=make.NOW,
            by=movements.Who(),
        )
    before = Product.objects.get(pk=product.pk)

    look()

    after = Product.objects.get(pk=product.pk)
    assert after.images.get().state == "ready"
    assert (after.version, after.updated_at) == (before.version, before.updated_at)
    image = after.images.get()
    images.change(
        merchant_id=after.merchant_id,
        product_id=after.pk,
        image_id=image.pk,
        alt="B",
        position=None,
        now=make.NOW,
    )
    assert Product.objects.get(pk=product.pk).version == before.version + 1


def test_naming_the_pictures_again_keeps_what_we_have_of_them(site: Site) -> None:
    site.pages["/b.jpg"] = Page(picture())
    product = named(site.url("/a.jpg"), site.url("/b.jpg"))
    look()
    kept = {image.url: image.pk for image in product.images.all()}

    again = [images.Image(site.url("/b.jpg"), "B"), images.Image(site.url("/a.jpg"))]
    products.change(
        merchant_id=product.merchant_id, product_id=product.pk, changes={}, images=again, now=make.NOW
    )

    rows = list(product.images.order_by("position"))
    assert [(row.pk, row.state, row.alt) for row in rows] == [
        (kept[site.url("/b.jpg")], "ready", "B"),
        (kept[site.url("/a.jpg")], "ready", ""),
    ]


def test_files_that_no_product_has_go_a_day_later(site: Site) -> None:
    product = named(site.url("/a.jpg"))
    look()
    now = clock.database_now() + timedelta(hours=2)
    assert pictures.sweep(now=now) == 0
    image = product.images.get()
    images.remove(merchant_id=product.merchant_id, product_id=product.pk, image_id=image.pk, now=make.NOW)

    assert pictures.sweep(now=now) == 0
    assert pictures.sweep(now=now + timedelta(hours=23)) == 0
    assert files()
    assert pictures.sweep(now=now + timedelta(hours=25)) == 1
    assert not files()
    assert not Picture.objects.exists()


def test_files_that_are_had_again_meanwhile_stay(site: Site) -> None:
    product = named(site.url("/a.jpg"))
    look()
    now = clock.database_now() + timedelta(hours=2)
    products.change(merchant_id=product.merchant_id, product_id=product.pk, changes={}, images=[], now=now)
    pictures.sweep(now=now)
    products.change(
        merchant_id=product.merchant_id,
        product_id=product.pk,
        changes={},
        images=[images.Image(site.url("/a.jpg"))],
        now=now,
    )
    look()

    assert pictures.sweep(now=now + timedelta(hours=25)) == 0
    assert files()


def test_files_that_are_lost_are_made_anew_with_the_next_that_has_their_bytes(site: Site) -> None:
    named(site.url("/a.jpg"), seller=(seller := make.merchant()))
    look()
    for name in files():
        default_storage.delete(name)

    named(site.url("/a.jpg"), seller=seller)
    look()

    assert len(files()) == 2


def test_nobody_else_opens_a_picture_of_these_bytes_meanwhile(site: Site) -> None:
    """The claim is the guard: without it the sweep could remove what is being written."""
    from psycopg2 import connect

    product = named(site.url("/a.jpg"))
    sha256 = __import__("hashlib").sha256(shot()).hexdigest()
    said = connection.get_connection_params()
    plain = {name: said[name] for name in ("dbname", "user", "password", "host", "port") if said.get(name)}
    other = connect(**plain)
    try:
        with other.cursor() as cursor:
            key = f"picture {product.merchant_id} {sha256}"
            cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [key])
        look()
        image = product.images.get()
        assert (image.state, image.code) == ("waiting", "BUSY")
    finally:
        other.close()
    ProductImage.objects.update(due_at=clock.database_now())
    look()
    assert product.images.get().state == "ready"


def test_the_task_takes_all_that_is_due(site: Site, settings: Any) -> None:
    settings.WEBHOOK_ALLOW_LOOPBACK = True
    looking.client.cache_clear()
    named(*(site.url(f"/{n}") for n in range(5)))

    assert looking.look(seconds=20) == 5
    looking.client.cache_clear()
    assert set(ProductImage.objects.values_list("code", flat=True)) == {"REFUSED"}
    assert not ImageChunk.objects.exists()
