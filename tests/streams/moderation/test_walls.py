"""The database's own walls: no decision is changed, and no row names another show's."""

from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction

from streams.models import (
    Appeal,
    ChatMessage,
    Decision,
    Follow,
    Question,
    Report,
    Restraint,
    ShowModerator,
    Stream,
)
from streams.moderation import appeals, reports, restraints
from tests.streams import make
from tests.streams.moderation import acts

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def here() -> Stream:
    return make.show(products=(make.product(),))


@pytest.fixture
def there() -> Stream:
    return make.show(make.host("Eve"), products=(make.product(),))


def refused(act: Any) -> bool:
    """Say whether the database refuses what is done, at the latest at the commit."""
    try:
        with transaction.atomic():
            act()
    except IntegrityError:
        return True
    return False


@pytest.mark.parametrize(
    "change", [lambda rows: rows.update(reason="x"), lambda rows: rows._raw_delete("default")]
)
def test_a_decision_is_never_changed_or_deleted(here: Stream, change: Any) -> None:
    acts.removed(here)

    assert refused(lambda: change(Decision.objects.all()))
    assert Decision.objects.get().reason == "Third time"


def test_control_without_the_trigger_a_decision_is_changed(here: Stream) -> None:
    acts.removed(here)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE streams_decision DISABLE TRIGGER decision_append_only")
    try:
        assert not refused(lambda: Decision.objects.update(reason="x"))
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE streams_decision ENABLE TRIGGER decision_append_only")


@pytest.mark.parametrize("action", ["removed", "shown", "kept", "restored"])
def test_no_program_takes_a_line_down_or_decides_about_it(here: Stream, action: str) -> None:
    line = acts.line(here)

    def act() -> None:
        Decision.objects.create(
            stream=here, message=line, subject=line.author, action=action, rule="words", at=make.NOW
        )

    assert refused(act)


@pytest.mark.parametrize("status", ["removed", "held"])
def test_no_line_is_out_of_sight_without_a_decision(here: Stream, status: str) -> None:
    line = acts.line(here)
    at = make.NOW if status == "removed" else None

    assert refused(lambda: ChatMessage.objects.filter(pk=line.pk).update(status=status, removed_at=at))


def test_a_decision_is_about_a_line_or_a_user_and_acts_accordingly(here: Stream) -> None:
    line, by = acts.line(here), here.host.user
    about = {"stream": here, "subject": line.author, "actor": by, "rule": "spam", "at": make.NOW}

    assert refused(lambda: Decision.objects.create(**about, action="removed"))
    assert refused(lambda: Decision.objects.create(**about, action="muted", message=line))
    assert not refused(lambda: Decision.objects.create(**about, action="removed", message=line))


def test_a_decision_is_undone_once_and_by_an_undoing_one(here: Stream) -> None:
    line = acts.removed(here)
    first, by = Decision.objects.get(), here.host.user
    more = {"stream": here, "message": line, "subject": line.author, "actor": by, "rule": "spam"}

    def undo(action: str) -> None:
        Decision.objects.create(**more, action=action, undoes=first, case=first, at=make.NOW)

    assert refused(lambda: undo("removed"))
    assert not refused(lambda: undo("restored"))
    assert refused(lambda: undo("restored"))


def test_no_row_names_a_line_an_item_or_a_decision_of_another_show(here: Stream, there: Stream) -> None:
    line, foreign, by = acts.line(here), acts.removed(there), there.host.user
    removal, item = Decision.objects.get(message=foreign), make.item(there)

    assert refused(lambda: Question.objects.create(stream=here, message=foreign))
    assert refused(lambda: Question.objects.create(stream=here, message=line, item=item))
    assert refused(lambda: _report(stream=here, message=foreign))
    assert refused(lambda: _report(stream=here, message=line, decision=removal))
    assert refused(lambda: Stream.objects.filter(pk=here.pk).update(pinned_line=foreign))
    assert refused(lambda: ChatMessage.objects.filter(pk=line.pk).update(decision=removal))
    for more in (
        {"message": foreign},
        {"message": line, "case": removal},
        {"message": line, "undoes": removal},
    ):
        assert refused(
            lambda more=more: Decision.objects.create(
                **more,
                stream=here,
                subject=line.author,
                actor=by,
                action="restored",
                rule="spam",
                at=make.NOW,
            )
        )


def _report(**more: Any) -> Report:
    return Report.objects.create(reporter=make.user(), category="spam", at=make.NOW, **more)


def test_nobody_appeals_for_another_or_decides_about_ones_own_appeal(here: Stream) -> None:
    noa, ben = make.user("Noa"), make.user("Ben")
    acts.removed(here, noa)
    removal = Decision.objects.get()

    def appeal(by: Any, **more: Any) -> Appeal:
        return Appeal.objects.create(stream=here, decision=removal, by=by, text="No", at=make.NOW, **more)

    assert refused(lambda: appeal(ben))
    assert refused(lambda: appeal(noa, outcome="overturned", decided_by=noa, decided_at=make.NOW))
    assert refused(lambda: appeal(noa, outcome="overturned"))
    assert not refused(lambda: appeal(noa))
    assert refused(lambda: appeal(noa))


def test_a_mute_has_an_end_and_each_user_one_of_each_kind(here: Stream) -> None:
    noa = make.user("Noa")
    given: dict[str, Any] = {
        "stream_id": here.id,
        "user_id": noa.id,
        "by_id": here.host.user_id,
        "rule": "spam",
    }
    restraints.mute(**given, reason="No", seconds=60, now=make.NOW)
    removal = Decision.objects.get()

    def again(kind: str, until: Any) -> Restraint:
        return Restraint.objects.create(
            stream=here, user=noa, kind=kind, until=until, rule="x", decision=removal, by=noa, at=make.NOW
        )

    assert refused(lambda: again("mute", make.after(5)))
    assert refused(lambda: Restraint.objects.update(until=None))
    assert not refused(lambda: again("ban", None))


def test_rights_are_known_ones_and_at_least_one(here: Stream) -> None:
    def appoint(rights: list[str]) -> ShowModerator:
        return ShowModerator.objects.create(
            stream=here, user=make.user(), rights=rights, given_by=here.host.user, at=make.NOW
        )

    assert refused(lambda: appoint([]))
    assert refused(lambda: appoint(["rule the world"[:9]]))
    assert not refused(lambda: appoint(["ban"]))


def test_one_report_per_viewer_and_line_and_one_follow_per_host(here: Stream) -> None:
    noa, line = make.user("Noa"), acts.line(here)
    reports.make(stream_id=here.id, message_id=line.id, by_id=noa.id, category="spam", now=make.NOW)
    Follow.objects.create(user=noa, host=here.host, at=make.NOW)

    assert refused(
        lambda: Report.objects.create(stream=here, message=line, reporter=noa, category="scam", at=make.NOW)
    )
    assert refused(lambda: Follow.objects.create(user=noa, host=here.host, at=make.NOW))


def test_what_is_not_there_cannot_be_appealed() -> None:
    with pytest.raises(Exception, match="no such decision"):
        appeals.make(decision_id=uuid4(), by_id=make.user().id, text="Why?", now=make.NOW)
