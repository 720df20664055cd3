"""What a live process shows to Prometheus: every number moves when what it counts happens, and not before."""

import asyncio
import json
import socket
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from websockets.exceptions import InvalidStatus

from commerce import redis_client
from streams import client, showlog
from streams.client.connection import PROTOCOL
from streams.live import collector
from streams.models import Stream
from tests import protocol, scraping
from tests.faults import room
from tests.live_server import LiveRoom, aside, eventually
from tests.scraping import Scraped
from tests.streams import make


class Since:
    """How far the numbers of a process moved since a first look."""

    def __init__(self, live: LiveRoom) -> None:
        self._live, self._first = live, live.scrape()

    async def moved(self, name: str, by: float = 1, **labels: str) -> float:
        """Wait until a number has grown by at least so much, and return by how much."""
        before = self._first.value(name, **labels)

        def enough(now: Scraped) -> bool:
            return now.value(name, **labels) >= before + by

        try:
            found: Scraped = await aside(scraping.until, self._live.metrics_port, enough)
        except AssertionError:
            raise AssertionError(f"{name} {labels} moved by {self.now(name, **labels)}, not {by}") from None
        return found.value(name, **labels) - before

    def now(self, name: str, **labels: str) -> float:
        """Return by how much a number has grown by now."""
        return self._live.scrape().value(name, **labels) - self._first.value(name, **labels)


@pytest.fixture
async def since(live_room: LiveRoom) -> Since:
    await room.deserted(live_room)  # of those of the test before
    return Since(live_room)


async def test_viewers_are_counted_as_they_come_talk_and_go(live_room: LiveRoom, since: Since) -> None:
    stream, noa = await aside(make.show), await aside(make.user)

    async with live_room.room(stream) as viewer, await aside(live_room.visitor, stream, noa) as author:
        assert await since.moved("yellowcart_sockets", who="anonymous") == 1
        assert await since.moved("yellowcart_sockets", who="signed_in") == 1
        assert await since.moved("yellowcart_room_viewers", 2) == 2
        assert await since.moved("yellowcart_welcomes_total", 2, how="new") == 2
        assert since.now("yellowcart_command_seconds_count", command="chat_send", outcome="done") == 0
        await author.command("chat.send", {"text": "Hi"}, key=uuid4())
        with pytest.raises(client.RefusedByServer):
            await author.command("chat.send", {"text": "x" * 999}, key=uuid4())
        await viewer.wait("chat.message")
        await aside(room.tell_one, stream)
        await viewer.wait("stock.sold_out")
        assert await since.moved("yellowcart_command_seconds_count", command="chat_send", outcome="done") == 1
        assert await since.moved("yellowcart_refusals_total", code="BAD_REQUEST") == 1
        await since.moved("yellowcart_pool_wait_seconds_count", pool="streams")
        await since.moved("yellowcart_frames_in_total", 4)
        await since.moved("yellowcart_frames_out_total", 4)
        await since.moved("yellowcart_bytes_out_total", 1000)
        await since.moved("yellowcart_loop_lag_seconds_count", 2)
        await viewer.cut()
        assert (await viewer.connect())["recovered"]["s"] is True
        assert await since.moved("yellowcart_welcomes_total", how="recovered") == 1
        viewer.heard.s = ("0ld", 1)
        await viewer.reconnect()
        assert await since.moved("yellowcart_welcomes_total", how="lost") == 1
        await viewer.command("resync")
        assert await since.moved("yellowcart_resyncs_total") == 1
        assert since.now("yellowcart_connects_total") == 4

    await since.moved("yellowcart_closes_total", 2, code="1000")
    await since.moved("yellowcart_closes_total", 2, code="1006")
    assert since.now("yellowcart_sockets") == 0
    assert since.now("yellowcart_room_viewers") == 0


async def test_a_line_that_a_filter_holds_is_counted_by_its_rule(live_room: LiveRoom, since: Since) -> None:
    stream, noa = await aside(make.show), await aside(make.user)

    async with await aside(live_room.visitor, stream, noa) as author:
        await author.command("chat.send", {"text": "All lovely"}, key=uuid4())
        assert since.now("yellowcart_chat_held_total") == 0
        await author.command("chat.send", {"text": "Cheaper at https://elsewhere.example"}, key=uuid4())
        assert await since.moved("yellowcart_chat_held_total", rule="links") == 1


async def test_who_is_turned_away_at_the_door_is_counted(own_process: Callable[..., LiveRoom]) -> None:
    stream = await aside(make.show)
    narrow = own_process(ROOM_SOCKETS_PER_ADDRESS="1")
    since = Since(narrow)

    async with narrow.room(stream):
        assert since.now("yellowcart_admissions_refused_total") == 0
        with pytest.raises(InvalidStatus):
            await narrow.room(stream).connect()
        assert await since.moved("yellowcart_admissions_refused_total", status="429") == 1


async def test_gaps_and_lost_connections_to_redis_are_counted(live_room: LiveRoom, since: Since) -> None:
    stream = await aside(make.show)

    async with live_room.room(stream) as viewer:
        await aside(room.unheard, stream)
        assert since.now("yellowcart_gaps_repaired_total") == 0
        await aside(room.tell_one, stream)
        await eventually(lambda: len(viewer.of("stock.sold_out")) == 2)
        await since.moved("yellowcart_gaps_repaired_total")
        redis_client.sync().client_kill_filter(_type="pubsub")
        await since.moved("yellowcart_redis_reconnects_total")
        assert since.now("yellowcart_gaps_lost_total") == 0
        await eventually(lambda: redis_client.sync().pubsub_numsub(showlog.channel(stream.id))[0][1])
        redis_client.sync().flushall()
        await aside(room.tell_one, stream)
        await viewer.wait("resync")
        await since.moved("yellowcart_gaps_lost_total")


async def test_what_waits_for_a_slow_viewer_and_what_it_lost_is_counted(
    live_room: LiveRoom, since: Since
) -> None:
    stream = await aside(make.show)
    loop = asyncio.get_running_loop()
    jammed = socket.socket()
    jammed.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    jammed.setblocking(False)
    await loop.sock_connect(jammed, ("127.0.0.1", live_room.port))
    hello = json.dumps({"v": 1, "t": "hello", "id": 1, "d": {}}).encode()
    request = (
        f"GET /ws/v1/live/{stream.slug} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Protocol: {PROTOCOL}\r\n\r\n"
    )
    await loop.sock_sendall(jammed, request.encode())
    assert b"101" in await loop.sock_recv(jammed, 12)
    await loop.sock_sendall(jammed, bytes((0x81, 0x80 | len(hello), 0, 0, 0, 0)) + hello)
    await since.moved("yellowcart_welcomes_total")
    assert since.now("yellowcart_held_bytes") == 0

    for n in range(5):
        await aside(tell_much, stream, n)
    await since.moved("yellowcart_held_bytes", 10_000)
    for n in range(3):
        left = {"variant": str(stream.id), "left": n}
        showlog.tell_state(stream_id=stream.id, t="stock.changed", k="stock:it", n=n, d=left)
        await asyncio.sleep(0.3)  # longer than a tick, or the room itself would keep only the last
    await since.moved("yellowcart_drops_total", 2, **{"class": "state"})
    for n in range(5, 20):
        await aside(tell_much, stream, n)
    await since.moved("yellowcart_closes_total", code="4508")
    await since.moved("yellowcart_cuts_total")
    await room.deserted(live_room)

    assert since.now("yellowcart_held_bytes") == 0
    jammed.close()


def tell_much(stream: Stream, n: int) -> None:
    """Tell the room a must event of some 40 KB."""
    example: dict[str, Any] = protocol.document()["components"]["messages"]["showcase_changed"]["examples"][0]
    items = example["payload"]["d"]["items"] * 80
    showlog.append(stream_id=stream.id, t="showcase.changed", d={"items": items}, key=f"much:{n}", ts=n)


async def test_no_label_takes_many_values(live_room: LiveRoom, since: Since) -> None:
    stream, noa = await aside(make.show), await aside(make.user)

    async with await aside(live_room.visitor, stream, noa) as viewer:
        await viewer.send_raw(json.dumps({"v": 1, "t": f"made.up.{uuid4()}"[:40], "id": 1}))
        await viewer.wait("error")
    async with live_room.room(stream) as leaver:
        assert leaver._socket is not None
        await leaver._socket.close(4999)
    await since.moved("yellowcart_closes_total", code="other")

    for _, labels, _ in live_room.scrape().samples:
        for value in labels.values():
            for secret in (str(stream.id), stream.slug, str(noa.id), "made.up", "4999"):
                assert secret not in value


async def test_every_number_is_documented(live_room: LiveRoom, since: Since) -> None:
    found = live_room.scrape()

    assert len({name for name, _, _ in found.samples if name.startswith("yellowcart_")}) > 25
    assert scraping.undocumented(found) == set()
    assert scraping.undocumented(Scraped([("yellowcart_secret_total", {}, 1.0)])) == {"secret_total"}


def test_codes_of_the_protocol_are_told_apart() -> None:
    assert {4400, 4401, 4403, 4404, 4406, 4409, 4429, 4500, 4503, 4508, 4509, 4511, 4512} <= collector.CODES
