import threading
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction

from commerce import ledger
from commerce.models import LedgerTransaction, Posting
from commerce.money import Money

pytestmark = pytest.mark.django_db(transaction=True)


def eur(amount: int) -> Money:
    return Money(amount, "EUR")


def test_a_balanced_transaction_is_booked_and_moves_balances() -> None:
    ledger.post(kind="capture", ref="p1", postings=[("provider", eur(100)), ("merchant:a", eur(-100))])

    assert ledger.balance("provider", "EUR") == eur(100)
    assert ledger.balance("merchant:a", "EUR") == eur(-100)
    assert ledger.balance("provider", "USD") == Money(0, "USD")


def test_the_same_reference_and_kind_is_booked_once() -> None:
    postings = [("provider", eur(100)), ("merchant:a", eur(-100))]

    assert ledger.post(kind="capture", ref="p1", postings=postings) is not None
    assert ledger.post(kind="capture", ref="p1", postings=postings) is None

    assert ledger.balance("provider", "EUR") == eur(100)


def test_two_threads_booking_the_same_reference_book_it_once() -> None:
    barrier = threading.Barrier(2)
    booked: list[object] = []

    def book() -> None:
        try:
            with transaction.atomic():
                barrier.wait(5)
                booked.append(
                    ledger.post(kind="sale", ref="p2", postings=[("provider", eur(5)), ("host:h", eur(-5))])
                )
        finally:
            connection.close()

    threads = [threading.Thread(target=book) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert sum(entry is not None for entry in booked) == 1
    assert ledger.balance("provider", "EUR") == eur(5)


def test_unbalanced_postings_are_refused_before_the_database() -> None:
    with pytest.raises(ledger.Unbalanced):
        ledger.post(kind="x", ref="1", postings=[("a", eur(1)), ("b", Money(-1, "USD"))])


def _insert_one_leg() -> None:
    with transaction.atomic():
        entry = LedgerTransaction.objects.create(kind="raw", ref=str(uuid4()))
        Posting.objects.create(transaction=entry, account="provider", amount=1, currency="EUR")


def test_the_database_refuses_an_unbalanced_transaction_at_commit() -> None:
    with pytest.raises(IntegrityError, match="sum to zero"):
        _insert_one_leg()


def test_without_its_trigger_the_database_would_take_one_leg() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE commerce_posting DISABLE TRIGGER ledger_balanced")
        try:
            _insert_one_leg()
        finally:
            cursor.execute("ALTER TABLE commerce_posting ENABLE TRIGGER ledger_balanced")

    assert ledger.balance("provider", "EUR") == eur(1)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE commerce_posting SET amount = amount * 2",
        "DELETE FROM commerce_posting",
        "UPDATE commerce_ledgertransaction SET kind = 'other'",
    ],
)
def test_what_was_posted_is_never_changed(change: str) -> None:
    ledger.post(kind="capture", ref="p1", postings=[("provider", eur(100)), ("merchant:a", eur(-100))])

    with pytest.raises(IntegrityError, match="append-only"), connection.cursor() as cursor:
        cursor.execute(change)
