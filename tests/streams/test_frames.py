"""Frames: whatever comes in ends in a frame or in a refusal, and what goes out is what the types say."""

import json
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce import errors
from streams.frames import BadFrame, VersionUnsupported, kinds, up, wire
from streams.live import dispatch

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
types = st.sampled_from([*kinds.UP, *dispatch.table()]) | st.text(max_size=12)
envelopes = st.fixed_dictionaries(
    {"v": st.just(1) | json_values, "t": types | json_values},
    optional={
        "id": st.integers(-2, 2**60) | json_values,
        "key": st.uuids().map(str) | json_values,
        "d": json_values,
        "x": json_values,
    },
).map(json.dumps)


def shape_of(t: str) -> type[Any]:
    return kinds.UP[t].body if t in kinds.UP else dispatch.table()[t].shape


def take(text: str | None) -> errors.Refusal | None:
    """Read a frame as the server does; return what it is refused with."""
    try:
        incoming = wire.read(text)
        if incoming.t in kinds.UP or incoming.t in dispatch.table():
            wire.body(incoming, shape_of(incoming.t))
    except errors.Refusal as refusal:
        return refusal
    return None


@given(st.text() | envelopes | st.binary().map(lambda data: data.decode("utf-8", "surrogateescape")))
def test_any_text_ends_in_a_frame_or_a_refusal(text: str) -> None:
    refusal = take(text)

    if refusal is not None:
        assert refusal.code in ("BAD_REQUEST", "VERSION_UNSUPPORTED", "BAD_IDEMPOTENCY_KEY")
        wire.check(wire.error(wire.number(text), refusal))


@given(st.integers(1, 3000), st.sampled_from(["[]", "{}", '{"a":']), st.booleans())
def test_any_depth_ends_in_a_frame_or_a_refusal(depth: int, shape: str, whole: bool) -> None:
    opening, closing = ('{"a":', "}") if "a" in shape else (shape[0], shape[1])
    nested = opening * depth + ("1" if "a" in shape else "") + (closing * depth if whole else "")

    assert isinstance(take(f'{{"v":1,"t":"chat.send","id":1,"d":{nested}}}'), BadFrame)


def test_brackets_inside_a_text_are_not_depth() -> None:
    text = json.dumps({"v": 1, "t": "chat.send", "id": 1, "d": {"text": "[" * 90 + '\\"{'}})

    incoming = wire.read(text)

    assert wire.body(incoming, up.ChatSend).text.count("[") == 90


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "null",
        "[]",
        "{}",
        '{"v":1}',
        '{"v":1,"t":7}',
        '{"v":"1","t":"pong"}',
        '{"v":1.0,"t":"pong"}',
        '{"v":1,"t":"pong","id":0}',
        '{"v":1,"t":"pong","id":-1}',
        '{"v":1,"t":"pong","id":9007199254740992}',
        '{"v":1,"t":"pong","id":1e3}',
        '{"v":1,"t":"pong","key":"not-a-uuid"}',
        '{"v":1,"t":"pong","more":1}',
        '{"v":1,"t":"pong"} {"v":1,"t":"pong"}',
        '{"v":1,"t":"pong"}\n{"v":1,"t":"pong"}',
        '{"v":1,"t":"pong","d":NaN}',
        '{"v":1,"t":"' + "x" * 41 + '"}',
        '{"v":1,"t":"chat.send","d":{"text":"' + "x" * 8200 + '"}}',
        '{"v":' + "9" * 4000 + ',"t":"pong"}',
        "\ud800",
        '{"v":1,"t":"\\ud800"}',
    ],
)
def test_what_is_no_frame_is_refused(text: str | None) -> None:
    with pytest.raises((BadFrame, VersionUnsupported)):
        wire.read(text)


@pytest.mark.parametrize(
    "rest",
    [
        '"key":"x"',
        '"key":7',
        '"key":"0192f0c47c1e7d539b521f0f7c2b9a10"',
        '"key":"{0192f0c4-7c1e-7d53-9b52-1f0f7c2b9a10}"',
        '"key":"urn:uuid:0192f0c4-7c1e-7d53-9b52-1f0f7c2b9a10"',
        '"key":"0192f0c4-7c1e-7d53-9b52-1f0f7c2b9a10\\n"',
    ],
)
def test_a_key_that_is_no_plain_uuid_has_its_code(rest: str) -> None:
    with pytest.raises(wire.BadKey) as refusal:
        wire.read('{"v":1,"t":"pong",' + rest + "}")

    assert (refusal.value.code, refusal.value.data) == (
        "BAD_IDEMPOTENCY_KEY",
        {"errors": {"key": "not a UUID"}},
    )


def test_a_plain_uuid_is_a_key() -> None:
    text = "0192F0C4-7c1e-7d53-9b52-1f0f7c2b9a10"

    assert wire.read(f'{{"v":1,"t":"pong","key":"{text}"}}').key == UUID(text)
    assert wire.read('{"v":1,"t":"pong","key":null}').key is None


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ('{"v":1,"t":"pong","id":7,"key":"x"}', 7),
        ('{"v":1,"t":"pong","id":7,"more":1}', 7),
        ('{"v":2,"t":"pong","id":7}', 7),
        ('{"id":7}', 7),
        ('{"v":1,"t":"pong","id":7,"d":{"text":"' + "x" * 9000 + '"}}', 7),
        ('{"v":1,"t":"pong","id":0,"more":1}', None),
        ('{"v":1,"t":"pong","id":"7"}', None),
        ('{"v":1,"t":"pong","more":1}', None),
        ('{"v":1,"t":"pong","id":7,', None),
        ('{"v":1,"t":"x","id":7,"d":' + "[" * 6000, None),
        ("[7]", None),
        ("\ud800", None),
        ("", None),
        (None, None),
    ],
)
def test_a_refused_frame_is_known_by_its_number_where_it_has_one(
    text: str | None, number: int | None
) -> None:
    with pytest.raises((BadFrame, VersionUnsupported)):
        wire.read(text)

    assert wire.number(text) == number


@pytest.mark.parametrize(
    ("shape", "d", "field"),
    [
        (up.ChatSend, {"text": ""}, "text"),
        (up.ChatSend, {"text": "x" * 201}, "text"),
        (up.ChatSend, {"text": "a\u0000b"}, "text"),
        (up.ChatSend, {}, "d"),
        (up.ChatSend, {"text": "a", "colour": "red"}, "d"),
        (up.ReactionSend, {"kind": "boo"}, "kind"),
        (up.ReactionSend, {"kind": "heart", "n": 21}, "n"),
        (up.Hello, {"ticket": "a b"}, "ticket"),
        (up.Hello, {"resume": {"s": {"epoch": "A!", "offset": 1}}}, "resume.s.epoch"),
        (up.Hello, {"resume": {"s": {"epoch": "a", "offset": -1}}}, "resume.s.offset"),
        (up.Hello, {"resume": {"s": {"epoch": "a", "offset": 2**53}}}, "resume.s.offset"),
        (up.TimeSync, {"c": True}, "c"),
    ],
)
def test_a_wrong_field_is_named(shape: type[Any], d: dict[str, Any], field: str) -> None:
    incoming = wire.read(json.dumps({"v": 1, "t": "x", "d": d}))

    with pytest.raises(BadFrame) as refused:
        wire.body(incoming, shape)

    assert list(refused.value.data["errors"]) == [field]


def test_another_major_version_is_said_so() -> None:
    with pytest.raises(VersionUnsupported):
        wire.read('{"v":2,"t":"hello","id":1}')


def test_a_command_without_the_key_it_needs_is_refused() -> None:
    frame = {"v": 1, "t": "chat.send", "id": 3, "d": {"text": "Hi"}}

    with pytest.raises(BadFrame) as refused:
        dispatch.read(wire.read(json.dumps(frame)))
    found, body = dispatch.read(wire.read(json.dumps({**frame, "key": str(UUID(int=1))})))

    assert list(refused.value.data["errors"]) == ["key"]
    assert found.shape is up.ChatSend
    assert isinstance(body, up.ChatSend)


def test_a_must_frame_is_whole_once_the_log_has_filled_its_place() -> None:
    head, tail = wire.must_halves("chat.mode", {"slow_s": 3}, ts=1_760_000_000_123)

    [event] = wire.check(f'{head}k3f9","o":7{tail}')

    assert event == {
        "v": 1,
        "t": "chat.mode",
        "l": "s",
        "e": "k3f9",
        "o": 7,
        "ts": 1_760_000_000_123,
        "d": {"slow_s": 3},
    }


def test_a_refusal_is_told_with_its_code_and_numbers() -> None:
    class Late(errors.Conflict):
        code = "OUT_OF_STOCK"
        message = "Gone."

    [event] = wire.check(wire.error(17, Late(variant="v", left=2, errors={"lines[0]": "gone"})))

    assert event["re"] == 17
    assert event["d"] == {
        "code": "OUT_OF_STOCK",
        "message": "Gone.",
        "temporary": False,
        "fields": {"lines[0]": "gone"},
        "data": {"variant": "v", "left": 2},
    }


@pytest.mark.parametrize(
    "frame",
    [
        wire.event("no.such.frame", {}),
        wire.event("chat.mode", {"slow_s": 1}),  # a must frame without a place
        wire.event("viewers.count", {"n": 1}),  # a state without key and version
        wire.state("viewers.count", "viewers", 1, {"n": -1}),
        wire.state("viewers.count", "viewers", 1, {"n": "1"}),
        wire.state("viewers.count", "viewers", 1, {"n": 1, "names": []}),
        wire.event("ping", {}, re=1),
    ],
)
def test_the_check_of_sent_frames_can_fail(frame: str) -> None:
    with pytest.raises((ValueError, msgspec.ValidationError)):
        wire.check(frame)
