"""The load client's reading of frames, held against the websockets library's writing of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from streams.frames import wire
from tests.bench import frames

payloads = st.lists(
    st.one_of(st.binary(max_size=200), st.integers(120, 70_000).map(lambda size: b"x" * size)), max_size=5
)


def served(payload: bytes, opcode: Opcode = Opcode.TEXT) -> bytes:
    return Frame(opcode, payload).serialize(mask=False)


@given(payloads, st.data())
def test_frames_are_the_same_wherever_the_bytes_are_cut(sent: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(map(served, sent))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    got, rest = [], b""
    for begin, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
        rest += whole[begin:end]
        found, used = frames.split(rest)
        got += found
        rest = rest[used:]
    assert got == [(frames.TEXT, payload) for payload in sent]
    assert rest == b""


@given(st.binary(max_size=70_000))
def test_frames_are_written_as_the_library_writes_them(payload: bytes) -> None:
    assert frames.text(payload) == served(payload)
    assert frames.masked(payload)[1] & 0x80


@pytest.mark.parametrize("data", [b"\x81\x80\0\0\0\0", b"\x01\x00", b"\xc1\x00"])
def test_masked_fragmented_and_compressed_frames_are_refused(data: bytes) -> None:
    with pytest.raises(frames.Broken):
        frames.split(data)


def test_a_digest_says_what_a_chunk_holds() -> None:
    head, tail = wire.must_halves("product.pinned", {"mark": 7, "at": 123}, ts=1)
    must = f'{head}9f31c2aa","o":42{tail}'
    chat = wire.event("chat.message", {"text": "one\ntwo"}, ts=1)
    welcome = wire.event("welcome", {"conn": "c_1"}, re=1)
    data = b"".join(map(served, (must.encode(), f"{chat}\n{chat}".encode(), welcome.encode())))
    ping, close = served(b"hi", Opcode.PING), served(b"\x11\x9c", Opcode.CLOSE)
    found = frames.digest(data + ping + close + b"\x81")
    assert (found.frames, found.lines) == (3, 2)
    assert found.marks == [(7, 123)]
    assert found.musts == [("9f31c2aa", 42)]
    assert [event["t"] for event in found.rare] == ["welcome"]
    assert (found.pings, found.close) == ([b"hi"], 4508)
    assert found.used == len(data + ping + close)
