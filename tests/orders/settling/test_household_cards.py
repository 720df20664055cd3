"""A household's limit holds whichever card pays in the end: the first one may have been declined."""

from typing import Any

import pytest

from commerce.models import Address, Card, User
from orders.models import Purchase
from orders.settling import charging, payments
from orders.till import refusals
from streams.models import Offer, OfferHousehold
from tests.orders import make
from tests.orders.make import after
from tests.orders.waitlist.lining import Drop, drop

pytestmark = pytest.mark.django_db


def lives_at(street: str, *, card: str) -> User:
    buyer = make.buyer()
    Address.objects.filter(user=buyer).update(line1=street)
    Card.objects.filter(user=buyer).update(fingerprint=card)
    return buyer


def another_card(buyer: User, fingerprint: str) -> Card:
    card = make.card(buyer, default=False)
    Card.objects.filter(pk=card.pk).update(fingerprint=fingerprint)
    return card


def declined(made: Drop, buyer: User) -> Purchase:
    purchase = made.buy(buyer)
    payments.apply(intent=make.said(make.sent(purchase), "declined"), now=after(1))
    return Purchase.objects.get(pk=purchase.pk)


def retried(purchase: Purchase, card: Card) -> Purchase:
    return charging.retry(purchase_id=purchase.id, buyer_id=purchase.buyer_id, card_id=card.id, now=after(10))


@pytest.fixture
def made() -> Any:
    return drop(stocked=9, quota=9, per_buyer=3, per_household=1)


def test_a_card_that_has_its_share_pays_no_purchase_that_another_one_was_declined_for(made: Drop) -> None:
    made.buy(lives_at("Lindenweg 4", card="shared"))
    bea = lives_at("Ahornweg 9", card="empty")
    purchase = declined(made, bea)

    with pytest.raises(refusals.HouseholdLimit):
        retried(purchase, another_card(bea, "shared"))

    assert Purchase.objects.get(pk=purchase.pk).status == "declined"
    assert Offer.objects.get(pk=made.offer.pk).left == 8
    assert set(OfferHousehold.objects.values_list("units", flat=True)) == {0, 1}
    assert make.broken() == []


def test_the_card_that_pays_is_the_one_that_has_its_share_then(made: Drop) -> None:
    bea, cleo = lives_at("Ahornweg 9", card="empty"), lives_at("Birkenweg 1", card="full")

    purchase = retried(declined(made, bea), another_card(bea, "full"))

    assert purchase.status == "accepted"
    with pytest.raises(refusals.HouseholdLimit):
        made.buy(cleo)
    assert made.buy(lives_at("Eichenweg 2", card="empty")).status == "accepted"
    assert make.broken() == []

    # And given back it is nobody's share again.
    purchase.payments.filter(number=2).update(status="sent", sent_at=after(10))
    payments.apply(intent=make.said(purchase.payments.get(number=2), "declined"), now=after(11))
    assert made.buy(cleo).status == "accepted"


def test_without_a_limit_no_household_is_counted() -> None:
    made = drop(stocked=9, quota=9, per_buyer=3)
    bea = lives_at("Ahornweg 9", card="empty")

    assert retried(declined(made, bea), another_card(bea, "full")).households == []
    assert not OfferHousehold.objects.exists()
