"""Appeals: said once by the person concerned, looked at by somebody else, and undoing what was wrong."""

from typing import Any

import pytest

from commerce.models import User
from streams import chat, queries
from streams.models import Appeal, Decision, Right
from streams.moderation import appeals, decisions, lines, restraints, standing
from tests.streams import make
from tests.streams.moderation import acts

pytestmark = pytest.mark.django_db(transaction=True)


def appeal(user: User, decision: Decision | None = None, text: str = "I only asked") -> Appeal:
    about = decision or Decision.objects.filter(subject=user).order_by("-id")[0]
    return appeals.make(decision_id=about.id, by_id=user.id, text=text, now=make.after(10))


def decide(stream: Any, made: Appeal, by: User, *, overturn: bool, **more: Any) -> Appeal:
    return appeals.decide(
        stream_id=stream.id, appeal_id=made.id, by_id=by.id, overturn=overturn, now=make.after(20), **more
    )


def test_an_overturned_removal_puts_the_line_back_and_tells_its_author() -> None:
    stream, noa = make.show(), make.user("Noa")
    max_ = acts.mod(stream)
    line = acts.removed(stream, noa, by=max_)

    decide(stream, appeal(noa), stream.host.user, overturn=True, reason="It was a fair question")

    assert [each["id"] for each in chat.latest(stream_id=stream.id)] == [str(line.id)]
    assert acts.decisions_of(line) == ["removed", "restored"]
    (t1, d1), (t2, d2) = acts.told_user(noa)[-2:]
    assert (t1, d1["action"], d1["by"]) == ("chat.decided", "restored", "host")
    assert (t2, d2["outcome"], d2["reason"]) == ("appeal.decided", "overturned", "It was a fair question")


def test_an_upheld_removal_stays_and_its_author_is_told_why() -> None:
    stream, noa = make.show(), make.user("Noa")
    acts.removed(stream, noa, by=acts.mod(stream))

    decide(stream, appeal(noa), stream.host.user, overturn=False, reason="Third time")

    assert chat.latest(stream_id=stream.id) == []
    t, d = acts.told_user(noa)[-1]
    assert (t, d["outcome"], d["reason"]) == ("appeal.decided", "upheld", "Third time")


def test_an_overturned_ban_lets_the_user_in_again() -> None:
    stream, noa = make.show(), make.user("Noa")
    max_ = acts.mod(stream)
    ban: dict[str, Any] = {
        "stream_id": stream.id,
        "user_id": noa.id,
        "by_id": max_.id,
        "rule": "spam",
        "reason": "Spam",
    }
    restraints.ban(**ban, now=make.NOW)

    decide(stream, appeal(noa), stream.host.user, overturn=True)

    assert not restraints.banned(stream.id, noa.id, make.after(30))
    assert [t for t, _ in acts.told_user(noa)] == ["user.restrained", "user.pardoned", "appeal.decided"]


def test_overturning_an_old_mute_leaves_a_newer_one_alone() -> None:
    stream, noa = make.show(), make.user("Noa")
    given: dict[str, Any] = {
        "stream_id": stream.id,
        "user_id": noa.id,
        "by_id": acts.mod(stream).id,
        "rule": "spam",
    }
    restraints.mute(**given, reason="First", seconds=60, now=make.NOW)
    made = appeal(noa)
    restraints.mute(**given, reason="Second", seconds=600, now=make.after(5))

    decide(stream, made, stream.host.user, overturn=True)

    with pytest.raises(standing.Muted):
        acts.say(stream, noa, now=make.after(30))


def test_an_appeal_after_the_line_was_put_back_is_refused_and_one_before_is_still_answered() -> None:
    stream, noa = make.show(), make.user("Noa")
    max_ = acts.mod(stream)
    early, late = acts.removed(stream, noa, by=max_), acts.removed(stream, noa, by=max_)
    first = appeal(noa, Decision.objects.get(message=early))
    for line in (early, late):
        lines.restore(stream_id=stream.id, message_id=line.id, by_id=max_.id, now=make.after(11))

    with pytest.raises(appeals.NotAppealable):
        appeal(noa, Decision.objects.get(message=late, action="removed"))
    assert decide(stream, first, stream.host.user, overturn=True).outcome == "overturned"
    assert acts.decisions_of(early) == ["removed", "restored"]


def test_one_appeals_once_and_only_about_oneself() -> None:
    stream, noa = make.show(), make.user("Noa")
    acts.removed(stream, noa)
    first = appeal(noa)

    assert appeal(noa, text="And another thing") == first
    assert Appeal.objects.get().text == "I only asked"
    with pytest.raises(decisions.UnknownDecision):
        appeal(make.user("Ben"), first.decision)


@pytest.mark.parametrize("text", ["", "  ", "x" * 501, "\x00"])
def test_an_appeal_says_something(text: str) -> None:
    stream, noa = make.show(), make.user("Noa")
    acts.removed(stream, noa)

    with pytest.raises(appeals.NothingSaid):
        appeal(noa, text=text)


def test_a_hold_is_not_appealed_as_nobody_has_decided() -> None:
    stream, noa = make.show(), make.user("Noa")
    acts.held(stream, noa)

    with pytest.raises(appeals.NotAppealable):
        appeal(noa)


def test_who_decided_does_not_decide_the_appeal_while_somebody_else_can() -> None:
    stream, noa = make.show(), make.user("Noa")
    max_ = acts.mod(stream)
    acts.removed(stream, noa, by=max_)
    made = appeal(noa)

    with pytest.raises(appeals.OwnDecision):
        decide(stream, made, max_, overturn=False)
    assert decide(stream, made, stream.host.user, overturn=False).outcome == "upheld"


def test_a_host_alone_with_her_show_decides_about_her_own_decision() -> None:
    stream, noa = make.show(), make.user("Noa")
    acts.removed(stream, noa)
    acts.mod(stream, Right.REMOVE)  # Cannot decide appeals, so does not count.

    assert decide(stream, appeal(noa), stream.host.user, overturn=True).outcome == "overturned"


def test_a_host_with_a_reviewer_leaves_it_to_the_reviewer() -> None:
    stream, noa = make.show(), make.user("Noa")
    acts.removed(stream, noa)
    reviewer = acts.mod(stream, Right.REVIEW)
    made = appeal(noa)

    with pytest.raises(appeals.OwnDecision):
        decide(stream, made, stream.host.user, overturn=False)
    assert decide(stream, made, reviewer, overturn=True).outcome == "overturned"


def test_nobody_decides_about_an_appeal_of_ones_own() -> None:
    stream, noa = make.show(), make.user("Noa")
    acts.removed(stream, noa)
    made = appeal(noa)
    acts.mod(stream, user=noa)

    with pytest.raises(appeals.OwnDecision):
        decide(stream, made, noa, overturn=True)


def test_not_even_a_host_alone_decides_about_an_appeal_of_her_own() -> None:
    stream = make.show()
    acts.removed(stream, stream.host.user, by=acts.mod(stream, Right.REMOVE))
    made = appeal(stream.host.user)

    with pytest.raises(appeals.OwnDecision):
        decide(stream, made, stream.host.user, overturn=True)
    staff = make.user("Ops")
    User.objects.filter(pk=staff.pk).update(is_staff=True)
    assert decide(stream, made, staff, overturn=True).outcome == "overturned"


def test_the_same_outcome_again_is_once_and_another_is_refused() -> None:
    stream, noa = make.show(), make.user("Noa")
    line = acts.removed(stream, noa, by=acts.mod(stream))
    made = appeal(noa)

    for _ in range(2):
        decide(stream, made, stream.host.user, overturn=True)
    with pytest.raises(decisions.AlreadyDecided):
        decide(stream, made, stream.host.user, overturn=False)
    assert acts.decisions_of(line) == ["removed", "restored"]


def test_appeals_of_another_show_are_not_hers_to_decide() -> None:
    stream, other, noa = make.show(), make.show(make.host("Eve")), make.user("Noa")
    acts.removed(stream, noa)
    made = appeal(noa)

    with pytest.raises(queries.UnknownShow):
        decide(stream, made, other.host.user, overturn=True)
    with pytest.raises(appeals.UnknownAppeal):
        decide(other, made, other.host.user, overturn=True)
    with pytest.raises(standing.MissingRight):
        decide(stream, made, acts.mod(stream, Right.REMOVE), overturn=True)
