"""What the API document says of bodies, held against what the code takes."""

from typing import Any

import pytest
from rest_framework import serializers

from orders.aftersales.shapes import RefundSetSerializer
from orders.serializers.parcels import RelabelSerializer, SendSerializer, ShipSerializer
from orders.tariffs.shapes import ShippingZoneSetSerializer
from tests import openapi
from tests.protocol import draft7

LINE = {"line": "0196a1c0-5d1e-7c4a-9d0a-3f6b8a1c2e00", "quantity": 1}
PARCEL = {"carrier": "Post"}
BACK = {"reason": "Broken"}


def document_takes(name: str, body: Any) -> bool:
    components = openapi.document()["components"]
    schema = {"allOf": [{"$ref": f"#/components/schemas/{name}"}], "components": components}
    return bool(draft7(schema).is_valid(body))


@pytest.mark.parametrize(
    ("shape", "body", "taken"),
    [
        (ShipSerializer, {**PARCEL, "lines": []}, False),
        (ShipSerializer, {**PARCEL, "lines": [LINE]}, True),
        (ShipSerializer, {**PARCEL, "lines": [LINE] * 501}, False),
        (SendSerializer, {**PARCEL, "lines": []}, False),
        (SendSerializer, {**PARCEL, "orders": []}, False),
        (SendSerializer, {**PARCEL, "orders": [LINE["line"]]}, True),
        (RefundSetSerializer, {**BACK, "lines": []}, False),
        (RefundSetSerializer, {**BACK, "lines": [LINE]}, True),
        (RefundSetSerializer, BACK, True),
        (ShippingZoneSetSerializer, {"name": "DE", "rates": []}, False),
    ],
)
def test_the_document_counts_what_is_in_lists_as_the_code_does(
    shape: type[serializers.Serializer[Any]], body: Any, taken: bool
) -> None:
    assert shape(data=body).is_valid() == taken
    assert document_takes(shape.__name__.replace("Serializer", "Request"), body) == taken


@pytest.mark.parametrize(
    ("address", "taken"),
    [
        ("https://dhl.example/1", True),
        ("http://dhl.example:8080?nr=Größe#2", True),
        ("https://påket.example/", True),
        ("", True),
        ("http://", False),
        ("https:dhl.example", False),
        ("ftp://dhl.example/1", False),
        ("javascript:alert(1)", False),
        ("https://ann:secret@dhl.example/", False),
        ("https://dhl.example:x/", False),
        ("https://dhl.example/a b", False),
        ("https://dhl.example/\x00", False),
        ("https://[", False),
        ("https://dhl.example/" + "x" * 500, False),
        (1, False),
        (None, False),
    ],
)
def test_the_document_takes_the_links_that_the_code_takes(address: Any, taken: bool) -> None:
    body = {"tracking_url": address}
    assert RelabelSerializer(data=body).is_valid() == taken
    assert document_takes("PatchedRelabelRequest", body) == taken
