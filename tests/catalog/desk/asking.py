"""Pages of the merchant admin, as somebody who works for a merchant asks for them and sends their forms."""

from __future__ import annotations

from typing import Any

from django.test import Client

from commerce.models import Merchant


def text(client: Client, address: str) -> str:
    answer = client.get(f"/merchant/{address}")
    assert answer.status_code == 200, address
    return " ".join(answer.content.decode().split())


def send(client: Client, merchant: Merchant, address: str, **form: Any) -> Any:
    return client.post(f"/merchant/{address}", {"merchant": str(merchant.pk), **form}, follow=True)


def said(answer: Any) -> str:
    return " ".join(answer.content.decode().split())
