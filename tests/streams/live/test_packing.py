"""Frames are what the websockets library reads, and come apart again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from streams.live import packing


def parsed(data: bytes) -> Frame:
    reader = StreamReader()
    reader.feed_data(data)
    parsing = Frame.parse(reader.read_exact, mask=False)
    with pytest.raises(StopIteration) as found:
        next(parsing)
    assert not reader.buffer
    frame: Frame = found.value.value
    return frame


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 200_000])
def test_a_frame_is_one_whole_text_frame(size: int) -> None:
    frame = parsed(packing.pack("x" * size))

    assert (frame.opcode, frame.fin, frame.rsv1) == (Opcode.TEXT, True, False)
    assert frame.data == b"x" * size


@given(st.lists(st.text(max_size=300)))
def test_frames_that_follow_one_another_come_apart(texts: list[str]) -> None:
    packed = b"".join(map(packing.pack, texts))

    assert list(packing.unpack(packed)) == [text.encode() for text in texts]
