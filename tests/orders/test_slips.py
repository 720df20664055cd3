"""Packing slips, read back from the PDF."""

import io
from typing import Any

import pytest
from pypdf import PdfReader

from commerce import ids
from commerce.models import User
from orders import fulfilment, queries, slips
from orders.models import Order, OrderLine, Shipment
from orders.settling import payments
from tests.catalog.api import Api
from tests.orders import make
from tests.orders.make import NOW, after

pytestmark = pytest.mark.django_db

ROOT = "/api/v1/"


def read(pdf: bytes) -> str:
    """The text of all pages, with single blanks."""
    assert pdf.startswith(b"%PDF-")
    return " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages).split())


def sold(*quantities: int, by: User | None = None, of: Any = None, **address: str) -> Order:
    seller, buyer = of or make.merchant("Atelier Sol"), by or make.buyer()
    if address:
        buyer.addresses.update(**address)
    goods = [make.variant(amount=1234, stocked=50, seller=seller) for _ in quantities]
    purchase = make.basket(*zip(goods, quantities, strict=True), by=buyer).go()
    payments.apply(intent=make.said(make.sent(purchase), "succeeded"), now=after(2))
    return Order.objects.get(purchase=purchase)


def pack(order: Order, *units: int) -> Shipment:
    lines = OrderLine.objects.filter(order=order).order_by("id")
    return fulfilment.send(
        merchant_id=order.merchant_id,
        order_ids=[],
        lines=[fulfilment.Packed(line.id, n) for line, n in zip(lines, units, strict=True) if n],
        label=fulfilment.Label("DHL", "JJD0001"),
        now=after(9),
    )


def of(order: Order) -> str:
    return read(slips.of_order(merchant_id=order.merchant_id, order_id=order.id))


def test_a_slip_says_who_what_and_where_to_and_no_price() -> None:
    order = sold(2, 1)
    fulfilment.acknowledge(
        merchant_id=order.merchant_id, order_id=order.id, reference="SO-2030-7", now=after(5)
    )

    text = of(order)

    for word in ("Atelier Sol", "Noa", "Lindenweg 4", "28195 Bremen", "DE", "SO-2030-7", str(order.id)):
        assert word in text
    for line in OrderLine.objects.filter(order=order):
        assert line.sku in text and line.title in text
    assert "12.34" not in text and "EUR" not in text and "1234" not in text


def test_a_parcels_slip_says_what_is_in_it_and_what_follows() -> None:
    order = sold(5, 2, 1)
    first = pack(order, 2, 2, 0)
    skus = list(OrderLine.objects.filter(order=order).order_by("id").values_list("sku", flat=True))

    text = read(slips.of_shipment(merchant_id=order.merchant_id, shipment_id=first.id))
    assert "DHL JJD0001" in text
    for sku, numbers in zip(skus, ("5 2 – 3", "2 2 – –", "1 – – 1"), strict=True):
        assert f"{sku} Velvet lipstick (Red) {numbers}" in text
    second = pack(order, 3, 0, 0)
    text = read(slips.of_shipment(merchant_id=order.merchant_id, shipment_id=second.id))
    assert f"{skus[0]} Velvet lipstick (Red) 5 3 2 –" in text
    # And of the order what is still to be packed.
    text = of(order)
    assert f"{skus[2]} Velvet lipstick (Red) 1 1 – –" in text
    assert f"{skus[0]} Velvet lipstick (Red) 5 – 5 –" in text


def test_what_was_given_back_before_it_went_out_is_not_on_it() -> None:
    order = sold(3)
    OrderLine.objects.filter(order=order).update(dropped_quantity=1)
    assert "(Red) 2 2 – –" in of(order)


def test_a_parcel_of_several_orders_has_them_all() -> None:
    ada, seller = make.buyer("Ada"), make.merchant()
    one, two = sold(1, by=ada, of=seller), sold(2, by=ada, of=seller)
    parcel = fulfilment.send(
        merchant_id=seller.id,
        order_ids=[one.id, two.id],
        lines=[],
        label=fulfilment.Label("DHL"),
        now=after(9),
    )
    text = read(slips.of_shipment(merchant_id=seller.id, shipment_id=parcel.id))
    assert f"Order {one.id}" in text and f"Order {two.id}" in text


@pytest.mark.parametrize(
    "name",
    [
        "Zoë Müller-Łukasiewicz",
        "Ελένη Παπαδοπούλου",
        "Наталья Щербакова",
        "王小明",
        "山田はなこ",
        "김민서",
        "Mira 王 & <b>Söhne</b>",
    ],
)
def test_names_are_written_in_their_letters(name: str) -> None:
    text = of(sold(1, name=name))
    assert name.replace(" ", "") in text.replace(" ", "")


def test_letters_that_no_font_has_are_question_marks_and_controls_are_nothing() -> None:
    assert "A?B" in of(sold(1, name="A\U0001f9e1B"))
    assert "A B" in of(sold(1, name="A\x07B"))


def test_two_hundred_lines_and_long_addresses_go_over_pages_with_their_heads() -> None:
    packed = [
        slips.Packed(f"SKU-{n:04d}-" + "X" * 40, "very " * 12 + f"long {n}", n, n, 0, 0) for n in range(200)
    ]
    contact = {
        "name": "N" * 120,
        "line1": "Straße " * 28,
        "line2": "W" * 200,
        "postal_code": "28195",
        "city": "C" * 120,
        "country": "DE",
    }
    slip = slips.Slip("M" * 80, str(ids.new()), "DHL 1", contact, [slips.Section(ids.new(), "", NOW, packed)])

    pages = [page.extract_text() for page in PdfReader(io.BytesIO(slips.draw(slip))).pages]

    assert len(pages) > 5
    assert all("Ordered" in page and f"Page {n}" in page for n, page in enumerate(pages, 1))
    whole = "".join("".join(pages).split())
    assert all(f"long{n}" in whole for n in range(200))
    assert whole.count("N") >= 120 and whole.count("W") >= 200


def test_of_an_erased_contact_a_slip_says_so_and_of_a_cancelled_order_there_is_none() -> None:
    order = sold(1)
    Order.objects.update(contact_erased_at=NOW)
    assert "The address is erased." in of(order)
    Order.objects.update(status="cancelled")
    with pytest.raises(fulfilment.NotPaid):
        of(order)


def test_a_parcel_that_was_taken_back_while_it_was_read_has_no_slip() -> None:
    empty = Shipment.objects.create(merchant=make.variant(stocked=1).merchant, carrier="DHL", shipped_at=NOW)
    with pytest.raises(queries.UnknownShipment):
        slips.of_shipment(merchant_id=empty.merchant_id, shipment_id=empty.pk)


def test_slips_come_over_http_to_their_merchant_alone() -> None:
    order, other = sold(2), sold(1)
    parcel = pack(order, 1)
    api, stranger = Api(order.merchant), Api(other.merchant)
    for path in (f"orders/{order.id}", f"shipments/{parcel.id}"):
        url = f"{ROOT}{path}/packing-slip.pdf"
        reply: Any = api.client.get(url, headers={**api.headers, "Accept": "application/pdf"})
        assert (reply.status_code, reply.headers["Content-Type"]) == (200, "application/pdf")
        assert str(order.id) in read(reply.content)
        assert stranger.get(url).code == "NOT_FOUND"
