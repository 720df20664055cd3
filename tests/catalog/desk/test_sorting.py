"""A product's category, brand, tags and attributes in the merchant admin."""

from __future__ import annotations

import pytest

from catalog.models import (
    Category,
    CategoryAttribute,
    Product,
    Variant,
)
from tests.catalog.desk.asking import said, send, text
from tests.deskfolk import client_of

pytestmark = pytest.mark.django_db


def test_a_product_is_sorted_and_keeps_its_values_kinds(one: Variant) -> None:
    shop, product = one.merchant, one.product
    mugs = Category.objects.create(code="mugs", name="Mugs")
    for code, kind, more in (
        ("volume", "number", {"unit": "ml", "required": True}),
        ("glazed", "boolean", {}),
        ("shape", "choice", {"choices": ["round", "square"]}),
    ):
        CategoryAttribute.objects.create(category=mugs, code=code, name=code.title(), kind=kind, **more)
    client = client_of(shop)
    here = f"products/{product.pk}/sorting/"
    draft = Product.objects.filter(pk=product.pk)
    draft.update(status="draft")

    send(client, shop, here, category="mugs", vendor="Sol", tags="summer, new, summer")
    assert "asks for more before it can be sold: Volume" in text(client, here)
    form = {"category": "mugs", "vendor": "Sol", "tags": "new", "attr-shape": "round", "attr-glazed": "no"}
    wrong = send(client, shop, here, **form, **{"attr-volume": "much"})
    assert (wrong.status_code, "It is a number, in ml." in said(wrong)) == (400, True)
    send(client, shop, here, **form, **{"attr-volume": "350"}, more="made_in: Lisbon")

    product = draft.get()
    assert (product.vendor, product.tags) == ("Sol", ["new"])
    assert product.attributes == {"volume": 350, "glazed": False, "shape": "round", "made_in": "Lisbon"}
    page = text(client, "categories/")
    assert "Mugs" in page and "Sol" in page and "new" in page
    assert "UNKNOWN" not in said(send(client, shop, here, category="moon"))
    assert draft.get().category == mugs


def test_tags_with_commas_stay_whole_where_nobody_wrote_others(one: Variant) -> None:
    here = f"products/{one.product_id}/sorting/"
    Product.objects.filter(pk=one.product_id).update(tags=["red, or nearly", "new"])
    send(client_of(one.merchant), one.merchant, here, vendor="Sol", tags="red, or nearly, new")
    product = Product.objects.get(pk=one.product_id)
    assert (product.vendor, product.tags) == ("Sol", ["red, or nearly", "new"])


def test_values_of_several_lines_stay_whole_where_nobody_wrote_others(one: Variant) -> None:
    here = f"products/{one.product_id}/sorting/"
    free = {"care": "Wash cold.\nfit: loose", "made_in": "Lisbon"}
    kept = Product.objects.filter(pk=one.product_id)
    kept.update(attributes=free)
    client = client_of(one.merchant)
    page = text(client, here)
    assert "stay as they are: care." in page and "care: Wash" not in page
    send(client, one.merchant, here, vendor="Sol", more="made_in: Porto")
    assert kept.get().attributes == {**free, "made_in": "Porto"}

    mugs = Category.objects.create(code="mugs", name="Mugs")
    CategoryAttribute.objects.create(category=mugs, code="care", name="Care", kind="text")
    kept.update(category=mugs)
    assert "Wash cold. fit: loose</textarea>" in said(client.get(f"/merchant/{here}"))
    form = {"category": "mugs", "more": "made_in: Porto", "attr-care": "Wash cold.\r\nfit: loose"}
    send(client, one.merchant, here, **form)
    assert kept.get().attributes == {**free, "made_in": "Porto"}


def test_saving_the_words_leaves_lines_as_they_were(one: Variant) -> None:
    Product.objects.filter(pk=one.product_id).update(description="a\nb")
    send(
        client_of(one.merchant),
        one.merchant,
        f"products/{one.product_id}/",
        title="Other",
        description="a\r\nb",
    )
    assert Product.objects.get(pk=one.product_id).description == "a\nb"
