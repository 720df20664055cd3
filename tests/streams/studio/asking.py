"""Who presses the control room's buttons, where, and with what."""

from typing import Any

from django.test import Client

from commerce.models import Host
from streams.models import Stream
from tests.streams import make

JSON = "application/json"


def client_of(host: Host) -> Client:
    client = Client()
    client.force_login(host.user)
    return client


def at(stream: Stream, rest: str) -> str:
    return f"/api/v1/studio/shows/{stream.id}/{rest}"


def an_offer(stream: Stream, **more: Any) -> dict[str, Any]:
    return {"item": str(make.item(stream).id), "amount": 999, "quota": 5, "seconds": 60, **more}


def a_coupon(stream: Stream, **more: Any) -> dict[str, Any]:
    merchant = str(make.item(stream).product.merchant_id)
    return {
        "merchant": merchant,
        "code": "MIRA-10",
        "percent_bp": 1000,
        "quota": 5,
        "seconds": 60,
        **more,
    }
