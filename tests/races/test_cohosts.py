"""Hosts who agree, leave and are invited at the same moment, and while what they sold is booked."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from commerce import clock
from commerce.models import Host
from orders.models import Commission, Payment
from orders.settling import payments
from streams import cohosts
from streams.models import CoHost, Stream
from tests.orders import make as trade
from tests.orders.make import after
from tests.races.test_offers import at_once
from tests.streams import make
from tests.streams.make import NOW

pytestmark = pytest.mark.django_db(transaction=True)


def inviting(show: Stream, guest: Host, share_bp: int) -> Callable[[], Any]:
    return lambda: cohosts.invite(
        host_id=show.host_id, stream_id=show.id, whom=guest.slug, share_bp=share_bp, now=NOW
    )


def meanwhile(act: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    """Start the act in a thread and return both, with what it raised."""
    outcome: list[Any] = []

    def run() -> None:
        try:
            act()
        except Exception as error:
            outcome.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread, outcome


def is_waiting(thread: threading.Thread) -> bool:
    thread.join(1)
    return thread.is_alive()


def ended(thread: threading.Thread) -> None:
    thread.join(30)
    assert not thread.is_alive()


# --- more than there is ---


def test_of_two_invitations_at_once_that_exceed_the_whole_one_is_made() -> None:
    for _ in range(5):
        show = make.show(live=False)

        outcomes = at_once(*(inviting(show, make.host(name), 6_000) for name in ("Yuki", "Ava")))

        assert sorted(type(each).__name__ for each in outcomes) == ["CoHost", "NothingLeft"]
        assert cohosts.left_bp(stream_id=show.id) == 3_900


def second_of_two_rows(show: Stream) -> list[Any]:
    """Write two rows of 60 % past the verbs, the second while the first is not committed yet; return what
    the second one met with, and whether it waited.
    """
    one, two = make.host("Yuki"), make.host("Ava")

    def written(guest: Host) -> None:
        CoHost.objects.create(stream=show, inviter=show.host, host=guest, share_bp=6_000, invited_at=NOW)

    with transaction.atomic():
        written(one)
        thread, outcome = meanwhile(lambda: written(two))
        waited = is_waiting(thread)
    ended(thread)
    return [waited, *outcome]


def test_the_database_counts_what_was_committed_meanwhile() -> None:
    waited, error = second_of_two_rows(make.show(live=False))

    assert waited
    assert isinstance(error, IntegrityError)
    assert "cohost_shares_leave_something" in str(error)


@contextmanager
def guard_without_its_lock() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_functiondef('streams_cohost_guard'::regproc)")
        whole = cursor.fetchone()[0]
        without, count = re.subn(r"PERFORM pg_advisory_xact_lock\(.*?\);", "", whole)
        assert count == 1
        cursor.execute(without.replace("%", "%%"), [])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(whole.replace("%", "%%"), [])


def test_control_without_the_lock_more_is_promised_than_there_is() -> None:
    show = make.show(live=False)

    with guard_without_its_lock():
        assert second_of_two_rows(show) == [False]

    assert cohosts.left_bp(stream_id=show.id) < 0


def test_the_same_answer_twice_at_once_counts_once() -> None:
    for _ in range(5):
        show, guest = make.show(live=False), make.host("Yuki")
        row = inviting(show, guest, 2_500)()

        outcomes = at_once(*[partial(cohosts.accept, host_id=guest.id, cohost_id=row.id)] * 2)

        assert [type(each).__name__ for each in outcomes] == ["CoHost", "CoHost"]
        assert outcomes[0].agreed_at == outcomes[1].agreed_at
        assert make.told_types(show) == ["stream.cohosts"]


def test_of_yes_and_withdrawn_at_once_both_hear_what_counts() -> None:
    for _ in range(5):
        show, guest = make.show(), make.host("Yuki")
        row = inviting(show, guest, 2_500)()

        yes, no = at_once(
            partial(cohosts.accept, host_id=guest.id, cohost_id=row.id),
            partial(cohosts.withdraw, host_id=show.host_id, stream_id=show.id, cohost_id=row.id),
        )

        row.refresh_from_db()
        if row.status == "accepted":
            assert isinstance(no, cohosts.Promised)
        else:
            assert isinstance(yes, cohosts.InvitationOver)


# --- while a sale is booked ---


@pytest.fixture
def sale() -> tuple[Stream, CoHost, Payment]:
    """What was bought in a show just after the moment in which its co-host will leave."""
    goods = trade.variant(amount=2000)
    show = trade.show(goods)
    row = make.cohost(show, 5_000)
    payment = trade.sent(trade.basket((goods, 1), stream=show).go(now=after(61)))
    return show, row, payment


def booked_while_she_leaves(row: CoHost, payment: Payment) -> bool:
    """Book the sale while her leaving is not committed yet; return whether that waited."""
    with transaction.atomic():
        cohosts.leave(host_id=row.host_id, cohost_id=row.id, now=after(60))
        thread, outcome = meanwhile(
            lambda: payments.apply(intent=trade.said(payment, "succeeded"), now=after(62))
        )
        waited = is_waiting(thread)
    ended(thread)
    assert outcome == []
    return waited


def test_a_sale_waits_for_her_who_leaves_and_is_not_shared_with_her(
    sale: tuple[Stream, CoHost, Payment],
) -> None:
    show, row, payment = sale

    assert booked_while_she_leaves(row, payment)

    assert Commission.objects.get().host_id == show.host_id
    assert trade.broken() == []


def test_control_without_the_lock_what_she_did_not_sell_is_shared_and_the_audit_says_so(
    sale: tuple[Stream, CoHost, Payment], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, row, payment = sale
    monkeypatch.setattr(cohosts, "_SHARED", "SELECT 1;")

    assert not booked_while_she_leaves(row, payment)

    assert Commission.objects.count() == 2
    assert trade.broken() == ["commission-is-shared"]


def test_who_leaves_waits_for_a_sale_and_leaves_after_its_moment() -> None:
    show = make.show()
    row = make.cohost(show, 5_000, now=datetime(2020, 1, 1, tzinfo=UTC))
    bought = clock.database_now()
    with transaction.atomic():
        found = cohosts.of_sales({(show.id, bought)})
        thread, outcome = meanwhile(partial(cohosts.leave, host_id=row.host_id, cohost_id=row.id))
        assert is_waiting(thread)
        booked = clock.database_now()
    ended(thread)

    assert len(found[show.id, bought]) == 1
    assert outcome == []
    assert CoHost.objects.get(status="left", ended_at__gt=booked).id == row.id


def test_sales_of_one_show_are_booked_side_by_side(sale: tuple[Stream, CoHost, Payment]) -> None:
    show, _, payment = sale
    with transaction.atomic():
        cohosts.of_sales({(show.id, after(61))})
        thread, outcome = meanwhile(
            lambda: payments.apply(intent=trade.said(payment, "succeeded"), now=after(62))
        )
        ended(thread)
    assert outcome == []
