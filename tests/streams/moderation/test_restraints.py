"""Mutes and bans: they bind at once, for as long as was said, are told with their reason, and are lifted."""

from typing import Any

import pytest

from commerce.models import Event, User
from streams import queries
from streams.models import ChatMessage, Decision, Restraint, Right
from streams.moderation import reports, restraints, rules, standing
from tests.streams import make
from tests.streams.moderation import acts

pytestmark = pytest.mark.django_db(transaction=True)


def mute(stream: Any, user: User, by: User | None = None, **more: Any) -> Restraint:
    given: dict[str, Any] = {"seconds": 60, "rule": "abuse", "reason": "Insults", "now": make.NOW} | more
    by_id = by.id if by else stream.host.user_id
    return restraints.mute(stream_id=stream.id, user_id=user.id, by_id=by_id, **given)


def ban(stream: Any, user: User, by: User | None = None, **more: Any) -> Restraint:
    given: dict[str, Any] = {"rule": "scam", "reason": "Fake shop", "now": make.NOW} | more
    by_id = by.id if by else stream.host.user_id
    return restraints.ban(stream_id=stream.id, user_id=user.id, by_id=by_id, **given)


def pardon(stream: Any, user: User, by: User | None = None, **more: Any) -> list[Restraint]:
    by_id = by.id if by else stream.host.user_id
    return restraints.pardon(
        stream_id=stream.id, user_id=user.id, by_id=by_id, **({"now": make.after(9)} | more)
    )


def test_whoever_is_muted_is_refused_until_the_time_is_over() -> None:
    stream, noa = make.show(), make.user("Noa")
    mute(stream, noa, seconds=60)

    with pytest.raises(standing.Muted) as refused:
        acts.say(stream, noa, now=make.after(59))

    assert refused.value.code == "MUTED"
    assert refused.value.data["reason"] == "Insults"
    assert not acts.say(stream, noa, now=make.after(61)).held


def test_whoever_is_muted_is_told_until_when_and_why() -> None:
    stream, noa = make.show(), make.user("Noa")

    restraint = mute(stream, noa)

    [(t, d)] = acts.told_user(noa)
    assert t == "user.restrained"
    assert (d["kind"], d["rule"], d["reason"], d["appealable"]) == ("mute", "abuse", "Insults", True)
    assert d["until"] == int(make.after(60).timestamp() * 1000)
    assert Event.objects.filter(name="access.changed", payload__user=str(noa.id)).count() == 1
    assert restraints.of_user(stream_id=stream.id, user_id=noa.id, now=make.NOW) == [d]
    assert Decision.objects.get().restraint == restraint


def test_a_mute_counts_in_its_show_only() -> None:
    stream, noa = make.show(), make.user("Noa")
    mute(stream, noa)

    assert not acts.say(make.show(make.host("Eve")), noa).held


def test_a_ban_is_for_the_whole_show_or_for_a_time() -> None:
    stream, noa, ben = make.show(), make.user("Noa"), make.user("Ben")
    ban(stream, noa)
    ban(stream, ben, seconds=60)

    with pytest.raises(standing.Banned) as refused:
        acts.say(stream, noa, now=make.after(86_400))
    assert refused.value.code == "BANNED"
    assert restraints.banned(stream.id, noa.id, make.after(10**6))
    assert restraints.banned(stream.id, ben.id, make.after(59))
    assert not restraints.banned(stream.id, ben.id, make.after(61))
    assert not restraints.banned(stream.id, make.user().id, make.NOW)


def test_a_mute_is_no_ban() -> None:
    stream, noa = make.show(), make.user("Noa")
    mute(stream, noa)

    assert not restraints.banned(stream.id, noa.id, make.NOW)


def test_whoever_is_pardoned_may_speak_at_once_and_is_told() -> None:
    stream, noa = make.show(), make.user("Noa")
    mute(stream, noa)
    ban(stream, noa)

    assert {each.kind for each in pardon(stream, noa, reason="Said sorry")} == {"mute", "ban"}

    assert not acts.say(stream, noa, now=make.after(10)).held
    assert pardon(stream, noa) == []
    assert [t for t, _ in acts.told_user(noa)] == ["user.restrained"] * 2 + ["user.pardoned"] * 2
    assert Event.objects.filter(name="access.changed").count() == 4
    lifted = Decision.objects.filter(action="lifted").values_list("reason", "undoes__action")
    assert sorted(lifted) == [("Said sorry", "banned"), ("Said sorry", "muted")]


def test_a_repetition_changes_nothing_and_a_longer_mute_takes_the_place() -> None:
    stream, noa = make.show(), make.user("Noa")
    first = mute(stream, noa)

    again = mute(stream, noa, now=make.after(2))
    longer = mute(stream, noa, seconds=600, now=make.after(3))

    assert first.id == again.id == longer.id
    assert (again.until, longer.until) == (make.after(60), make.after(603))
    assert Decision.objects.count() == 2


def test_whoever_was_pardoned_can_be_muted_again() -> None:
    stream, noa = make.show(), make.user("Noa")
    mute(stream, noa)
    pardon(stream, noa)

    mute(stream, noa, now=make.after(10))

    with pytest.raises(standing.Muted):
        acts.say(stream, noa, now=make.after(11))


@pytest.mark.parametrize("seconds", [0, 9, -5, 86_401])
def test_a_mute_is_for_ten_seconds_to_a_day(seconds: int) -> None:
    with pytest.raises(restraints.BadTime):
        mute(make.show(), make.user(), seconds=seconds)


def test_host_staff_and_moderators_are_not_restrained() -> None:
    stream, op = make.show(), make.user("Op")
    User.objects.filter(pk=op.pk).update(is_staff=True)

    for user in (stream.host.user, op, acts.mod(stream)):
        with pytest.raises(restraints.KeepsOrder):
            mute(stream, user)
        with pytest.raises(restraints.KeepsOrder):
            ban(stream, user)


def test_each_right_gives_its_own_restraint_only() -> None:
    stream, noa = make.show(), make.user("Noa")
    muter, banner = acts.mod(stream, Right.MUTE), acts.mod(stream, Right.BAN)

    with pytest.raises(standing.MissingRight):
        ban(stream, noa, by=muter)
    with pytest.raises(standing.MissingRight):
        mute(stream, noa, by=banner)
    mute(stream, noa, by=muter)
    ban(stream, noa, by=banner)
    with pytest.raises(standing.MissingRight):
        pardon(stream, noa, by=muter)
    assert [each.kind for each in pardon(stream, noa, by=muter, kind="mute")] == ["mute"]


def test_strangers_and_other_hosts_restrain_nobody_here() -> None:
    stream, noa = make.show(), make.user("Noa")

    for stranger in (make.user(), make.show(make.host("Eve")).host.user):
        with pytest.raises(queries.UnknownShow):
            mute(stream, noa, by=stranger)
        with pytest.raises(queries.UnknownShow):
            pardon(stream, noa, by=stranger)


def test_a_user_who_is_not_there_is_not_found() -> None:
    with pytest.raises(restraints.UnknownUser):
        mute(make.show(), User(email="x@example.com"))


def test_a_reason_is_asked_for() -> None:
    with pytest.raises(rules.ReasonMissing):
        mute(make.show(), make.user(), rule="other", reason="")


def test_the_muted_may_still_report_and_the_banned_may_not() -> None:
    stream, noa = make.show(), make.user("Noa")
    line = acts.line(stream)
    mute(stream, noa)
    report: dict[str, Any] = {
        "stream_id": stream.id,
        "message_id": line.id,
        "by_id": noa.id,
        "category": "spam",
    }

    assert reports.make(**report, now=make.NOW).category == "spam"
    ban(stream, noa)
    with pytest.raises(standing.Banned):
        reports.make(**report, now=make.NOW)


def test_the_database_itself_refuses_a_line_of_the_restrained(monkeypatch: pytest.MonkeyPatch) -> None:
    stream, noa = make.show(), make.user("Noa")
    mute(stream, noa)
    monkeypatch.setattr(standing.Standing, "check_free", lambda self: None)

    with pytest.raises(standing.Muted):
        acts.say(stream, noa)
    assert not ChatMessage.objects.exists()
