"""Pictures in the merchant admin."""

from __future__ import annotations

import io

import pytest

from catalog.models import (
    Product,
    ProductImage,
    Variant,
)
from commerce.models import Merchant
from tests.catalog.desk.asking import said, send, text
from tests.catalog.photos import picture
from tests.deskfolk import client_of

pytestmark = pytest.mark.django_db


def test_pictures_are_added_ordered_described_and_removed(one: Variant) -> None:
    shop, product = one.merchant, one.product
    client = client_of(shop)
    here = f"products/{product.pk}/pictures/"
    assert "No picture yet" in text(client, here)
    file = io.BytesIO(picture())
    file.name = "mug.jpg"
    send(client, shop, here, file=file, alt="A mug")
    send(client, shop, here, url="https://shop.example.com/b.jpg")
    assert "The product has this picture." in said(
        send(client, shop, here, url="https://shop.example.com/b.jpg")
    )
    first, second = product.images.order_by("position")
    assert (first.uploaded, first.alt, second.uploaded) == (True, "A mug", False)

    send(client, shop, f"{here}{second.pk}/", verb="place", position="1")
    send(client, shop, f"{here}{second.pk}/", verb="describe", alt="From the side")
    assert [(row.pk, row.alt) for row in product.images.order_by("position")] == [
        (second.pk, "From the side"),
        (first.pk, "A mug"),
    ]
    send(client, shop, f"{here}{first.pk}/", verb="remove")
    assert product.images.get() == second
    assert send(client, shop, f"{here}{second.pk}/", verb="eat").status_code == 404


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({}, "Choose a file, or write an address."),
        ({"url": "ftp://x/y.jpg"}, "has to begin with http"),
        ({"url": "javascript:alert(1)"}, "has to begin with http"),
    ],
)
def test_what_is_no_picture_is_refused_in_the_form(one: Variant, form: dict[str, str], words: str) -> None:
    answer = send(client_of(one.merchant), one.merchant, f"products/{one.product_id}/pictures/", **form)
    assert answer.status_code == 400
    assert words in said(answer)


def test_pictures_that_failed_are_told_of_and_tried_again(one: Variant) -> None:
    shop = one.merchant
    client = client_of(shop)
    row = ProductImage.objects.create(
        merchant=shop,
        product=one.product,
        url="https://shop.example.com/gone.jpg",
        state="failed",
        code="REFUSED",
        reason="The host answered 404.",
    )
    assert "picture could not be had" in text(client, "")
    assert "The host answered 404." in text(client, "pictures/")
    send(client, shop, f"products/{one.product_id}/pictures/{row.pk}/", verb="retry")
    row.refresh_from_db()
    assert (row.state, row.code) == ("waiting", "")
    assert "No picture failed" in text(client, "pictures/")


def test_another_picture_of_reviewed_goods_on_sale_is_looked_at(one: Variant) -> None:
    shop = one.merchant
    Merchant.objects.filter(pk=shop.pk).update(goods_reviewed=True)
    Product.objects.filter(pk=one.product_id).update(status="approved", waits_since=None)
    client = client_of(shop)
    send(client, shop, f"products/{one.product_id}/pictures/", url="https://shop.example.com/b.jpg")
    assert Product.objects.get(pk=one.product_id).waits_since is not None
    assert "Yellowcart looks at what you changed" in text(client, f"products/{one.product_id}/")
