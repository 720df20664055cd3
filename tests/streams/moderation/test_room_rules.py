"""The chat's rules: pace, followers only, the pinned comment, questions, reports, moderators, word lists."""

from typing import Any
from uuid import uuid4

import pytest

from commerce.models import Event
from streams import bodies, chat, follows, queries
from streams.models import BlockedWord, Follow, Report, Right
from streams.moderation import (
    filters,
    mode,
    moderators,
    questions,
    reports,
    restraints,
    rules,
    standing,
    words,
)
from tests.streams import make
from tests.streams.moderation import acts

pytestmark = pytest.mark.django_db(transaction=True)


def followers_only(stream: Any, on: bool = True) -> None:
    mode.change(stream_id=stream.id, by_id=stream.host.user_id, followers_only=on, now=make.NOW)


# --- followers only, slow mode ---


def test_followers_only_lets_followers_speak() -> None:
    stream, noa = make.show(), make.user("Noa")
    followers_only(stream)

    with pytest.raises(chat.FollowersOnly) as refused:
        acts.say(stream, noa)
    assert refused.value.code == "FOLLOWERS_ONLY"
    for _ in range(2):
        follows.follow(stream_id=stream.id, user_id=noa.id, now=make.NOW)
    assert not acts.say(stream, noa).held
    follows.unfollow(stream_id=stream.id, user_id=noa.id)
    with pytest.raises(chat.FollowersOnly):
        acts.say(stream, noa)


def test_followers_of_another_host_are_no_followers_here() -> None:
    stream, other, noa = make.show(), make.show(make.host("Eve")), make.user("Noa")
    followers_only(stream)
    follows.follow(stream_id=other.id, user_id=noa.id, now=make.NOW)

    with pytest.raises(chat.FollowersOnly):
        acts.say(stream, noa)


def test_slow_mode_and_followers_only_do_not_bind_those_who_keep_order() -> None:
    stream = make.show()
    max_ = acts.mod(stream, Right.PIN)
    followers_only(stream)
    mode.change(stream_id=stream.id, by_id=stream.host.user_id, slow_s=60, now=make.NOW)

    for _ in range(3):
        acts.say(stream, stream.host.user)
        acts.say(stream, max_)


def test_the_room_is_told_both_rules_with_every_change_and_nothing_of_none() -> None:
    stream = make.show()
    followers_only(stream)
    followers_only(stream)
    mode.change(stream_id=stream.id, by_id=stream.host.user_id, slow_s=5, now=make.NOW)

    assert [d for t, d in make.told(stream) if t == "chat.mode"] == [
        {"slow_s": 0, "followers_only": True},
        {"slow_s": 5, "followers_only": True},
    ]


def test_nobody_follows_oneself() -> None:
    stream = make.show()

    with pytest.raises(follows.OwnShow):
        follows.follow(stream_id=stream.id, user_id=stream.host.user_id, now=make.NOW)
    assert not Follow.objects.exists()


@pytest.mark.parametrize("right", [right for right in Right.values if right != "pace"])
def test_only_the_right_to_pace_changes_the_rules(right: str) -> None:
    stream = make.show()

    with pytest.raises(standing.MissingRight):
        mode.change(stream_id=stream.id, by_id=acts.mod(stream, right).id, slow_s=5, now=make.NOW)


# --- the pinned comment ---


def pin(stream: Any, line: Any, by: Any = None) -> None:
    by_id = by.id if by else stream.host.user_id
    mode.pin(stream_id=stream.id, message_id=line.id, by_id=by_id, now=make.NOW)


def test_one_line_is_pinned_at_a_time_and_told() -> None:
    stream = make.show()
    one, two = acts.line(stream), acts.line(stream)

    for line in (one, one, two):
        pin(stream, line)
    stream.refresh_from_db()
    pinned = mode.pinned(stream)
    for _ in range(2):
        mode.unpin(stream_id=stream.id, by_id=stream.host.user_id, now=make.NOW)

    assert pinned is not None and pinned["id"] == str(two.id)
    told = [(t, d["id"]) for t, d in make.told(stream)[1:]]
    assert told == [
        ("chat.pinned", str(one.id)),
        ("chat.pinned", str(two.id)),
        ("chat.unpinned", str(two.id)),
    ]


def test_what_nobody_sees_is_not_pinned() -> None:
    stream = make.show()

    for line in (acts.held(stream), acts.removed(stream)):
        with pytest.raises(mode.NotShown):
            pin(stream, line)


def test_a_line_of_another_show_is_not_pinned() -> None:
    stream, other = make.show(), make.show(make.host("Eve"))

    with pytest.raises(queries.UnknownMessage):
        pin(stream, acts.line(other))
    with pytest.raises(standing.MissingRight):
        pin(stream, acts.line(stream), by=acts.mod(stream, Right.BAN))


# --- questions ---


def ask(stream: Any, product: Any = None, text: str = "Which shade is that?") -> Any:
    return acts.say(
        stream, make.user(), text, question=True, product_id=product.id if product else None
    ).message


def test_a_question_is_a_line_tied_to_a_product_and_answered_once() -> None:
    product = make.product()
    stream = make.show(products=(product,))
    asked, other = ask(stream, product), ask(stream)

    body = chat.latest(stream_id=stream.id)[0]["question"]
    assert body == {"item": str(make.item(stream).id), "product": str(product.id), "answered_at": None}
    for _ in range(2):
        questions.answer(
            stream_id=stream.id, question_id=asked.id, by_id=stream.host.user_id, now=make.after(9)
        )

    assert [d["id"] for t, d in make.told(stream) if t == "question.answered"] == [str(asked.id)]
    assert chat.latest(stream_id=stream.id)[0]["question"]["answered_at"] is not None
    assert [each.pk for each in questions.of_show(stream_id=stream.id, answered=False)] == [other.id]
    assert [each.pk for each in questions.of_show(stream_id=stream.id, product_id=product.id)] == [asked.id]


def test_an_answer_can_be_taken_back() -> None:
    stream = make.show()
    asked = ask(stream)
    for answered in (True, False):
        questions.answer(
            stream_id=stream.id,
            question_id=asked.id,
            by_id=stream.host.user_id,
            answered=answered,
            now=make.NOW,
        )

    assert make.told(stream)[-1][1]["answered_at"] is None


def test_a_question_of_another_shows_product_is_refused() -> None:
    stream, other = make.show(), make.show(make.host("Eve"), products=(make.product(),))

    with pytest.raises(chat.UnknownProduct):
        ask(stream, make.item(other).product)


def test_questions_are_answered_by_right_and_in_their_show() -> None:
    stream, other = make.show(), make.show(make.host("Eve"))
    asked, plain = ask(stream), acts.line(stream)

    def answer(where: Any, what: Any, by: Any) -> None:
        questions.answer(stream_id=where.id, question_id=what.id, by_id=by.id, now=make.NOW)

    with pytest.raises(standing.MissingRight):
        answer(stream, asked, acts.mod(stream, Right.MUTE))
    with pytest.raises(questions.UnknownQuestion):
        answer(other, asked, other.host.user)
    with pytest.raises(questions.UnknownQuestion):
        answer(stream, plain, stream.host.user)
    answer(stream, asked, acts.mod(stream, Right.QUESTIONS))


# --- reports ---


def report(stream: Any, line: Any, by: Any = None, category: str = "spam", note: str = "") -> Report:
    by_id = (by or make.user()).id
    return reports.make(
        stream_id=stream.id, message_id=line.id, by_id=by_id, category=category, note=note, now=make.NOW
    )


def test_a_viewer_reports_a_line_once() -> None:
    stream, noa = make.show(), make.user("Noa")
    line = acts.line(stream)

    assert report(stream, line, noa) == report(stream, line, noa, category="scam")
    assert Report.objects.get().category == "spam"
    assert chat.latest(stream_id=stream.id)[0]["id"] == str(line.id)


def test_what_cannot_be_seen_or_is_ones_own_is_not_reported() -> None:
    stream, other, noa = make.show(), make.show(make.host("Eve")), make.user("Noa")

    for line in (acts.held(stream), acts.removed(stream), acts.line(other)):
        with pytest.raises(queries.UnknownMessage):
            report(stream, line)
    with pytest.raises(reports.OwnLine):
        report(stream, acts.line(stream, noa), noa)
    with pytest.raises(reports.UnknownCategory):
        report(stream, acts.line(stream), category="boring")
    with pytest.raises(rules.ReasonMissing):
        report(stream, acts.line(stream), note="x" * 201)


# --- moderators ---


def appoint(stream: Any, by: Any, rights: Any = ("ban",), **who: Any) -> Any:
    return moderators.appoint(stream_id=stream.id, by_id=by.id, rights=rights, now=make.NOW, **who)


def test_a_host_appoints_by_id_or_address_changes_rights_and_dismisses() -> None:
    stream, max_ = make.show(), make.user("Max")

    appoint(stream, stream.host.user, email=f" {max_.email.upper()} ")
    appoint(stream, stream.host.user, user_id=max_.id, rights=["mute", "pin", "mute"])
    assert acts.rights_of(stream, max_) == ["mute", "pin"]
    assert bodies.said(acts.line(stream, max_))["user"]["role"] == "mod"
    moderators.dismiss(stream_id=stream.id, by_id=stream.host.user_id, user_id=max_.id, now=make.NOW)

    with pytest.raises(moderators.UnknownModerator):
        moderators.dismiss(stream_id=stream.id, by_id=stream.host.user_id, user_id=max_.id, now=make.NOW)
    told = [(t, d["role"], d["rights"]) for t, d in acts.told_user(max_)]
    assert told == [
        ("user.rights", "mod", ["ban"]),
        ("user.rights", "mod", ["mute", "pin"]),
        ("user.rights", "viewer", []),
    ]
    assert Event.objects.filter(name="access.changed", payload__user=str(max_.id)).count() == 3


def test_moderators_appoint_nobody_and_a_stranger_sees_no_show() -> None:
    stream, other = make.show(), make.show(make.host("Eve"))

    with pytest.raises(moderators.HostOnly):
        appoint(stream, acts.mod(stream), user_id=make.user().id)
    for stranger in (make.user(), other.host.user):
        with pytest.raises(queries.UnknownShow):
            appoint(stream, stranger, user_id=make.user().id)


def test_who_cannot_be_a_moderator_is_refused() -> None:
    stream, noa = make.show(), make.user("Noa")
    host = stream.host.user

    with pytest.raises(moderators.IsHost):
        appoint(stream, host, user_id=host.id)
    with pytest.raises(restraints.UnknownUser):
        appoint(stream, host, user_id=uuid4())
    with pytest.raises(restraints.UnknownUser):
        appoint(stream, host, email="nobody@example.com")
    for wrong in ([], ["fly"]):
        with pytest.raises(moderators.BadRights):
            appoint(stream, host, user_id=noa.id, rights=wrong)
    restraints.ban(stream_id=stream.id, user_id=noa.id, by_id=host.id, rule="spam", reason="x", now=make.NOW)
    with pytest.raises(moderators.Restrained):
        appoint(stream, host, user_id=noa.id)


def test_there_are_only_so_many_moderators(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moderators, "MOST", 2)
    stream = make.show()
    acts.mod(stream), acts.mod(stream)

    with pytest.raises(moderators.TooManyModerators):
        acts.mod(stream)


# --- word lists and floods ---


def add(stream: Any, text: str) -> BlockedWord:
    return words.add(host_id=stream.host_id, text=text, by_id=stream.host.user_id, now=make.NOW)


def test_a_hosts_own_word_holds_in_her_shows_and_in_no_others() -> None:
    stream, other = make.show(), make.show(make.host("Eve"))
    add(stream, "Dupe")

    assert acts.say(stream, make.user(), "this is a d.u.p.é !").held
    assert not acts.say(stream, make.user(), "duped again").held
    assert not acts.say(other, make.user(), "a dupe").held


def test_a_word_is_there_once_however_it_is_written_and_can_be_dropped() -> None:
    stream, other = make.show(), make.show(make.host("Eve"))
    word = add(stream, "Dupe")

    assert add(stream, " dupé\u200b ").id == word.id
    with pytest.raises(words.UnknownWord):
        words.drop(host_id=other.host_id, word_id=word.id)
    words.drop(host_id=stream.host_id, word_id=word.id)
    assert words.of_host(stream.host_id) == []
    assert not acts.say(stream, make.user(), "dupe").held


@pytest.mark.parametrize("text", ["", "x", "!!", "__", "c++", "x" * 61, "\u200b\u200b\u200b"])
def test_what_is_no_word_is_refused(text: str) -> None:
    with pytest.raises(words.BadWord):
        add(make.show(), text)


def test_a_list_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "MAX_WORDS", 1)
    stream = make.show()
    add(stream, "dupe")

    with pytest.raises(words.TooManyWords):
        add(stream, "fake")


def test_the_same_text_by_one_viewer_is_held_the_third_time() -> None:
    stream, noa = make.show(), make.user("Noa")

    assert [acts.say(stream, noa, f"follow ME, now{'!' * n}").held for n in range(3)] == [False, False, True]
    assert not any(acts.say(stream, make.user("Ali"), "❤️" * n).held for n in range(1, 5))
    assert [acts.say(make.show(make.host("Eve")), make.user("Ben"), "follow me").held for _ in range(2)] == [
        False
    ] * 2
    ben = make.user("Ben")
    assert [acts.say(stream, ben, "Follow  me now").held for _ in range(3)] == [False, False, True]


def test_a_raid_is_held_and_a_cheering_crowd_is_not() -> None:
    stream = make.show()

    raid = [acts.say(stream, make.user(), "everybody come over to the other show").held for _ in range(7)]
    cheer = [acts.say(stream, make.user(), "so beautiful!").held for _ in range(12)]

    assert raid == [False] * 5 + [True] * 2
    assert not any(cheer)


def test_a_filter_that_fails_holds_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def check(self, text: str) -> None:
            raise RuntimeError

    monkeypatch.setattr(filters, "platform", lambda: filters.Watch([Broken()], seconds=1))
    stream, noa = make.show(), make.user("Noa")

    assert acts.say(stream, noa, "Is it available in red?").held
    assert acts.told_user(noa)[0][1]["rule"] == rules.UNCHECKED
