import threading
from datetime import datetime
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
        entry = LedgerTransaction.objects.create(kind="raw", ref=str(uuid4()), legs=1)
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


# --- kept as it was posted ---

ADD_LATER = """
    INSERT INTO commerce_posting (transaction_id, account, amount, currency)
    SELECT id, account, amount, 'EUR' FROM commerce_ledgertransaction,
           (VALUES ('merchant:a', -7), ('merchant:b', 7)) AS late (account, amount)
"""


def _posted() -> None:
    ledger.post(kind="capture", ref="p1", postings=[("provider", eur(100)), ("merchant:a", eur(-100))])


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize("table", ["commerce_posting", "commerce_ledgertransaction"])
def test_the_books_are_not_emptied(table: str) -> None:
    _posted()
    with pytest.raises(IntegrityError, match="append-only"):
        _execute(f"TRUNCATE {table} CASCADE")
    assert ledger.balance("provider", "EUR") == eur(100)


def test_nothing_is_added_to_what_was_posted_even_if_it_balances() -> None:
    _posted()
    with pytest.raises(IntegrityError, match="has 4 postings and announced 2"):
        _execute(ADD_LATER)
    assert ledger.balance("merchant:b", "EUR") == eur(0)


def test_without_its_trigger_postings_could_be_added_later() -> None:
    _posted()
    _execute("ALTER TABLE commerce_posting DISABLE TRIGGER ledger_sealed")
    try:
        _execute(ADD_LATER)
    finally:
        _execute("ALTER TABLE commerce_posting ENABLE TRIGGER ledger_sealed")
    assert ledger.balance("merchant:b", "EUR") == eur(7)


@pytest.mark.parametrize("table", ["commerce_posting", "commerce_ledgertransaction"])
def test_without_their_triggers_the_books_could_be_emptied(table: str) -> None:
    _posted()
    _execute("ALTER TABLE commerce_posting DISABLE TRIGGER ledger_kept")
    _execute("ALTER TABLE commerce_ledgertransaction DISABLE TRIGGER ledger_kept")
    try:
        _execute(f"TRUNCATE {table} CASCADE")
    finally:
        _execute("ALTER TABLE commerce_posting ENABLE TRIGGER ledger_kept")
        _execute("ALTER TABLE commerce_ledgertransaction ENABLE TRIGGER ledger_kept")
    assert ledger.balance("provider", "EUR") == eur(0)


def test_a_transaction_without_postings_is_refused() -> None:
    with pytest.raises(IntegrityError, match="has 0 postings"):
        LedgerTransaction.objects.create(kind="raw", ref="empty")


def test_nor_may_it_announce_that_it_has_none() -> None:
    with pytest.raises(IntegrityError, match="ledger_of_something"):
        LedgerTransaction.objects.create(kind="raw", ref="empty", legs=0)


def test_without_its_trigger_a_transaction_could_be_left_empty() -> None:
    _execute("ALTER TABLE commerce_ledgertransaction DISABLE TRIGGER ledger_filled")
    try:
        LedgerTransaction.objects.create(kind="raw", ref="empty")
    finally:
        _execute("ALTER TABLE commerce_ledgertransaction ENABLE TRIGGER ledger_filled")

    postings = [("provider", eur(100)), ("merchant:a", eur(-100))]
    assert ledger.post(kind="raw", ref="empty", postings=postings) is None, "its name is taken by nothing"


def test_without_its_trigger_what_was_posted_could_be_changed() -> None:
    _posted()
    _execute("ALTER TABLE commerce_posting DISABLE TRIGGER ledger_append_only")
    try:
        _execute("DELETE FROM commerce_posting")
    finally:
        _execute("ALTER TABLE commerce_posting ENABLE TRIGGER ledger_append_only")
    assert ledger.balance("provider", "EUR") == eur(0)


def _insert_two_currencies() -> None:
    with transaction.atomic():
        head = LedgerTransaction.objects.create(kind="raw", ref="mixed", legs=2)
        Posting.objects.create(transaction=head, account="provider", amount=1, currency="EUR")
        Posting.objects.create(transaction=head, account="merchant:a", amount=-1, currency="USD")


def test_currencies_do_not_balance_each_other() -> None:
    with pytest.raises(IntegrityError, match="sum to zero"):
        _insert_two_currencies()


# --- read ---


def _moment(ref: str) -> datetime:
    return LedgerTransaction.objects.get(ref=ref).posted_at


def test_a_statement_opens_where_the_last_one_closed() -> None:
    for number, amount in enumerate((100, 40, 7)):
        ledger.post(
            kind="sale", ref=f"p{number}", postings=[("provider", eur(amount)), ("merchant:a", eur(-amount))]
        )
    ledger.post(kind="sale", ref="usd", postings=[("x", Money(5, "USD")), ("merchant:a", Money(-5, "USD"))])
    middle, end = _moment("p1"), _moment("p2")

    first = ledger.statement(account="merchant:a", currency="EUR", since=_moment("p0"), until=middle)
    second = ledger.statement(account="merchant:a", currency="EUR", since=middle, until=end)

    assert (first.opening, first.closing, [each.ref for each in first.entries]) == (0, -100, ["p0"])
    assert (second.opening, second.closing) == (-100, -140)
    assert [(each.ref, each.amount, each.balance) for each in second.entries] == [("p1", -40, -140)]
    assert ledger.balance("merchant:a", "EUR", at=middle) == eur(-140)
    assert ledger.currencies("merchant:a") == ["EUR", "USD"]


def test_the_trial_balance_sums_to_zero_in_each_currency_at_any_time() -> None:
    ledger.post(kind="capture", ref="1", postings=[("provider", eur(100)), ("clearing:1", eur(-100))])
    ledger.post(
        kind="sale",
        ref="1",
        postings=[("clearing:1", eur(100)), ("merchant:a", eur(-90)), ("platform:fees", eur(-10))],
    )
    ledger.post(kind="capture", ref="2", postings=[("provider", eur(50)), ("clearing:2", eur(-50))])
    ledger.post(kind="x", ref="3", postings=[("provider", Money(9, "JPY")), ("merchant:b", Money(-9, "JPY"))])

    rows = {(row.kind, row.currency): row for row in ledger.trial_balance()}

    assert rows["clearing", "EUR"] == ledger.Total("clearing", "EUR", 2, 100, 150, 1)
    assert rows["platform:fees", "EUR"].balance == -10
    assert rows["merchant", "JPY"].balance == -9
    for currency in ("EUR", "JPY"):
        assert sum(row.balance for row in rows.values() if row.currency == currency) == 0
    before = ledger.trial_balance(at=LedgerTransaction.objects.order_by("posted_at")[0].posted_at)
    assert {(row.kind, row.balance) for row in before} == {("provider", 100), ("clearing", -100)}
    ((account, amount, _since),) = ledger.standing_open("clearing:", limit=5)
    assert (account, amount) == ("clearing:2", eur(-50))
