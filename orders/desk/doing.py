"""What the screens of the trade share: who acts, and amounts."""

from typing import Any

from django.http import HttpRequest

from catalog.models import StockMovement
from catalog.shelf.movements import Who
from commerce import errors, money
from commerce.merchantsite import member_of
from commerce.money import Money
from orders.aftersales import refunding
from orders.models import Refund


def actor(request: HttpRequest) -> refunding.Actor:
    """Return who decides."""
    return refunding.Actor(Refund.By.MERCHANT, member_of(request).user_id)


def mover(request: HttpRequest) -> Who:
    """Return who moves stock, as its log names it."""
    return Who(StockMovement.By.MEMBER, str(member_of(request).user)[:150])


def sum_of(amount: int, currency: str) -> dict[str, Any]:
    """Return minor units as templates write them."""
    return Money(amount, currency).as_dict()


def read(text: str, currency: str) -> Money:
    """Return an amount that was written; raises errors.Invalid."""
    try:
        return money.written(text, currency)
    except ValueError as error:
        raise errors.Invalid("Write an amount such as 9.99.") from error
