"""All that the provider tells of one purchase, in every order and twice: it ends the same way, balanced."""

from itertools import permutations

import pytest
from django.db import transaction

from commerce import gateway, ledger
from commerce.models import Posting
from commerce.money import Money
from orders.models import Payment, Purchase, Refund
from orders.settling import charging, payments, repaying
from tests.orders import make
from tests.orders.make import after

pytestmark = pytest.mark.django_db

PRICE = 1999


class World:
    """A purchase with two attempts: the first was declined, another card was tried."""

    def __init__(self, stocked: int) -> None:
        lipstick = make.variant(stocked=stocked, amount=PRICE)
        self.variant = lipstick
        self.purchase = make.basket((lipstick, 1)).go()
        self.first = make.sent(self.purchase)
        self._hear(self.first, "declined")
        charging.retry(
            purchase_id=self.purchase.id, buyer_id=self.purchase.buyer_id, card_id=None, now=after(3)
        )
        self.second = Payment.objects.get(purchase=self.purchase, number=2)
        Payment.objects.filter(pk=self.second.pk).update(status="sent", sent_at=after(4))
        self.at = 5

    def _hear(self, payment: Payment, status: str) -> None:
        payments.apply(intent=make.said(payment, status), now=after(2))

    def hear(self, word: str) -> None:
        """Take in one event; time goes on."""
        self.at += 1
        now = after(self.at)
        attempt, _, status = word.partition(":")
        if attempt == "refund":
            self._refunded(status)
        else:
            payment = self.first if attempt == "1" else self.second
            payments.apply(intent=make.said(payment, status), now=now)

    def _refunded(self, status: str) -> None:
        """What is told of the refunds that are owed; of what is not owed nothing can be told."""
        for row in Refund.objects.all():
            answer = gateway.RefundResult(
                id=f"re_{row.id.hex}",
                status=status,  # type: ignore[arg-type]
                amount=Money(row.amount, row.currency),
                intent_id=row.payment.provider_id,
                charge_id=row.payment.charge_id,
                failure=None,
                refund_id=row.id,
            )
            repaying.apply(answer=answer, now=after(self.at))

    def ends(self) -> tuple[str, int, int]:
        """The purchase's status, what we keep of the money, and what is still owed to the buyer."""
        self.hear("refund:succeeded")
        kept = ledger.balance(ledger.PROVIDER, "EUR").amount
        owed = ledger.balance(ledger.REFUNDS, "EUR").amount
        return Purchase.objects.get(pk=self.purchase.pk).status, kept, owed


# Each is what the provider may really tell of such a purchase; the end is what every order must come to.
LIVES = {
    "the second card pays": (
        ("1:declined", "2:processing", "2:requires_action", "2:succeeded"),
        ("paid", PRICE, 0),
    ),
    "both are paid": (
        ("1:declined", "1:succeeded", "2:requires_action", "2:succeeded", "refund:pending"),
        ("paid", PRICE, 0),
    ),
    "both are declined": (
        ("1:declined", "2:processing", "2:requires_action", "2:declined", "1:cancelled"),
        ("declined", 0, 0),
    ),
    "declined at the bank, then paid after all": (
        ("1:cancelled", "2:requires_action", "2:declined", "2:succeeded", "refund:succeeded"),
        ("paid", PRICE, 0),
    ),
}


@pytest.mark.parametrize("life", LIVES)
def test_every_order_and_repetition_comes_to_the_same_end(life: str) -> None:
    words, end = LIVES[life]
    world = World(stocked=3)
    wrong: list[object] = []
    for number, order in enumerate(permutations(words)):
        twice = [each for word in order for each in (word, word)]
        # All orders once; each tenth also with every word twice, and all over again.
        for told in (order, twice, (*order, *order)) if number % 10 == 0 else (order,):
            before, world.at = transaction.savepoint(), 5
            for word in told:
                world.hear(word)
            found = world.ends()
            if found != end:
                wrong.append((told, found))
            unbalanced = sum(Posting.objects.values_list("amount", flat=True))
            if unbalanced:
                wrong.append((told, unbalanced))
            transaction.savepoint_rollback(before)
    assert wrong == []


@pytest.mark.parametrize("life", LIVES)
def test_the_audit_is_clean_after_every_order(life: str) -> None:
    words, _ = LIVES[life]
    world = World(stocked=1)
    for order in list(permutations(words))[::12]:
        before, world.at = transaction.savepoint(), 5
        for word in order:
            world.hear(word)
        world.ends()
        assert make.broken() == [], order
        transaction.savepoint_rollback(before)


def test_what_was_told_of_a_refund_stays_whatever_is_told_of_its_charge() -> None:
    world = World(stocked=3)
    world.hear("1:succeeded")
    world.hear("2:succeeded")
    (refund,) = Refund.objects.all()
    assert refund.payment in (world.first, world.second)
    world.hear("refund:failed")
    world.hear("refund:succeeded")
    world.hear("2:succeeded")

    assert Refund.objects.get().status == "failed"
    assert ledger.balance(ledger.REFUNDS, "EUR").amount == -PRICE
    assert ledger.balance(ledger.PROVIDER, "EUR").amount == 2 * PRICE
