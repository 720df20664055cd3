"""Chat: who may say what how often, once per key; and what a host may take down."""

from typing import Any
from uuid import uuid4

import pytest
import redis
from django.db import connection
from django.test.utils import CaptureQueriesContext

from commerce.models import Event
from streams import bodies, chat, queries, showlog
from streams.frames import wire
from streams.models import ChatMessage
from streams.moderation import mode, words
from tests.streams import make

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


def say(stream: Any, author: Any, text: str = "Hi", **more: Any) -> chat.Said:
    return chat.say(
        **{"stream_id": stream.id, "author_id": author.id, "key": uuid4(), "text": text, "now": make.NOW}
        | more
    )


def test_a_line_is_stored_and_then_heard(published: Any) -> None:
    stream, noa = make.show(), make.user("Noa")

    said = say(stream, noa, "  Which   shade\tis\nthat?\u202e ")

    assert said.message.text == "Which shade is that?"
    assert published() == ["Which shade is that?"]
    assert chat.latest(stream_id=stream.id) == [
        {
            "id": str(said.message.id),
            "user": {"id": str(noa.id), "name": "Noa", "role": "viewer"},
            "text": "Which shade is that?",
            "at": bodies.unix_ms(make.NOW),
        }
    ]


def test_the_same_key_says_nothing_twice(published: Any) -> None:
    stream, noa, key = make.show(), make.user(), uuid4()

    first = say(stream, noa, key=key)
    again = say(stream, noa, key=key)

    assert (first.replayed, again.replayed) == (False, True)
    assert again.message.id == first.message.id
    assert ChatMessage.objects.count() == 1


def test_the_same_key_with_another_line_is_refused() -> None:
    stream, noa, key = make.show(), make.user(), uuid4()
    say(stream, noa, key=key)

    with pytest.raises(chat.KeyReused):
        say(stream, noa, "Something else", key=key)
    with pytest.raises(chat.KeyReused):
        say(make.show(make.host()), noa, key=key)


def test_two_people_may_use_the_same_key() -> None:
    stream, key = make.show(), uuid4()

    assert not say(stream, make.user("Noa"), key=key).replayed
    assert not say(stream, make.user("Ben"), key=key).replayed


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "\u202e\u200f",
        "\u200b\u2060\u202e",
        "x" * 201,
        "ㅤ",
        "⠀" * 20,
        "\u200d",
        "\U000e0041" * 50,
        " ́̂",
    ],
)
def test_an_empty_or_endless_line_is_refused(text: str) -> None:
    with pytest.raises(chat.NothingSaid):
        say(make.show(), make.user(), text)


def test_accents_do_not_cover_the_lines_of_others() -> None:
    assert chat.cleaned("e" + "\u0301" * 150) == "e" + "\u0301" * chat.MARKS
    for kept in ("Tiếng Việt", "เก้าอี้", "नमस्ते", "👩‍👩‍👧", "שָׁלוֹם", "ok 👍🏽", "3€"):
        assert chat.cleaned(kept) == kept


def test_a_viewer_who_writes_too_fast_is_asked_to_wait() -> None:
    stream, noa = make.show(), make.user()
    for _ in range(chat.LINES):
        say(stream, noa)

    with pytest.raises(chat.TooFast) as refused:
        say(stream, noa)

    assert refused.value.retry_ms is not None
    assert 0 < refused.value.retry_ms <= chat.SECONDS * 1000
    say(stream, make.user("Ben"))


def test_in_slow_mode_each_viewer_says_one_line_at_a_time_and_the_host_what_she_likes() -> None:
    stream, noa = make.show(), make.user()
    chat.slow(host_id=stream.host_id, stream_id=stream.id, seconds=30)
    say(stream, noa)

    with pytest.raises(chat.SlowMode) as refused:
        say(stream, noa)

    assert refused.value.code == "SLOW_MODE"
    assert refused.value.temporary
    for _ in range(7):
        say(stream, stream.host.user)


def test_the_room_is_told_of_slow_mode_once() -> None:
    stream = make.show()
    Event.objects.all().delete()

    for _ in range(2):
        chat.slow(host_id=stream.host_id, stream_id=stream.id, seconds=30)

    assert [event.payload["d"] for event in Event.objects.filter(name="room.told")] == [
        {"slow_s": 30, "followers_only": False}
    ]


@pytest.mark.parametrize("seconds", [-1, 3601])
def test_a_senseless_pace_is_refused(seconds: int) -> None:
    stream = make.show()

    with pytest.raises(mode.BadPace):
        chat.slow(host_id=stream.host_id, stream_id=stream.id, seconds=seconds)


def test_another_hosts_chat_is_not_hers_to_change() -> None:
    stream, other = make.show(), make.host("Eve")
    line = say(stream, make.user()).message

    with pytest.raises(queries.UnknownMessage):
        chat.remove(host_id=other.id, message_id=line.id, by_id=other.user_id, now=make.NOW)
    with pytest.raises(queries.UnknownShow):
        chat.slow(host_id=other.id, stream_id=stream.id, seconds=5)
    line.refresh_from_db()
    assert line.removed_at is None


def test_a_line_taken_down_is_not_shown_and_not_lost() -> None:
    stream = make.show()
    line = say(stream, make.user(), "Buy elsewhere!").message

    chat.remove(host_id=stream.host_id, message_id=line.id, by_id=stream.host.user_id, now=make.NOW)

    assert chat.latest(stream_id=stream.id) == []
    line.refresh_from_db()
    assert (line.text, line.removed_by_id, line.removed_at) == (
        "Buy elsewhere!",
        stream.host.user_id,
        make.NOW,
    )


def test_a_line_taken_down_is_not_said_again_by_its_key(published: Any) -> None:
    stream, noa, key = make.show(), make.user(), uuid4()
    line = say(stream, noa, key=key).message
    chat.remove(host_id=stream.host_id, message_id=line.id, by_id=stream.host.user_id, now=make.NOW)
    published()

    assert say(stream, noa, key=key).replayed
    assert published() == []


def test_a_show_that_is_over_is_silent() -> None:
    stream = make.show()
    type(stream).objects.filter(pk=stream.pk).update(status="ended", ended_at=make.NOW)

    with pytest.raises(chat.ChatClosed):
        say(stream, make.user())


def test_a_show_that_is_not_there_hears_nothing() -> None:
    with pytest.raises(queries.UnknownShow):
        chat.say(stream_id=uuid4(), author_id=make.user().id, key=uuid4(), text="Hi", now=make.NOW)


def test_newcomers_are_told_the_last_lines() -> None:
    stream = make.show()
    author = make.user()
    ChatMessage.objects.bulk_create(
        ChatMessage(stream=stream, author=author, key=uuid4(), text=str(n), at=make.after(n))
        for n in range(60)
    )

    assert [line["text"] for line in chat.latest(stream_id=stream.id)] == [str(n) for n in range(10, 60)]


def test_a_line_that_could_not_be_published_is_stored_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    stream, noa = make.show(), make.user()

    def down(**_: Any) -> None:
        raise redis.ConnectionError("down")

    monkeypatch.setattr(showlog, "tell_chat", down)

    assert not say(stream, noa).replayed
    assert ChatMessage.objects.count() == 1


def test_a_line_costs_three_statements_however_many_moderators_and_words_there_are() -> None:
    stream, noa = make.show(), make.user("Noa")
    for word in ("dupe", "fake"):
        words.add(host_id=stream.host_id, text=word, by_id=stream.host.user_id, now=make.NOW)
    say(stream, noa, "Warm up")  # Reads the host's list, kept for seconds.

    with CaptureQueriesContext(connection) as asked:
        say(stream, noa, "Is it matte?")

    verbs = [query["sql"].split()[0] for query in asked.captured_queries]
    assert verbs == ["SELECT", "SELECT", "INSERT"]
