"""The desk: what waits, whom it is told, and how often each rule was wrong."""

from collections import OrderedDict
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest

from commerce.models import Event, User
from streams import bodies, moderation_hearers, showlog
from streams.models import Decision, Right
from streams.moderation import appeals, desk, lines, own, questions, reports, restraints, standing
from tests.streams import make
from tests.streams.moderation import acts

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, dict[str, Any]]]:
    """What moderators are told, user by user."""
    heard: list[tuple[Any, dict[str, Any]]] = []

    def hear(*, user_id: Any, t: str, d: dict[str, Any], ts: int) -> None:
        heard.append((user_id, d))

    monkeypatch.setattr(showlog, "tell_user", hear)
    monkeypatch.setattr(moderation_hearers, "_told_at", OrderedDict())
    return heard


def relay() -> None:
    for event in Event.objects.filter(name="moderation.changed", delivered_at=None).order_by("id"):
        moderation_hearers.tell_moderators(event.payload, key=event.key)


def rate(stream: Any, rule: str) -> desk.Rate:
    return next(each for each in desk.rates(stream_ids=[stream.id]) if each.rule == rule)


def decide(stream: Any, line: Any, *, show: bool) -> None:
    host = stream.host.user_id
    lines.decide(stream_id=stream.id, message_id=line.id, by_id=host, show=show, now=make.after(3))


def appeal(user: User, *, overturn: bool, stream: Any) -> None:
    about = Decision.objects.filter(subject=user).order_by("-id")[0]
    made = appeals.make(decision_id=about.id, by_id=user.id, text="Why?", now=make.after(4))
    by = acts.mod(stream, Right.REVIEW)
    appeals.decide(stream_id=stream.id, appeal_id=made.id, by_id=by.id, overturn=overturn, now=make.after(5))


def test_what_waits_is_counted() -> None:
    stream, other = make.show(products=(make.product(),)), make.show(make.host("Eve"))
    noa = make.user("Noa")
    acts.held(stream)
    acts.held(stream)
    acts.held(other)
    line = acts.line(stream)
    for _ in range(3):
        reports.make(
            stream_id=stream.id, message_id=line.id, by_id=make.user().id, category="spam", now=make.NOW
        )
    acts.removed(stream, noa)
    appeals.make(decision_id=Decision.objects.get(subject=noa).id, by_id=noa.id, text="Why?", now=make.NOW)
    asked = acts.say(stream, make.user(), "Which shade?", question=True).message
    answered = acts.say(stream, make.user(), "Which size?", question=True).message
    questions.answer(stream_id=stream.id, question_id=answered.id, by_id=stream.host.user_id, now=make.NOW)

    assert desk.waiting(stream.id) == {"held": 2, "reported": 1, "appeals": 1, "questions": 1}
    assert [each.pk for each in questions.of_show(stream_id=stream.id, answered=False)] == [asked.id]


def test_host_and_reviewers_are_told_how_much_waits_and_others_are_not(told: Any) -> None:
    stream = make.show()
    reviewer, answerer = acts.mod(stream, Right.REVIEW), acts.mod(stream, Right.QUESTIONS)
    acts.mod(stream, Right.BAN)

    acts.held(stream)
    relay()

    assert {user for user, _ in told} == {stream.host.user_id, reviewer.id, answerer.id}
    assert {d["held"] for _, d in told} == {1}


def test_many_changes_are_told_as_few_and_the_last_always(told: Any) -> None:
    stream = make.show()
    for _ in range(20):
        acts.held(stream)

    relay()

    mine = [d["held"] for user, d in told if user == stream.host.user_id]
    assert len(mine) == 2
    assert mine[-1] == 20


def test_a_rule_that_holds_wrongly_shows_it() -> None:
    stream = make.show()
    for show in (True, True, True, False):
        decide(stream, acts.held(stream), show=show)
    acts.held(stream)

    found = rate(stream, "words")

    assert (found.cases, found.overturned, found.upheld, found.waiting) == (5, 3, 1, 1)
    assert found.rate == 0.75
    assert rate(stream, "links").rate is None


def test_a_hold_that_was_upheld_and_won_on_appeal_was_wrong() -> None:
    stream, noa = make.show(), make.user("Noa")
    decide(stream, acts.held(stream, noa), show=False)
    assert rate(stream, "words").upheld == 1

    appeal(noa, overturn=True, stream=stream)

    found = rate(stream, "words")
    assert (found.cases, found.upheld, found.overturned) == (1, 0, 1)
    assert (found.appeals, found.appeals_overturned) == (1, 1)


def test_what_people_decide_is_measured_by_what_was_looked_at_again() -> None:
    stream = make.show()
    users = [make.user() for _ in range(4)]
    for user in users:
        acts.removed(stream, user)
    appeal(users[0], overturn=True, stream=stream)
    appeal(users[1], overturn=False, stream=stream)

    found = rate(stream, "spam")

    assert (found.cases, found.standing, found.upheld, found.overturned) == (4, 2, 1, 1)
    assert found.rate == 0.5


def test_a_pardon_without_appeal_is_mercy_and_no_error() -> None:
    stream, noa, ben = make.show(), make.user("Noa"), make.user("Ben")
    given: dict[str, Any] = {"stream_id": stream.id, "by_id": stream.host.user_id}
    for user in (noa, ben):
        restraints.ban(**given, user_id=user.id, rule="abuse", reason="No", now=make.NOW)
    restraints.pardon(**given, user_id=noa.id, now=make.after(2))
    appeal(ben, overturn=True, stream=stream)

    found = rate(stream, "abuse")

    assert (found.cases, found.pardoned, found.overturned) == (2, 1, 1)


def test_rates_of_other_shows_are_not_mixed_in() -> None:
    stream, other = make.show(), make.show(make.host("Eve"))
    decide(other, acts.held(other), show=True)

    assert rate(stream, "words").cases == 0
    both = desk.rates(stream_ids=[stream.id, other.id])
    assert next(each for each in both if each.rule == "words").cases == 1


def test_the_queue_has_held_and_reported_lines_the_oldest_first() -> None:
    stream = make.show()
    first, line, last = acts.held(stream), acts.line(stream), acts.held(stream)
    acts.line(stream)
    reports.make(stream_id=stream.id, message_id=line.id, by_id=make.user().id, category="scam", now=make.NOW)

    assert [each.id for each in desk.queue(stream_id=stream.id)] == [first.id, line.id, last.id]
    assert [each.id for each in desk.queue(stream_id=stream.id, kind="held")] == [first.id, last.id]
    waits: Any = desk.queue(stream_id=stream.id, kind="reported").get()
    assert [report.category for report in waits.open_reports] == ["scam"]


def test_ones_own_part_tells_rights_restraints_and_held_lines() -> None:
    stream, noa, ben = make.show(), make.user("Noa"), make.user("Ben")
    line = acts.held(stream, noa)
    acts.held(stream, ben)
    restraints.mute(
        stream_id=stream.id,
        user_id=noa.id,
        by_id=stream.host.user_id,
        seconds=60,
        rule="spam",
        reason="Spam",
        now=make.NOW,
    )

    def part(user: User, now: datetime) -> bodies.Body:
        return own.part(standing.of(stream_id=stream.id, user_id=user.id, now=now), now=now)

    mine = part(noa, make.after(1))
    hers = part(stream.host.user, make.after(1))
    later = part(noa, make.after(61))

    assert [each["id"] for each in mine["held"]] == [str(line.id)]
    assert [each["kind"] for each in mine["restraints"]] == ["mute"]
    assert (mine["role"], mine["rights"], mine["waiting"]) == ("viewer", [], None)
    assert (hers["role"], hers["held"], hers["waiting"]["held"]) == ("host", [], 2)
    assert hers["rights"] == sorted(Right.values)
    assert later["restraints"] == []


def test_an_event_that_is_gone_is_told_all_the_same(told: Any) -> None:
    stream = make.show()

    moderation_hearers.tell_moderators({"stream": str(stream.id)}, key=str(uuid4()))

    assert [user for user, _ in told] == [stream.host.user_id]
