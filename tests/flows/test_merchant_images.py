"""A merchant's pictures through the API: uploaded, ordered, described, listed, removed."""

import uuid
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.test.client import Client as Browser

from catalog.media import images, pictures
from catalog.models import ImageChunk, Product, ProductImage
from commerce import clock
from commerce.outside.fetching import Client
from tests.catalog import make
from tests.catalog.api import Api, Reply
from tests.catalog.photos import picture, shot

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_files(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def api() -> Api:
    return Api(make.merchant())


@pytest.fixture
def product(api: Api) -> Product:
    return make.product(api.merchant)


def look() -> None:
    for each in pictures.claim(limit=10, now=clock.database_now()):
        pictures.take(each, clock=clock.database_now, by=Client(loopback=True))


def bare(api: Api, product: Product, body: bytes, query: str = "", **options: Any) -> Reply:
    options = {"content_type": "image/jpeg", **options}
    return api.call("POST", f"products/{product.pk}/images{query}", data=body, **options)


def form(api: Api, product: Product, **fields: Any) -> Reply:
    body = encode_multipart(BOUNDARY, fields)
    return api.call("POST", f"products/{product.pk}/images", data=body, content_type=MULTIPART_CONTENT)


def test_an_upload_is_told_of_at_once_and_ready_when_it_was_looked_at(api: Api, product: Product) -> None:
    reply = bare(api, product, shot(), "?alt=On%20its%20side")
    assert (reply.status, reply.body["state"], reply.body["alt"]) == (202, "waiting", "On its side")
    assert (reply.body["files"], reply.body["problem"], reply.body["width"]) == ([], None, None)

    look()

    [shown] = api.get(f"products/{product.pk}").body["images"]
    assert (shown["state"], shown["width"], shown["height"]) == ("ready", 400, 800)
    assert [each["width"] for each in shown["files"]] == [400, 320]
    assert shown["url"] == shown["files"][0]["url"] == reply.body["url"]
    assert api.client.get(shown["files"][1]["url"]).status_code == 200
    assert not ImageChunk.objects.exists()


def test_a_form_says_the_same(api: Api, product: Product) -> None:
    for at, name in enumerate("abc", 1):
        file = SimpleUploadedFile(f"{name}.png", picture("PNG", (10 * at, 10)))
        assert form(api, product, file=file, alt=name, position=1).status == 202

    assert [one["alt"] for one in api.get(f"products/{product.pk}").body["images"]] == ["c", "b", "a"]


def test_the_same_bytes_again_are_the_same_picture(api: Api, product: Product) -> None:
    first = bare(api, product, shot())
    again = bare(api, product, shot())
    assert (again.status, again.body["id"]) == (200, first.body["id"])
    look()
    assert bare(api, product, shot()).body["state"] == "ready"
    other = make.product(api.merchant)
    assert bare(api, other, shot()).status == 202
    look()
    assert ProductImage.objects.filter(state="ready").count() == 2


def test_a_key_is_answered_again_whatever_the_form_s_boundary(api: Api, product: Product) -> None:
    key: dict[str, Any] = {"headers": {"Idempotency-Key": "one"}}
    first = bare(api, product, shot(), **key)
    again = bare(api, product, shot(), **key)
    other = bare(api, product, picture(), **key)

    assert (again.status, again.body["id"]) == (202, first.body["id"])
    assert again.headers["Idempotent-Replayed"] == "true"
    assert other.code == "IDEMPOTENCY_MISMATCH"
    assert product.images.count() == 1


def test_what_is_no_picture_is_told_with_a_reason_and_found_in_the_list(api: Api, product: Product) -> None:
    sent = bare(api, product, b"<html>hello</html>")
    assert sent.status == 202
    bare(api, product, shot())
    look()

    [failed] = api.get("images?state=failed").body["results"]
    assert failed["id"] == sent.body["id"]
    assert failed["problem"]["code"] == "NOT_AN_IMAGE"
    assert failed["problem"]["reason"]
    assert failed["product"] == str(product.pk)
    assert api.post(f"products/{product.pk}/images/{failed['id']}/retry").code == "IMAGE_NOT_KEPT"
    assert len(api.get(f"images?product={product.pk}").body["results"]) == 2
    assert api.get("images?state=gone").status == 400
    assert api.get("images?nonsense=1").status == 400


@pytest.mark.parametrize(
    ("body", "options", "code"),
    [
        (b"", {}, "EMPTY_IMAGE"),
        (bytes(20_000_001), {}, "TOO_LARGE"),
        (b"x", {"query": "?alt=" + "x" * 501}, "BAD_REQUEST"),
        (b"x", {"query": "?position=0"}, "BAD_REQUEST"),
        (b"x", {"query": "?position=first"}, "BAD_REQUEST"),
        (b"x", {"query": "?colour=red"}, "BAD_REQUEST"),
        (b"x", {"content_type": "text/plain"}, "UNSUPPORTED_MEDIA_TYPE"),
    ],
)
def test_bad_uploads_are_refused(api: Api, product: Product, body: bytes, options: Any, code: str) -> None:
    assert bare(api, product, body, **options).code == code
    assert not product.images.exists()


def test_bad_forms_are_refused(api: Api, product: Product) -> None:
    file = SimpleUploadedFile("a.png", picture())
    assert form(api, product, alt="nothing").status == 400
    file.seek(0)
    assert form(api, product, other=file).status == 400
    file.seek(0)
    assert form(api, product, file=file, colour="red").status == 400
    assert not product.images.exists()


def test_a_product_has_so_many_pictures_at_most(
    api: Api, product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "MAX_IMAGES", 1)
    bare(api, product, picture())
    assert bare(api, product, shot()).code == "TOO_MANY_IMAGES"


def test_pictures_are_described_moved_and_removed(api: Api, product: Product) -> None:
    ids = [bare(api, product, picture(size=(n, 9))).body["id"] for n in (1, 2, 3)]
    at = f"products/{product.pk}/images/{ids[2]}"

    moved = api.patch(at, {"position": 1, "alt": "First"})
    assert (moved.status, moved.body["position"], moved.body["alt"]) == (200, 1, "First")
    assert [one["id"] for one in api.get(f"products/{product.pk}").body["images"]] == [
        ids[2],
        ids[0],
        ids[1],
    ]
    assert api.patch(at, {"position": 99}).body["position"] == 3
    assert api.patch(at, {"position": 0}).status == 400
    assert api.patch(at, {"url": "https://x.example"}).status == 400
    assert api.call("DELETE", at).status == 204
    assert api.call("DELETE", at).code == "NOT_FOUND"
    assert api.get(at).code == "NOT_FOUND"


def test_a_picture_that_could_not_be_fetched_is_tried_again_when_asked(api: Api) -> None:
    product = make.product(api.merchant, images=[images.Image("https://10.0.0.1/a.jpg")])
    look()
    image = product.images.get()
    at = f"products/{product.pk}/images/{image.pk}"
    assert api.get(at).body["problem"]["code"] == "NOT_PUBLIC"

    assert api.post(f"{at}/retry").body["state"] == "waiting"
    assert api.post(f"{at}/retry").body["state"] == "waiting"
    assert api.post(f"products/{product.pk}/images/{uuid.uuid4()}/retry").code == "NOT_FOUND"


def test_one_that_waits_for_its_next_try_begins_anew_when_asked(api: Api) -> None:
    product = make.product(api.merchant, images=[images.Image("http://127.0.0.1:1/a.jpg")])
    look()
    at = f"products/{product.pk}/images/{product.images.get().pk}"
    waits = api.get(at).body
    assert (waits["state"], waits["problem"]["code"]) == ("waiting", "CANNOT_CONNECT")
    assert not pictures.claim(limit=10, now=clock.database_now())

    again = api.post(f"{at}/retry").body
    assert (again["state"], again["problem"], again["retry_at"]) == ("waiting", None, None)
    [claimed] = pictures.claim(limit=10, now=clock.database_now())
    assert claimed.tries == 1


def test_shoppers_get_our_file_once_there_is_one(api: Api) -> None:
    product = make.variant(api.merchant).product
    bare(api, product, shot())
    named = images.Image("https://cdn.example.com/2.jpg", "Second")
    images.add(merchant_id=api.merchant.pk, product_id=product.pk, image=named, now=clock.database_now())
    look()
    shop = Browser().get(f"/api/v1/shop/products/{product.pk}").json()
    [ready, waiting] = api.get(f"products/{product.pk}").body["images"]
    assert shop["image"] == shop["images"][0]["url"] == ready["files"][0]["url"]
    assert shop["images"][1] == {"url": waiting["url"], "alt": "Second"}
    [card] = Browser().get(f"/api/v1/shop/products?merchant={api.merchant.slug}").json()["results"]
    assert card["image"] == ready["files"][0]["url"]


def test_control_a_ready_one_is_not(api: Api, product: Product) -> None:
    made = bare(api, product, shot())
    look()
    assert api.post(f"products/{product.pk}/images/{made.body['id']}/retry").code == "IMAGE_READY"
