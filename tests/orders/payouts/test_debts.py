"""What payees have owed for long is taken back by itself; refused too often, it is for a human to decide."""

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test import Client
from django.urls import reverse

from commerce import ledger
from commerce.models import LedgerTransaction, User
from commerce.money import Money
from orders.models import Discrepancy, Reversal
from orders.payouts import debts, planning, reversing
from orders.reconciling import reconciler
from orders.settling import discrepancies
from tests import books
from tests.orders import make
from tests.orders.selling import COMMISSION, DAY, PRICE, Trade, now
from tests.stripe_server import StripeServer

pytestmark = pytest.mark.django_db


def owing(server: StripeServer) -> Trade:
    """The host was paid her commission, all of it went back to the buyer, and that is long ago."""
    trade = Trade(server)
    order = trade.sell()
    trade.pay(trade.host)
    trade.refund(order, PRICE)
    age(40)
    return trade


@pytest.fixture
def trade(stripe_server: StripeServer) -> Trade:
    return owing(stripe_server)


@pytest.fixture
def someone() -> User:
    return User.objects.create_superuser("ops@example.com", "long enough 1", name="Ops")


def age(days: int) -> None:
    """Let the books be that much older."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        LedgerTransaction.objects.update(posted_at=now(-days * DAY))
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")


def owed(trade: Trade) -> int:
    return ledger.balance(ledger.payable(planning.payee_of(trade.host)), "EUR").amount


def sent(row: Reversal, *, day: float = 0) -> str:
    reversing.send(reversal_id=row.id, now=now(day * DAY))
    row.refresh_from_db()
    return row.status


def refuse(trade: Trade, *, days: list[int]) -> None:
    """Have what is tried on these days refused."""
    for day in days:
        trade.server.fault("balance_insufficient", path="/v1/transfers", times=1)
        (row,) = debts.take_back_all(now=now(day * DAY))
        assert sent(row, day=day) == "failed"


def given_up(trade: Trade) -> Discrepancy:
    refuse(trade, days=[0, 4, 8, 12])
    assert debts.take_back_all(now=now(13 * DAY)) == []
    return Discrepancy.objects.get(resolved_at=None)


def test_by_itself_only_what_nothing_has_netted_for_long(trade: Trade, settings: LazySettings) -> None:
    for days in (0, 29):
        age(days)
        assert debts.take_back_all(now=now()) == []
    age(31)
    settings.TAKE_BACK_AFTER_DAYS = 0
    assert debts.take_back_all(now=now()) == []
    settings.TAKE_BACK_AFTER_DAYS = 30
    assert [row.amount for row in debts.take_back_all(now=now())] == [COMMISSION]


def test_from_an_empty_account_nothing_comes_and_it_is_owed_again_and_tried_anew(trade: Trade) -> None:
    refuse(trade, days=[0])
    assert (Reversal.objects.get().failure, owed(trade)) == ("balance_insufficient", COMMISSION)
    assert make.broken() == []
    age(40)
    assert debts.take_back_all(now=now()) == [], "it was tried a moment ago"
    (again,) = debts.take_back_all(now=now(4 * DAY))
    assert sent(again) == "done"
    assert make.broken() == []


def test_what_is_refused_four_times_is_a_humans_and_never_tried_by_itself_again(trade: Trade) -> None:
    debt = given_up(trade)
    assert (debt.kind, debt.ours, debt.currency) == ("debt", COMMISSION, "EUR")
    assert "refused 4 times, last as balance_insufficient" in debt.what
    for day in (20, 40, 400):
        assert debts.take_back_all(now=now(day * DAY)) == []
    reconciler.reconcile(now=now())
    assert make.broken() == ["no-open-discrepancy"]


def test_control_without_giving_up_it_would_be_tried_for_ever(
    trade: Trade, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(debts, "MOST_REFUSALS", 99)
    refuse(trade, days=[0, 4, 8, 12, 16, 20])
    assert Reversal.objects.filter(status="failed").count() == 6
    assert "refused-reversals-are-told" in make.broken()


def test_tried_again_and_taken_back_the_debt_closes_itself(own_stripe: StripeServer, someone: User) -> None:
    trade = owing(own_stripe)
    debt = given_up(trade)
    assert debts.try_again(discrepancy_id=debt.pk, by_id=someone.id, now=now()) == Money(COMMISSION, "EUR")
    debts.forget(now=now())
    debt.refresh_from_db()
    assert debt.resolved_at is None, "it is under way"
    row = Reversal.objects.latest("id")
    assert (sent(row), row.decided_by) == ("done", someone)
    reconciler.reconcile(now=now(60))
    debt.refresh_from_db()
    assert debt.note == "Nothing is owed any more."
    reconciler.reconcile(now=now(120))
    books.equal(own_stripe.books())
    assert make.broken() == []


def test_resolved_with_a_note_it_is_tried_anew_and_told_anew(trade: Trade, someone: User) -> None:
    debt = given_up(trade)
    discrepancies.resolve(
        discrepancy_id=debt.pk, note="She has filled it.", by_id=someone.id, now=now(13 * DAY)
    )
    refuse(trade, days=[17, 21, 25, 29])
    assert debts.take_back_all(now=now(33 * DAY)) == []
    assert Discrepancy.objects.filter(kind="debt", ours=COMMISSION).count() == 2


def test_written_off_it_is_the_platforms_loss_and_what_is_earned_later_is_paid(
    own_stripe: StripeServer, someone: User
) -> None:
    trade = owing(own_stripe)
    debt = given_up(trade)
    with pytest.raises(discrepancies.NoteRequired):
        debts.write_off(discrepancy_id=debt.pk, note=" ", by_id=someone.id, now=now())
    assert owed(trade) == COMMISSION

    lost = debts.write_off(discrepancy_id=debt.pk, note="She is gone.", by_id=someone.id, now=now())
    assert lost == Money(COMMISSION, "EUR")
    assert (owed(trade), ledger.balance(debts.BAD_DEBTS, "EUR").amount) == (0, COMMISSION)
    with pytest.raises(reversing.NothingOwed):
        debts.write_off(discrepancy_id=debt.pk, note="Twice", by_id=someone.id, now=now())
    assert ledger.balance(debts.BAD_DEBTS, "EUR").amount == COMMISSION
    assert debts.take_back_all(now=now(40 * DAY)) == []

    trade.sell()
    payout = trade.pay(trade.host)
    assert payout is not None and (payout.amount, payout.status) == (COMMISSION, "paid")
    reconciler.reconcile(now=now(60))
    books.equal(own_stripe.books())
    assert make.broken() == []


def test_an_operator_decides_on_the_screen_and_nobody_else(trade: Trade, someone: User) -> None:
    debt = given_up(trade)
    screen = reverse("admin:orders_discrepancy_change", args=[debt.pk])
    there = f"{screen.removesuffix('change/')}write-off/"
    client = Client()
    client.force_login(someone)
    shown = client.get(screen).content.decode()
    assert "Take it back once more" in shown and "Write it off" in shown
    ways = (there, there.replace("write-off", "take-back"))
    for way in ways:
        assert str(trade.stream.host) in client.get(way).content.decode()
    assert screen in client.get(reverse("admin:orders_payout_outlook")).content.decode()
    reader = User.objects.create_user("r@example.com", "long enough 1", name="R", is_staff=True)
    other = Client()
    other.force_login(reader)
    for way in ways:
        assert other.post(way, {"note": "x"}).status_code == 403
    assert owed(trade) == COMMISSION

    answer = client.post(there, {"note": "She is gone."}, follow=True)
    assert "2.00 EUR are written off." in answer.content.decode()
    debt.refresh_from_db()
    assert (debt.resolved_by, debt.note, owed(trade)) == (someone, "She is gone.", 0)
    assert client.post(there, {"note": "Twice"}).status_code == 403
