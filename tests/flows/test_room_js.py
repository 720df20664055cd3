"""The pages' client in a real browser, with frames lost, doubled and connections cut on the way."""

import json
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from playwright.sync_api import Browser, Page, Route, WebSocketRoute

from streams import chat
from streams.models import Stream
from tests.live_server import LiveRoom, in_thread, ticket_of
from tests.streams import make

pytestmark = pytest.mark.browser

SCRIPTS = settings.BASE_DIR / "streams/static/streams"
START = """
async ([url, options]) => {
  const { Room } = await import("/room.js");
  window.told = [];
  window.connections = [];
  window.room = new Room(url, options);
  room.on("*", (d, frame) => told.push(frame));
  room.on("connection", (state) => connections.push(state));
  room.start();
}
"""


class Wire:
    """The way between browser and server: may lose or double frames from the server, and may be cut."""

    def __init__(self) -> None:
        self.lose: Callable[[str], bool] = lambda text: False
        self.double = False
        self.hellos: list[dict[str, Any]] = []
        self.sockets: list[WebSocketRoute] = []

    def route(self, socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        self.sockets.append(socket)

        def up(text: str | bytes) -> None:
            frame = json.loads(text)
            if frame["t"] == "hello":
                self.hellos.append(frame["d"])
            server.send(text)

        def down(text: str | bytes) -> None:
            assert isinstance(text, str)
            for line in text.split("\n"):
                if not self.lose(line):
                    for _ in range(2 if self.double else 1):
                        socket.send(line)

        socket.on_message(up)
        server.on_message(down)

    def cut(self) -> None:
        """End the connection, as a lost network does."""
        self.sockets[-1].close(code=4500)


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def page(live_room: LiveRoom, wire: Wire, browser: Browser) -> Page:
    """A blank page of our own site, whose sockets go over the wire."""

    def serve(route: Route) -> None:
        if route.request.url.endswith(".js"):
            route.fulfill(path=SCRIPTS / route.request.url.rsplit("/", 1)[1], content_type="text/javascript")
        else:
            route.fulfill(body="<!doctype html><title>test</title>", content_type="text/html")

    page = browser.new_page()
    page.set_default_timeout(10_000)
    page.route(f"{settings.BASE_URL}/**", serve)
    page.route_web_socket(f"ws://127.0.0.1:{live_room.port}/**", wire.route)
    page.goto(f"{settings.BASE_URL}/")
    return page


def start(page: Page, live_room: LiveRoom, stream: Stream, **options: Any) -> None:
    page.evaluate(START, [live_room.url(stream.slug), options])
    page.wait_for_function("told.some((frame) => frame.t === 'snapshot')")


def slow(stream: Stream, *seconds: int) -> None:
    def tell() -> None:
        for each in seconds:
            chat.slow(host_id=stream.host_id, stream_id=stream.id, seconds=each)
        LiveRoom.relay()

    in_thread(tell)


def paces(page: Page, last: int) -> list[int]:
    """Return the paces the page was told, once the last has come."""
    page.wait_for_function(f"told.some((frame) => frame.t === 'chat.mode' && frame.d.slow_s === {last})")
    return list(
        page.evaluate("told.filter((frame) => frame.t === 'chat.mode').map((frame) => frame.d.slow_s)")
    )


def snapshots(page: Page) -> int:
    return int(page.evaluate("told.filter((frame) => frame.t === 'snapshot').length"))


def test_a_page_is_told_the_show_and_what_happens(page: Page, live_room: LiveRoom) -> None:
    stream = in_thread(make.show)
    start(page, live_room, stream)

    slow(stream, 1, 2, 3)

    assert paces(page, 3) == [1, 2, 3]
    assert page.evaluate("connections") == [{"online": True, "code": None, "final": False}]
    assert page.evaluate("room.position.offset") == page.evaluate("told.filter((f) => f.l === 's').at(-1).o")
    assert abs(page.evaluate("room.now() - Date.now()")) < 500


def test_a_page_is_answered_and_refused_by_its_commands(page: Page, live_room: LiveRoom) -> None:
    stream, noa = in_thread(make.show), in_thread(lambda: make.user("Noa"))
    page.expose_function("ticket", lambda: in_thread(lambda: ticket_of(noa, stream)))
    with_ticket = START.replace("new Room(url, options)", "new Room(url, { ticket })")
    page.evaluate(with_ticket, [live_room.url(stream.slug), {}])
    page.wait_for_function("told.some((frame) => frame.t === 'snapshot')")
    key = str(uuid4())

    said = page.evaluate("(key) => room.command('chat.send', { text: 'Hi' }, { key })", key)
    again = page.evaluate("(key) => room.command('chat.send', { text: 'Hi' }, { key })", key)
    refused = page.evaluate(
        "room.command('chat.send', { text: '' }, { key: crypto.randomUUID() })"
        ".catch((error) => [error.name, error.code, error.temporary, Object.keys(error.fields)])"
    )

    assert said["id"] == again["id"]
    assert again["replayed"] is True
    assert refused == ["RoomError", "BAD_REQUEST", False, ["text"]]
    page.wait_for_function("told.filter((frame) => frame.t === 'chat.message').length === 1")


def test_a_page_resumes_after_a_cut(page: Page, live_room: LiveRoom, wire: Wire) -> None:
    stream = in_thread(make.show)
    start(page, live_room, stream)
    slow(stream, 1)
    paces(page, 1)
    place = page.evaluate("room.position")

    wire.cut()
    slow(stream, 2, 3)

    assert paces(page, 3) == [1, 2, 3]
    assert snapshots(page) == 1
    assert "resume" not in wire.hellos[0]
    assert wire.hellos[1]["resume"] == {"s": place}
    assert [each["online"] for each in page.evaluate("connections")] == [True, False, True]


def test_a_lost_event_means_a_snapshot(page: Page, live_room: LiveRoom, wire: Wire) -> None:
    stream = in_thread(make.show)
    start(page, live_room, stream)
    lost: list[str] = []

    def lose_first(text: str) -> bool:
        if '"slow_s":1,' not in text or lost:
            return False
        lost.append(text)
        return True

    wire.lose = lose_first
    slow(stream, 1, 2)
    page.wait_for_function("told.filter((frame) => frame.t === 'snapshot').length === 2")
    slow(stream, 3)

    # The snapshot may be up to a second old; what came after it is told again.
    assert paces(page, 3) in ([3], [2, 3], [1, 2, 3])
    assert lost
    assert page.evaluate("room.position.offset") == page.evaluate("told.filter((f) => f.l === 's').at(-1).o")


def test_what_comes_twice_is_told_once(page: Page, live_room: LiveRoom, wire: Wire) -> None:
    stream, noa = in_thread(make.show), in_thread(lambda: make.user("Noa"))
    start(page, live_room, stream)
    wire.double = True

    slow(stream, 1, 2)
    in_thread(lambda: chat.say(stream_id=stream.id, author_id=noa.id, key=uuid4(), text="Hi", now=make.NOW))

    assert paces(page, 2) == [1, 2]
    page.wait_for_function("told.some((frame) => frame.t === 'chat.message')")
    assert page.evaluate("told.filter((frame) => frame.t === 'chat.message').length") == 1
    assert snapshots(page) == 1


def test_a_command_without_an_answer_is_unknown_not_refused(
    page: Page, live_room: LiveRoom, wire: Wire
) -> None:
    stream = in_thread(make.show)
    start(page, live_room, stream)
    wire.lose = lambda text: '"t":"reply"' in text

    code = page.evaluate(
        "room.command('time.sync', { c: 1 }, { timeoutMs: 200 })"
        ".catch((error) => [error.code, error.temporary])"
    )

    assert code == ["NO_ANSWER", True]


def test_a_command_under_way_when_the_connection_goes_is_unknown(
    page: Page, live_room: LiveRoom, wire: Wire
) -> None:
    stream = in_thread(make.show)
    start(page, live_room, stream)
    wire.lose = lambda text: '"t":"reply"' in text
    page.evaluate("() => { window.answer = room.command('time.sync', { c: 1 }).catch(({ code }) => code); }")

    wire.cut()

    started = time.monotonic()
    assert page.evaluate("answer") == "NO_ANSWER"
    assert time.monotonic() - started < 3


def test_a_page_that_has_to_change_something_first_stays_away(page: Page, live_room: LiveRoom) -> None:
    page.evaluate(START, [live_room.url("no-such-show"), {}])

    page.wait_for_function("connections.length > 0")

    assert page.evaluate("connections") == [{"online": False, "code": 4404, "final": True}]
    assert page.evaluate("told.filter((frame) => frame.t === 'error').length") == 1


def test_a_page_comes_back_when_a_process_asks_it_to(page: Page, live_room: LiveRoom, wire: Wire) -> None:
    stream = in_thread(make.show)
    start(page, live_room, stream)

    wire.sockets[-1].send('{"v":1,"t":"reconnect","d":{"spread_ms":50,"resume":true}}')
    page.wait_for_function("connections.filter(({ online }) => online).length === 2")
    slow(stream, 1)

    assert paces(page, 1) == [1]
    assert wire.hellos[1]["resume"]["s"] is not None
    assert snapshots(page) == 1
