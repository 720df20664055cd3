"""Purchases as doors hand them to the till."""

from typing import Any

import pytest

from catalog.models import Variant
from orders.till import asking, others, ringing
from orders.till.asking import Asked
from tests.orders import make
from tests.orders.make import NOW


def asked(basket: make.Basket, **more: Any) -> Asked:
    return asking.ask(
        buyer_id=basket.buyer.id,
        key=basket.key,
        lines=basket.lines,
        expect_total=basket.total,
        card_id=basket.card.id if basket.card else None,
        stream_id=basket.stream.id if basket.stream else None,
        seen=basket.seen,
        **more,
    )


def wants(variant: Variant, quantity: int = 1, **more: Any) -> Asked:
    return asked(make.basket((variant, quantity), **more))


def rung(*batch: Asked, now: Any = NOW, **more: Any) -> list[Any]:
    return ringing.ring_up([asking.Press(each) for each in batch], now=now, **more).outcomes


def kinds(outcomes: list[Any]) -> list[type]:
    return [type(outcome) for outcome in outcomes]


def meet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let tills that want the same run into each other, as if they did not take turns."""
    monkeypatch.setattr(others, "wait", lambda cursor, counted: None)
