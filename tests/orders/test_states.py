import pytest
from django.db import models

from orders import states
from orders.models import Commission, Order, Payment, PayoutLeg, Purchase, Return


@pytest.mark.parametrize(
    ("moves", "statuses"),
    [
        (states.PURCHASE, Purchase.Status),
        (states.ORDER, Order.Status),
        (states.PAYMENT, Payment.Status),
        (states.RETURN, Return.Status),
        (states.LEG, PayoutLeg.Status),
        (states.COMMISSION, Commission.Status),
    ],
)
def test_tables_name_every_status_and_no_other(moves: states.Moves, statuses: type) -> None:
    values = {str(status.value) for status in statuses}  # type: ignore[attr-defined]

    assert set(moves) == values
    assert frozenset().union(*moves.values()) <= values


def test_a_paid_purchase_stays_paid() -> None:
    assert states.PURCHASE["paid"] == frozenset()
    assert states.PAYMENT["succeeded"] == frozenset()


def test_captured_money_is_never_lost_to_an_end() -> None:
    for status, following in states.PAYMENT.items():
        if status not in ("succeeded", "returned"):
            assert {"succeeded", "returned"} <= following, status


def test_alive_payments_are_those_the_database_keeps_single() -> None:
    (single,) = [c for c in Payment._meta.constraints if c.name == "payment_one_alive_per_purchase"]
    ended = {str(status) for status in Payment.Status} - states.ALIVE

    assert isinstance(single, models.UniqueConstraint)
    assert single.condition == ~models.Q(status__in=["declined", "cancelled", "returned"])
    assert ended == {"declined", "cancelled", "returned"}
