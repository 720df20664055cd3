"""Hosts who host a show together: invited, agreed to, left; and what the database refuses of it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from commerce.models import Host
from streams import cohosts, queries, shows, snapshot
from streams.models import CoHost, Stream
from tests.streams import make
from tests.streams.make import NOW, after

pytestmark = pytest.mark.django_db


@pytest.fixture
def show() -> Stream:
    return make.show(live=False)


@pytest.fixture
def yuki() -> Host:
    return make.host("Yuki")


def invite(show: Stream, whom: Host, share_bp: int = 2_500, now: datetime = NOW) -> CoHost:
    return cohosts.invite(host_id=show.host_id, stream_id=show.id, whom=whom.slug, share_bp=share_bp, now=now)


def withdraw(show: Stream, row: CoHost, now: datetime = NOW) -> CoHost:
    return cohosts.withdraw(host_id=show.host_id, stream_id=show.id, cohost_id=row.id, now=now)


def parts(show: Stream, at: datetime) -> list[tuple[str, int]]:
    """Who has which share of what is bought at that moment."""
    found = cohosts.of_sales({(show.id, at)})[show.id, at]
    return [(Host.objects.get(pk=each.host_id).name, each.share_bp) for each in found]


def live(show: Stream) -> None:
    shows.go_live(host_id=show.host_id, stream_id=show.id, now=NOW)


# --- from the invitation to the end ---


def test_a_share_counts_from_the_moment_she_agrees_until_she_leaves(show: Stream, yuki: Host) -> None:
    row = invite(show, yuki)
    assert parts(show, after(5)) == []

    cohosts.accept(host_id=yuki.id, cohost_id=row.id, now=after(10))
    assert [parts(show, after(at)) for at in (9, 10, 500)] == [[], [("Yuki", 2_500)], [("Yuki", 2_500)]]

    left = cohosts.leave(host_id=yuki.id, cohost_id=row.id, now=after(60))
    assert (left.status, left.agreed_at, left.ended_at) == ("left", after(10), after(60))
    assert [parts(show, after(at)) for at in (59, 60)] == [[("Yuki", 2_500)], []]


def test_an_invitation_alone_shares_nothing_and_may_be_declined_or_withdrawn(
    show: Stream, yuki: Host
) -> None:
    declined = cohosts.decline(host_id=yuki.id, cohost_id=invite(show, yuki).id, now=after(1))
    withdrawn = withdraw(show, invite(show, yuki), now=after(2))

    assert (declined.status, withdrawn.status) == ("declined", "withdrawn")
    assert parts(show, after(3)) == []
    assert cohosts.left_bp(stream_id=show.id) == 9_900
    assert make.told(show) == []


def test_another_share_is_another_invitation(show: Stream, yuki: Host) -> None:
    withdraw(show, make_agreed(show, yuki, 2_500), now=after(5))
    make_agreed(show, yuki, 4_000, now=after(9))

    assert [parts(show, after(at)) for at in (1, 6, 9)] == [[("Yuki", 2_500)], [], [("Yuki", 4_000)]]


def make_agreed(show: Stream, guest: Host, share_bp: int, now: datetime = NOW) -> CoHost:
    row = invite(show, guest, share_bp, now)
    return cohosts.accept(host_id=guest.id, cohost_id=row.id, now=now)


def test_the_same_answer_again_changes_nothing(show: Stream, yuki: Host) -> None:
    row = invite(show, yuki)
    for seconds in (1, 2):
        cohosts.accept(host_id=yuki.id, cohost_id=row.id, now=after(seconds))
    for seconds in (3, 4):
        cohosts.leave(host_id=yuki.id, cohost_id=row.id, now=after(seconds))

    row.refresh_from_db()
    assert (row.agreed_at, row.ended_at) == (after(1), after(3))
    assert make.told_types(show) == ["stream.cohosts", "stream.cohosts"]


@pytest.mark.parametrize("verb", [cohosts.accept, cohosts.decline, cohosts.leave])
def test_what_is_over_cannot_be_answered(verb: Callable[..., CoHost], show: Stream, yuki: Host) -> None:
    row = withdraw(show, invite(show, yuki))

    with pytest.raises(cohosts.InvitationOver):
        verb(host_id=yuki.id, cohost_id=row.id, now=after(1))


def test_once_the_show_is_live_what_she_agreed_to_is_hers_until_she_leaves(show: Stream, yuki: Host) -> None:
    row = make_agreed(show, yuki, 2_500)
    live(show)

    with pytest.raises(cohosts.Promised):
        withdraw(show, row)
    cohosts.leave(host_id=yuki.id, cohost_id=row.id, now=after(30))

    assert parts(show, after(29)) == [("Yuki", 2_500)]


def test_hosts_may_join_and_be_called_off_while_the_show_is_live(show: Stream, yuki: Host) -> None:
    live(show)
    withdraw(show, invite(show, make.host("Noa")))
    make_agreed(show, yuki, 5_000, now=after(40))

    assert parts(show, after(41)) == [("Yuki", 5_000)]


def test_of_a_show_that_is_over_nothing_changes_any_more(show: Stream, yuki: Host) -> None:
    agreed, asked = make_agreed(show, make.host("Noa"), 100), invite(show, yuki)
    shows.cancel(host_id=show.host_id, stream_id=show.id, now=NOW)

    tries: list[Callable[[], Any]] = [
        lambda: invite(show, make.host("Eve")),
        lambda: withdraw(show, asked),
        lambda: cohosts.accept(host_id=yuki.id, cohost_id=asked.id),
        lambda: cohosts.decline(host_id=yuki.id, cohost_id=asked.id),
        lambda: cohosts.leave(host_id=agreed.host_id, cohost_id=agreed.id),
    ]
    for each in tries:
        with pytest.raises(queries.ShowOver):
            each()
    assert not cohosts.waiting(host_id=yuki.id).exists()


def test_the_database_says_when_unless_told(show: Stream, yuki: Host) -> None:
    row = invite(show, yuki, now=make.NOW)
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        before = cursor.fetchone()[0]
        agreed = cohosts.accept(host_id=yuki.id, cohost_id=row.id).agreed_at
        cursor.execute("SELECT clock_timestamp()")
        assert before <= agreed <= cursor.fetchone()[0]


# --- whom, and how much ---


def test_she_is_found_by_her_address_or_her_name(show: Stream) -> None:
    def asked(whom: str) -> str:
        row = cohosts.invite(host_id=show.host_id, stream_id=show.id, whom=whom, share_bp=100, now=NOW)
        withdraw(show, row)
        return row.host.slug

    one = make.host("Yuki")
    assert {asked(one.slug), asked(f" @{one.slug.upper()} "), asked("yuki")} == {one.slug}

    make.host("YUKI")
    with pytest.raises(cohosts.SeveralHosts):
        asked("Yuki")
    assert asked(one.slug) == one.slug


def test_whoever_cannot_host_it_with_her_is_refused(show: Stream, yuki: Host) -> None:
    Host.objects.filter(pk=make.host("Eve").pk).update(is_active=False)
    for whom in ("Eve", "nobody", ""):
        with pytest.raises(cohosts.UnknownHost):
            cohosts.invite(host_id=show.host_id, stream_id=show.id, whom=whom, share_bp=100)
    with pytest.raises(cohosts.OwnShow):
        invite(show, show.host)
    invite(show, yuki)
    with pytest.raises(cohosts.InvitedAlready):
        invite(show, yuki)


@pytest.mark.parametrize("share_bp", [-1, 0, 9_901])
def test_a_share_is_of_something_and_leaves_something(show: Stream, yuki: Host, share_bp: int) -> None:
    with pytest.raises(cohosts.BadShare) as refused:
        invite(show, yuki, share_bp)
    assert refused.value.data == {"most": 9_900}


def test_all_shares_together_leave_the_host_something_invited_ones_too(show: Stream, yuki: Host) -> None:
    make_agreed(show, make.host("Noa"), 5_000)
    invite(show, make.host("Ava"), 3_000)

    with pytest.raises(cohosts.NothingLeft) as refused:
        invite(show, yuki, 1_901)

    assert refused.value.data == {"left": 1_900}
    invite(show, yuki, 1_900)


def test_a_show_has_so_many_cohosts(show: Stream, yuki: Host) -> None:
    for number in range(cohosts.MOST):
        invite(show, make.host(f"Guest{number}"), 100)

    with pytest.raises(cohosts.TooManyCoHosts):
        invite(show, yuki, 100)


# --- walls ---


def test_only_the_shows_own_host_invites_and_withdraws(show: Stream, yuki: Host) -> None:
    row, eve = invite(show, yuki), make.host("Eve")

    for host in (eve, yuki):
        with pytest.raises(queries.UnknownShow):
            cohosts.invite(host_id=host.id, stream_id=show.id, whom="Eve", share_bp=100)
        with pytest.raises(queries.UnknownShow):
            cohosts.withdraw(host_id=host.id, stream_id=show.id, cohost_id=row.id)
    other = make.show(live=False)
    with pytest.raises(cohosts.UnknownInvitation):
        cohosts.withdraw(host_id=other.host_id, stream_id=other.id, cohost_id=row.id)
    row.refresh_from_db()
    assert row.status == "invited"


@pytest.mark.parametrize("verb", [cohosts.accept, cohosts.decline, cohosts.leave])
def test_only_the_invited_host_answers(verb: Callable[..., CoHost], show: Stream, yuki: Host) -> None:
    row = invite(show, yuki)

    for host in (make.host("Eve"), show.host):
        with pytest.raises(cohosts.UnknownInvitation):
            verb(host_id=host.id, cohost_id=row.id)
        assert not cohosts.of_host(host_id=host.id).exists()
    row.refresh_from_db()
    assert row.status == "invited"


# --- what viewers see ---


def test_viewers_are_told_who_hosts_the_show_and_newcomers_see_it(show: Stream, yuki: Host) -> None:
    row = make_agreed(show, yuki, 2_500)
    invite(show, make.host("Noa"))
    hers = {"id": str(yuki.id), "name": "Yuki", "avatar": ""}
    assert snapshot.public(stream=show)["stream"]["cohosts"] == [hers]

    cohosts.leave(host_id=yuki.id, cohost_id=row.id, now=after(5))

    assert make.told(show) == [("stream.cohosts", {"cohosts": [hers]}), ("stream.cohosts", {"cohosts": []})]
    assert snapshot.public(stream=show)["stream"]["cohosts"] == []


# --- what the database refuses by itself ---


def broken(act: Callable[[], Any]) -> str:
    """The constraint that an act breaks."""
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        act()
    return str(error.value.__cause__.diag.constraint_name)  # type: ignore[union-attr]


def row_of(show: Stream, guest: Host, **more: Any) -> CoHost:
    fields = {"stream": show, "inviter": show.host, "host": guest, "share_bp": 2_500, "invited_at": NOW}
    return CoHost(**{**fields, **more})


def test_rows_that_make_no_sense_are_refused(show: Stream, yuki: Host) -> None:
    eve = make.host("Eve")

    def saved(**more: Any) -> str:
        return broken(lambda: row_of(show, **{"guest": yuki, **more}).save(force_insert=True))

    assert saved(inviter=eve) == "streams_cohost_stream_same_inviter"
    assert saved(guest=show.host) == "cohost_is_another_host"
    assert saved(share_bp=0) == "cohost_share_of_something"
    assert saved(status="accepted", agreed_at=NOW) == "cohost_begins_invited"
    assert saved(ended_at=NOW) == "cohost_agreed_and_ended_at_times"


def test_more_than_there_is_is_refused_also_where_the_verb_forgets_to_look(
    show: Stream, yuki: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_agreed(show, make.host("Noa"), 6_000)
    monkeypatch.setattr(cohosts, "_check_left", lambda stream_id, share_bp: None)

    assert broken(lambda: invite(show, yuki, 3_901)) == "cohost_shares_leave_something"
    invite(show, yuki, 3_900)


def test_a_second_invitation_of_one_host_is_refused(show: Stream, yuki: Host) -> None:
    invite(show, yuki)

    assert broken(lambda: row_of(show, yuki).save(force_insert=True)) == "cohost_once_per_show"


@pytest.mark.parametrize(
    "change",
    [
        {"share_bp": 2_600},
        {"agreed_at": after(-5)},
        {"invited_at": after(-5)},
        {"status": "invited", "agreed_at": None},
        {"status": "declined", "agreed_at": None, "ended_at": after(5)},
    ],
)
def test_what_was_said_is_never_changed(show: Stream, yuki: Host, change: dict[str, Any]) -> None:
    rows = CoHost.objects.filter(pk=make_agreed(show, yuki, 2_500).pk)

    assert broken(lambda: rows.update(**change)) == "cohost_is_history"


def test_what_is_over_stays_over_and_nothing_is_deleted(show: Stream, yuki: Host) -> None:
    rows = CoHost.objects.filter(pk=withdraw(show, make_agreed(show, yuki, 2_500)).pk)

    assert broken(lambda: rows.update(status="accepted", ended_at=None)) == "cohost_is_history"
    assert broken(lambda: rows.update(ended_at=after(90))) == "cohost_is_history"
    assert broken(rows.delete) == "cohost_is_history"


def test_nobody_begins_before_those_ended_who_made_room(show: Stream, yuki: Host) -> None:
    gone = make_agreed(show, make.host("Noa"), 9_000)
    withdraw(show, gone, now=after(60))
    row = invite(show, yuki, 9_000, now=after(61))

    # The clock was put back meanwhile.
    agreed = cohosts.accept(host_id=yuki.id, cohost_id=row.id, now=after(30))

    assert agreed.agreed_at == after(60)
    other = invite(show, make.host("Ava"), 100)
    rows = CoHost.objects.filter(pk=other.pk)
    assert broken(lambda: rows.update(status="accepted", agreed_at=after(59))) == (
        "cohost_begins_after_others_ended"
    )


def test_an_end_before_the_beginning_is_refused(show: Stream, yuki: Host) -> None:
    rows = CoHost.objects.filter(pk=make_agreed(show, yuki, 2_500).pk)

    assert broken(lambda: rows.update(status="left", ended_at=after(-1))) == "cohost_ends_after_it_began"
