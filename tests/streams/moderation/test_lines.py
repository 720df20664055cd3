"""Lines: held for a human, decided with actor, rule and reason, told to whom it concerns, and undone."""

from typing import Any

import pytest
import redis

from commerce.models import User
from streams import chat, queries
from streams.frames import wire
from streams.models import ChatMessage, Decision, Report, Right
from streams.moderation import decisions, lines, mode, reports, rules, standing
from tests.streams import make
from tests.streams.moderation import acts

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def published(redis_server: redis.Redis) -> Any:
    """Return a function that gives the chat lines which all rooms have heard so far."""
    ear = redis_server.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
    ear.psubscribe("lc:*:c")
    ear.get_message(timeout=1)

    def texts() -> list[str]:
        found = []
        while (message := ear.get_message(timeout=0.1)) is not None:
            kind, *_, frame = message["data"].decode().split("|", 3)
            [event] = wire.check(frame)
            if kind == "b":  # Not what a live process of an earlier test still counts.
                found.append(event["d"]["text"])
        return found

    yield texts
    ear.close()


def decide(stream: Any, line: ChatMessage, *, show: bool, by: Any = None, **more: Any) -> ChatMessage:
    by_id = by.id if by else stream.host.user_id
    return lines.decide(
        stream_id=stream.id, message_id=line.id, by_id=by_id, show=show, now=make.after(5), **more
    )


def remove(stream: Any, line: ChatMessage, by: Any = None, **more: Any) -> ChatMessage:
    by_id = by.id if by else stream.host.user_id
    given = {"rule": "spam", "reason": "Again and again"} | more
    return lines.remove(stream_id=stream.id, message_id=line.id, by_id=by_id, now=make.after(5), **given)


def restore(stream: Any, line: ChatMessage, by: Any = None) -> ChatMessage:
    by_id = by.id if by else stream.host.user_id
    return lines.restore(stream_id=stream.id, message_id=line.id, by_id=by_id, now=make.after(6))


# --- held ---


def test_a_line_that_a_filter_finds_something_in_is_held_and_nobody_else_hears_it(published: Any) -> None:
    stream, noa = make.show(), make.user("Noa")

    said = acts.say(stream, noa, acts.RUDE)

    assert said.held
    assert published() == []
    assert chat.latest(stream_id=stream.id) == []
    assert make.told_types(stream) == ["stream.status"]
    [(t, d)] = acts.told_user(noa)
    assert (t, d["text"], d["rule"], d["by"], d["appealable"]) == (
        "chat.held",
        acts.RUDE,
        rules.WORDS,
        "filter",
        False,
    )
    decision = Decision.objects.get()
    assert (decision.action, decision.actor_id, decision.matched) == ("held", None, "bullshit")


def test_a_held_line_said_again_by_its_key_is_still_held_and_one(published: Any) -> None:
    stream, noa = make.show(), make.user()
    first = acts.say(stream, noa, acts.RUDE)

    again = acts.say(stream, noa, acts.RUDE, key=first.message.key)

    assert (again.held, again.replayed) == (True, True)
    assert published() == []
    assert Decision.objects.count() == 1


def test_a_shown_line_takes_its_place_and_its_author_is_told() -> None:
    stream, noa = make.show(), make.user("Noa")
    line = acts.held(stream, noa)
    after = acts.line(stream, text="And then?")

    decide(stream, line, show=True, reason="Harmless")

    assert [each["text"] for each in chat.latest(stream_id=stream.id)] == [acts.RUDE, after.text]
    t, d = make.told(stream)[-1]
    assert (t, d["id"], d["text"]) == ("chat.restored", str(line.id), acts.RUDE)
    t, d = acts.told_user(noa)[-1]
    assert (t, d["action"], d["by"], d["reason"]) == ("chat.decided", "shown", "host", "Harmless")
    assert acts.decisions_of(line) == ["held", "shown"]


def test_a_held_line_that_is_removed_was_never_heard_of_but_its_author_is_told() -> None:
    stream, noa = make.show(), make.user("Noa")
    line = acts.held(stream, noa)

    decide(stream, line, show=False)

    assert make.told_types(stream) == ["stream.status"]
    t, d = acts.told_user(noa)[-1]
    assert (t, d["action"], d["rule"], d["appealable"]) == ("chat.decided", "removed", rules.WORDS, True)
    assert ChatMessage.objects.get(pk=line.pk).text == acts.RUDE


def test_the_same_verdict_again_changes_nothing_and_another_is_refused() -> None:
    stream = make.show()
    shown, gone = acts.held(stream), acts.held(stream)
    for _ in range(2):
        decide(stream, shown, show=True)
        decide(stream, gone, show=False)

    with pytest.raises(decisions.AlreadyDecided):
        decide(stream, shown, show=False)
    with pytest.raises(decisions.AlreadyDecided):
        decide(stream, gone, show=True)
    assert acts.decisions_of(shown) == ["held", "shown"]
    assert acts.decisions_of(gone) == ["held", "removed"]


def test_nobody_but_the_host_decides_about_a_line_of_her_own() -> None:
    stream, noa = make.show(), make.user("Noa")
    line = acts.held(stream, noa)
    acts.mod(stream, user=noa)

    with pytest.raises(lines.OwnLine):
        decide(stream, line, show=True, by=noa)


@pytest.mark.parametrize("who", ["host", "mod", "staff"])
def test_those_who_keep_order_are_not_filtered(who: str) -> None:
    stream = make.show()
    author = {"host": stream.host.user, "mod": acts.mod(stream, Right.PIN)}.get(who) or make.user("Op")
    if who == "staff":
        User.objects.filter(pk=author.pk).update(is_staff=True)

    assert not acts.say(stream, author, "bullshit, see cheapbags.com").held


def test_a_card_number_is_held_and_not_even_kept() -> None:
    stream, noa = make.show(), make.user()

    first = acts.say(stream, noa, "charge 4242 4242 4242 4242 please")
    again = acts.say(stream, noa, "charge 4242 4242 4242 4242 please", key=first.message.key)

    assert (first.held, again.held, again.replayed) == (True, True, True)
    assert ChatMessage.objects.get().text == "charge •••• •••• •••• 4242 please"
    assert "4242 4242" not in str(list(Decision.objects.values()))
    assert Decision.objects.get().rule == rules.CARD


def test_a_question_can_be_held_like_any_line() -> None:
    stream = make.show(products=(make.product(),))

    said = acts.say(stream, make.user(), "is this bullshit?", question=True)
    assert said.held

    decide(stream, said.message, show=True)
    assert chat.latest(stream_id=stream.id)[0]["question"]["answered_at"] is None


# --- taken down, put back ---


def test_a_removed_line_is_gone_for_the_room_with_rule_and_reason_for_its_author() -> None:
    stream, noa = make.show(), make.user("Noa")
    line = acts.line(stream, noa)

    remove(stream, line)

    assert make.told(stream)[-1] == ("chat.removed", {"id": str(line.id)})
    t, d = acts.told_user(noa)[-1]
    assert (t, d["rule"], d["reason"], d["appealable"]) == ("chat.decided", "spam", "Again and again", True)


def test_a_line_may_be_removed_restored_and_removed_again() -> None:
    stream = make.show()
    line = acts.line(stream)

    for _ in range(2):
        remove(stream, line)
        remove(stream, line)
        restore(stream, line)
        restore(stream, line)

    assert acts.decisions_of(line) == ["removed", "restored", "removed", "restored"]
    assert make.told_types(stream)[1:] == ["chat.removed", "chat.restored"] * 2
    assert [each["id"] for each in chat.latest(stream_id=stream.id)] == [str(line.id)]
    undoing = Decision.objects.filter(action="restored").values_list("undoes__action", flat=True)
    assert list(undoing) == ["removed", "removed"]


def test_a_removed_line_that_was_pinned_is_pinned_no_longer() -> None:
    stream = make.show()
    line = acts.line(stream)
    mode.pin(stream_id=stream.id, message_id=line.id, by_id=stream.host.user_id, now=make.NOW)

    remove(stream, line)

    stream.refresh_from_db()
    assert stream.pinned_line_id is None
    assert make.told_types(stream)[-2:] == ["chat.unpinned", "chat.removed"]


def test_a_held_line_is_not_restored_but_decided() -> None:
    stream = make.show()

    with pytest.raises(lines.NotDecided):
        restore(stream, acts.held(stream))


@pytest.mark.parametrize(
    ("rule", "reason", "refusal"),
    [
        ("other", "", rules.ReasonMissing),
        ("other", " \n", rules.ReasonMissing),
        ("spam", "x" * 201, rules.ReasonMissing),
        ("words", "why not", rules.UnknownRule),
        ("", "why not", rules.UnknownRule),
    ],
)
def test_whoever_removes_says_by_which_rule_and_why(rule: str, reason: str, refusal: type) -> None:
    stream = make.show()
    line = acts.line(stream)

    with pytest.raises(refusal):
        remove(stream, line, rule=rule, reason=reason)
    assert acts.decisions_of(line) == []


def test_a_reason_with_a_nul_is_stored_without_it() -> None:
    stream = make.show()
    line = acts.line(stream)

    remove(stream, line, reason="bad\x00 line\u202e")

    assert Decision.objects.get().reason == "bad line"


# --- reported ---


def reported(stream: Any, *categories: str) -> ChatMessage:
    line = acts.line(stream)
    for category in categories:
        reports.make(
            stream_id=stream.id, message_id=line.id, by_id=make.user().id, category=category, now=make.NOW
        )
    return line


def test_reports_hide_nothing_and_a_verdict_settles_them_all() -> None:
    stream = make.show()
    kept, gone = reported(stream, "spam", "scam"), reported(stream, "abuse", "spam", "spam")
    assert len(chat.latest(stream_id=stream.id)) == 2

    decide(stream, kept, show=True)
    decide(stream, gone, show=False)

    assert [each["id"] for each in chat.latest(stream_id=stream.id)] == [str(kept.id)]
    assert not Report.objects.filter(decision=None).exists()
    assert acts.decisions_of(kept) == ["kept"]
    removal = Decision.objects.get(message=gone)
    assert (removal.action, removal.rule, removal.reason) == ("removed", "spam", "Reported by viewers.")


def test_a_line_that_nobody_reported_needs_no_verdict() -> None:
    stream = make.show()
    line = acts.line(stream)

    decide(stream, line, show=True)
    with pytest.raises(decisions.AlreadyDecided):
        decide(stream, line, show=False)
    assert acts.decisions_of(line) == []


# --- who may ---


@pytest.mark.parametrize("right", [right for right in Right.values if right not in ("review", "remove")])
def test_other_rights_do_not_let_one_touch_lines(right: str) -> None:
    stream = make.show()
    max_, line, waits = acts.mod(stream, right), acts.line(stream), acts.held(stream)

    with pytest.raises(standing.MissingRight):
        remove(stream, line, by=max_)
    with pytest.raises(standing.MissingRight):
        decide(stream, waits, show=True, by=max_)
    with pytest.raises(standing.MissingRight):
        restore(stream, line, by=max_)


def test_each_right_does_its_own_and_no_more() -> None:
    stream = make.show()
    remover, reviewer = acts.mod(stream, Right.REMOVE), acts.mod(stream, Right.REVIEW)
    line, waits = acts.line(stream), acts.held(stream)

    with pytest.raises(standing.MissingRight):
        decide(stream, waits, show=True, by=remover)
    with pytest.raises(standing.MissingRight):
        remove(stream, line, by=reviewer)
    remove(stream, line, by=remover)
    decide(stream, waits, show=True, by=reviewer)


def test_for_a_viewer_and_for_another_host_there_is_no_such_show() -> None:
    stream, other = make.show(), make.show(make.host("Eve"))
    line, waits = acts.line(stream), acts.held(stream)

    for stranger in (make.user(), other.host.user):
        with pytest.raises(queries.UnknownShow):
            remove(stream, line, by=stranger)
        with pytest.raises(queries.UnknownShow):
            decide(stream, waits, show=True, by=stranger)


def test_a_line_of_another_show_is_unknown_in_ones_own() -> None:
    stream, other = make.show(), make.show(make.host("Eve"))
    line, waits = acts.line(stream), acts.held(stream)

    with pytest.raises(queries.UnknownMessage):
        remove(other, line)
    with pytest.raises(queries.UnknownMessage):
        restore(other, line)
    with pytest.raises(queries.UnknownMessage):
        decide(other, waits, show=True)
