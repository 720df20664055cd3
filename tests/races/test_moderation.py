"""Moderators and viewers at the same moment; controls show what a guard that is off lets by."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from commerce import ids
from commerce.models import User
from streams import chat
from streams.models import Appeal, ChatMessage, Decision, Report, Restraint, Right, Stream
from streams.moderation import appeals, decisions, lines, mode, reports, restraints, standing
from tests.orders.threads import comes_to_wait
from tests.races.test_offers import at_once
from tests.streams import make
from tests.streams.moderation import acts

pytestmark = pytest.mark.django_db(transaction=True)


def deciding(stream: Stream, line: ChatMessage, by: User, *, show: bool) -> Callable[[], Any]:
    return lambda: lines.decide(
        stream_id=stream.id, message_id=line.id, by_id=by.id, show=show, now=make.after(5)
    )


@contextmanager
def unlocked(monkeypatch: pytest.MonkeyPatch, *, meet: int = 2) -> Iterator[None]:
    """Switch the lock on the line off, and let all read it before one of them writes."""
    all_have_read = threading.Barrier(meet)

    def look(stream_id: Any, message_id: Any) -> ChatMessage:
        found = ChatMessage.objects.select_related("author", "stream__host", "decision")
        message = found.get(pk=message_id, stream_id=stream_id)
        all_have_read.wait(10)
        return message

    with monkeypatch.context() as patch:
        patch.setattr(lines, "_locked", look)
        yield


def test_of_two_verdicts_at_once_one_counts_and_the_other_hears_so() -> None:
    for _ in range(5):
        stream = make.show()
        one, two, line = acts.mod(stream), acts.mod(stream), acts.held(stream)

        outcomes = at_once(deciding(stream, line, one, show=True), deciding(stream, line, two, show=False))

        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["AlreadyDecided", "ChatMessage"]
        assert len(acts.decisions_of(line)) == 2
        assert make.told_types(stream).count("chat.restored") <= 1


def test_the_same_verdict_by_two_at_once_is_one_decision() -> None:
    for _ in range(5):
        stream = make.show()
        one, two, line = acts.mod(stream), acts.mod(stream), acts.held(stream)

        outcomes = at_once(deciding(stream, line, one, show=True), deciding(stream, line, two, show=True))

        assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        assert acts.decisions_of(line) == ["held", "shown"]
        assert make.told_types(stream).count("chat.restored") == 1


def test_control_without_the_lock_two_verdicts_count(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = make.show()
    one, two, line = acts.mod(stream), acts.mod(stream), acts.held(stream)

    with unlocked(monkeypatch):
        outcomes = at_once(deciding(stream, line, one, show=True), deciding(stream, line, two, show=False))

    assert not [outcome for outcome in outcomes if isinstance(outcome, decisions.AlreadyDecided)]
    assert sorted(acts.decisions_of(line)) == ["held", "removed", "shown"]


def test_behind_the_lock_the_database_lets_a_decision_be_undone_once(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = make.show()
    one, two, line = acts.mod(stream), acts.mod(stream), acts.held(stream)

    with unlocked(monkeypatch):
        outcomes = at_once(deciding(stream, line, one, show=True), deciding(stream, line, two, show=True))

    assert sum(isinstance(outcome, IntegrityError) for outcome in outcomes) == 1
    assert acts.decisions_of(line) == ["held", "shown"]


# --- a restraint while its user speaks ---


def _say_late(stream: Stream, user: User, checked: threading.Event, go: threading.Event) -> Callable[[], Any]:
    """Say a line whose author was found free before `checked`, and store it after `go`."""
    look = standing.of

    def act() -> Any:
        try:
            free = look(stream_id=stream.id, user_id=user.id, now=make.after(2))
            free.check_free()
            checked.set()
            assert go.wait(10)
            ChatMessage.objects.create(
                stream=stream, author=user, key=ids.new(), text="One more", at=make.after(2)
            )
        except IntegrityError as error:
            return error
        finally:
            connection.close()
        return None

    return act


def _ban(stream: Stream, user: User) -> Restraint:
    return restraints.ban(
        stream_id=stream.id,
        user_id=user.id,
        by_id=stream.host.user_id,
        rule="abuse",
        reason="Insults",
        now=make.after(1),
    )


def _speak_while_banned(stream: Stream, user: User) -> Any:
    """Ban a user who has been found free and has not stored the line yet; return what came of the line."""
    checked, go, outcome = threading.Event(), threading.Event(), []
    speaker = threading.Thread(
        target=lambda: outcome.append(_say_late(stream, user, checked, go)()), daemon=True
    )
    speaker.start()
    assert checked.wait(10)
    _ban(stream, user)
    go.set()
    speaker.join(10)
    return outcome[0]


def test_a_line_that_was_let_in_before_the_ban_is_not_stored_after_it() -> None:
    stream, noa = make.show(), make.user("Noa")

    outcome = _speak_while_banned(stream, noa)

    assert "chat_author_is_free" in str(outcome)
    assert not ChatMessage.objects.exists()


def test_control_without_the_trigger_it_is_stored() -> None:
    stream, noa = make.show(), make.user("Noa")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE streams_chatmessage DISABLE TRIGGER chat_author_is_free")
    try:
        assert _speak_while_banned(stream, noa) is None
        assert ChatMessage.objects.count() == 1
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE streams_chatmessage ENABLE TRIGGER chat_author_is_free")


def test_a_ban_waits_for_a_line_that_is_being_stored() -> None:
    stream, noa = make.show(), make.user("Noa")
    banned = threading.Event()

    def ban() -> None:
        try:
            _ban(stream, noa)
        finally:
            banned.set()
            connection.close()

    thread = threading.Thread(target=ban, daemon=True)
    with transaction.atomic():
        ChatMessage.objects.create(stream=stream, author=noa, key=ids.new(), text="Just in time", at=make.NOW)
        thread.start()
        assert not banned.wait(0.3)
    assert banned.wait(10)
    thread.join(10)
    assert Restraint.objects.filter(user=noa).exists()


def test_of_many_lines_and_a_ban_at_once_none_is_stored_after_the_ban() -> None:
    stream, noa = make.show(), make.user("Noa")

    outcomes = at_once(
        *(lambda: acts.say(stream, noa, "Hi", now=make.after(2)) for _ in range(4)), lambda: _ban(stream, noa)
    )

    said = [outcome for outcome in outcomes if isinstance(outcome, chat.Said)]
    refused = [outcome for outcome in outcomes if isinstance(outcome, standing.Banned)]
    assert len(said) + len(refused) == 4
    assert ChatMessage.objects.count() == len(said)
    with pytest.raises(standing.Banned):
        acts.say(stream, noa, now=make.after(3))


def test_two_mutes_at_once_are_one_restraint() -> None:
    for _ in range(5):
        stream, noa = make.show(), make.user("Noa")
        one, two = acts.mod(stream, Right.MUTE), acts.mod(stream, Right.MUTE)

        def muting(by: User, seconds: int, stream: Stream = stream, noa: User = noa) -> Callable[[], Any]:
            return lambda: restraints.mute(
                stream_id=stream.id,
                user_id=noa.id,
                by_id=by.id,
                seconds=seconds,
                rule="spam",
                reason="Spam",
                now=make.NOW,
            )

        outcomes = at_once(muting(one, 60), muting(two, 600))

        assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        held = Restraint.objects.get(stream=stream)
        assert Decision.objects.filter(stream=stream, action="muted").count() == 2
        assert Decision.objects.get(pk=held.decision_id).until == held.until


@pytest.mark.parametrize("how", ["pardon", "appeal"])
def test_who_lifts_a_restraint_does_not_hold_what_who_gives_one_waits_for(how: str) -> None:
    stream, noa = make.show(), make.user("Noa")
    _ban(stream, noa)
    made = appeals.make(
        decision_id=Decision.objects.get(subject=noa).id, by_id=noa.id, text="No", now=make.after(2)
    )
    by: dict[str, Any] = {"stream_id": stream.id, "by_id": stream.host.user_id, "now": make.after(5)}
    lifting: Callable[[], Any] = {
        "pardon": lambda: restraints.pardon(user_id=noa.id, **by),
        "appeal": lambda: appeals.decide(appeal_id=made.id, overturn=True, **by),
    }[how]

    def lift() -> None:
        try:
            lifting()
        finally:
            connection.close()

    thread = threading.Thread(target=lift, daemon=True)
    with transaction.atomic():
        restraints.alone(stream.id, noa.id)  # As who mutes or bans does first,
        thread.start()
        assert comes_to_wait()
        Restraint.objects.select_for_update(nowait=True).get(user=noa)  # and then this.
    thread.join(10)
    assert Restraint.objects.get(user=noa).lifted_at is not None


def test_control_without_the_lock_the_constraint_refuses_one_mute(monkeypatch: pytest.MonkeyPatch) -> None:
    stream, noa = make.show(), make.user("Noa")
    both_have_looked = threading.Barrier(2)

    def look(kind: Any, stream_id: Any, user_id: Any) -> None:
        both_have_looked.wait(10)

    monkeypatch.setattr(restraints, "_locked", look)

    outcomes = at_once(lambda: _ban(stream, noa), lambda: _ban(stream, noa))

    assert sum(isinstance(outcome, IntegrityError) for outcome in outcomes) == 1
    assert Restraint.objects.count() == 1


# --- reports and appeals ---


def test_two_reports_by_one_viewer_at_once_are_one() -> None:
    stream, noa = make.show(), make.user("Noa")
    line = acts.line(stream)

    def report() -> Report:
        return reports.make(
            stream_id=stream.id, message_id=line.id, by_id=noa.id, category="spam", now=make.NOW
        )

    outcomes = at_once(*(report for _ in range(4)))

    assert len({outcome.id for outcome in outcomes}) == 1
    assert Report.objects.count() == 1


def test_two_appeals_at_once_are_one() -> None:
    stream, noa = make.show(), make.user("Noa")
    acts.removed(stream, noa)
    removal = Decision.objects.get()

    def appeal() -> Appeal:
        return appeals.make(decision_id=removal.id, by_id=noa.id, text="Why?", now=make.after(9))

    outcomes = at_once(*(appeal for _ in range(4)))

    assert len({outcome.id for outcome in outcomes}) == 1
    assert Appeal.objects.count() == 1


def test_control_without_the_constraints_reports_and_appeals_are_doubled() -> None:
    stream, noa = make.show(), make.user("Noa")
    line, gone = acts.line(stream), acts.removed(stream, noa)
    removal = Decision.objects.get(message=gone)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint WHERE conrelid = 'streams_appeal'::regclass AND contype = 'u'"
        )
        [once] = [row[0] for row in cursor.fetchall()]
        cursor.execute("ALTER TABLE streams_report DROP CONSTRAINT report_once")
        cursor.execute(f'ALTER TABLE streams_appeal DROP CONSTRAINT "{once}"')
    both = threading.Barrier(2)

    def report() -> None:
        both.wait(10)
        Report.objects.create(stream=stream, message=line, reporter=noa, category="spam", at=make.NOW)

    def appeal() -> None:
        both.wait(10)
        Appeal.objects.create(stream=stream, decision=removal, by=noa, text="Why?", at=make.NOW)

    try:
        at_once(report, report)
        at_once(appeal, appeal)
        assert (Report.objects.count(), Appeal.objects.count()) == (2, 2)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM streams_report; DELETE FROM streams_appeal")
            cursor.execute(
                "ALTER TABLE streams_report ADD CONSTRAINT report_once UNIQUE (message_id, reporter_id)"
            )
            cursor.execute(f'ALTER TABLE streams_appeal ADD CONSTRAINT "{once}" UNIQUE (decision_id)')


def test_an_appeal_that_two_decide_at_once_is_decided_once() -> None:
    for _ in range(5):
        stream, noa = make.show(), make.user("Noa")
        one, two = acts.mod(stream), acts.mod(stream)
        line = acts.removed(stream, noa)
        removal = Decision.objects.get(message=line)
        made = appeals.make(decision_id=removal.id, by_id=noa.id, text="Why?", now=make.NOW)

        def deciding_it(by: User, overturn: bool, of: Any = (stream, made)) -> Callable[[], Any]:
            return lambda: appeals.decide(
                stream_id=of[0].id, appeal_id=of[1].id, by_id=by.id, overturn=overturn, now=make.after(9)
            )

        outcomes = at_once(deciding_it(one, True), deciding_it(two, False))

        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["AlreadyDecided", "Appeal"]
        line.refresh_from_db()
        made.refresh_from_db()
        assert (line.status == "shown") is (made.outcome == "overturned")


def test_a_line_pinned_and_removed_at_once_is_not_pinned_in_the_end() -> None:
    for _ in range(8):
        stream = make.show()
        line = acts.line(stream)
        more: dict[str, Any] = {
            "stream_id": stream.id,
            "message_id": line.id,
            "by_id": stream.host.user_id,
            "now": make.NOW,
        }

        at_once(partial(mode.pin, **more), partial(lines.remove, **more, rule="spam", reason="x"))

        stream.refresh_from_db()
        assert stream.pinned_line_id is None
        told = [t for t in make.told_types(stream) if t in ("chat.pinned", "chat.unpinned")]
        assert told in ([], ["chat.pinned", "chat.unpinned"])
