"""The pages' client in a real browser, against a room that says exactly what the test wants."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Browser, Page, Route, WebSocketRoute

from tests.streams.scripted_room import EPOCH, SNAPSHOT

pytestmark = pytest.mark.browser

SCRIPTS = settings.BASE_DIR / "streams/static/streams"
URL = "ws://room.example/ws/v1/live/glow"
START = """
async ([url, options]) => {
  const { Room } = await import("/room.js");
  window.told = [];
  window.connections = [];
  window.fetched = [];
  const { ticket, ...more } = options;
  const fetchTicket = async () => {
    fetched.push(ticket);
    if (ticket.broken) throw Object.assign(new Error(), ticket.broken);
    return `${ticket.name}-${fetched.length}`;
  };
  window.room = new Room(url, { ...more, ...(ticket ? { ticket: fetchTicket } : {}) });
  room.on("*", (d, frame) => told.push(frame));
  room.on("connection", (state) => connections.push(state));
  room.start();
}
"""

Frame = dict[str, Any]


class Script:
    """The room: how each connection's hello is answered, and what came in."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.sockets: list[WebSocketRoute] = []
        self.hellos: list[Frame] = []
        self.heard: list[Frame] = []
        self.on_hello: Callable[[int], None] = lambda number: self.welcome()
        self.answer: Callable[[Frame], None] = lambda frame: None

    def route(self, socket: WebSocketRoute) -> None:
        self.sockets.append(socket)
        socket.on_message(self._take)

    def _take(self, text: str | bytes) -> None:
        frame = json.loads(text)
        if frame["t"] == "hello":
            self.hellos.append(frame)
            self.on_hello(len(self.hellos))
        elif frame["t"] == "time.sync":
            self.say(
                {"t": "reply", "re": frame["id"], "d": {"c": frame["d"]["c"], "server_ms": frame["d"]["c"]}}
            )
        else:
            self.heard.append(frame)
            self.answer(frame)

    def say(self, *frames: Frame) -> None:
        self.sockets[-1].send("\n".join(json.dumps({"v": 1, **frame}) for frame in frames))

    def welcome(self, *, recovered: bool = False, top: int = 0, u: int | None = None, **d: Any) -> None:
        place: Frame = {"s": {"epoch": EPOCH, "offset": top}, "u": u and {"epoch": EPOCH, "offset": u}}
        body = {
            "recovered": {"s": recovered, "u": recovered},
            "position": place,
            "heartbeat_ms": 25_000,
            "server_ms": self.page.evaluate("Date.now()"),
        }
        self.say({"t": "welcome", "re": self.hellos[-1]["id"], "d": body | d})
        if not recovered:
            self.snapshot(top)

    def snapshot(self, top: int, **d: Any) -> None:
        self.say({"t": "snapshot", "e": EPOCH, "o": top, "d": SNAPSHOT | d})

    def event(self, *offsets: int, epoch: str = EPOCH) -> None:
        self.say(*({"t": "chat.mode", "l": "s", "e": epoch, "o": o, "d": {"slow_s": o}} for o in offsets))

    def refuse(self, to: Frame, code: str, **more: Any) -> None:
        self.say(
            {"t": "error", "re": to["id"], "d": {"code": code, "message": "", "temporary": False} | more}
        )

    def close(self, code: int) -> None:
        self.sockets[-1].close(code=code)

    # --- what the page says ---

    def start(self, **options: Any) -> None:
        self.page.evaluate(START, [URL, options])

    def until(self, condition: str) -> None:
        self.page.wait_for_function(condition)

    def paces(self, last: int) -> list[int]:
        """Return the paces that were told, once the last one was."""
        self.until(f"told.some((frame) => frame.t === 'chat.mode' && frame.d.slow_s === {last})")
        return list(self.page.evaluate("told.filter((f) => f.t === 'chat.mode').map((f) => f.d.slow_s)"))

    def connected(self, times: int) -> None:
        """Wait until it was let in so often."""
        self.until(f"connections.filter(({{ online }}) => online).length >= {times}")


@pytest.fixture
def script(browser: Browser) -> Script:
    """A blank page of our own site whose sockets end in the script."""

    def serve(route: Route) -> None:
        if route.request.url.endswith(".js"):
            route.fulfill(path=SCRIPTS / route.request.url.rsplit("/", 1)[1], content_type="text/javascript")
        else:
            route.fulfill(body="<!doctype html><title>test</title>", content_type="text/html")

    page = browser.new_page()
    page.set_default_timeout(10_000)
    script = Script(page)
    page.route(f"{settings.BASE_URL}/**", serve)
    page.route_web_socket("ws://room.example/**", script.route)
    page.goto(f"{settings.BASE_URL}/")
    return script


def test_after_a_gap_nothing_is_told_until_the_snapshot(script: Script) -> None:
    def answer(frame: Frame) -> None:
        assert (frame["t"], frame["d"]) == ("resync", {"lanes": ["s"]})
        if len(script.heard) == 1:
            script.refuse(frame, "RATE_LIMITED", temporary=True, retry_ms=20)
            return
        script.event(5)
        script.say({"t": "reply", "re": frame["id"], "d": {}})
        script.snapshot(5)
        script.event(6)

    script.answer = answer
    script.start()
    script.connected(1)
    script.event(1, 1, 3, 4)

    assert script.paces(6) == [1, 6]
    assert script.page.evaluate("room.position") == {"epoch": EPOCH, "offset": 6}


def test_another_epoch_and_a_gap_that_the_server_finds_mean_a_snapshot(script: Script) -> None:
    def answer(frame: Frame) -> None:
        script.snapshot(7)
        script.event(8)

    script.answer = answer
    script.start()
    script.connected(1)
    script.event(1, epoch="00000000")
    assert script.paces(8) == [8]

    script.say({"t": "resync", "d": {"lane": "s", "epoch": EPOCH, "offset": 20}})
    script.event(9)
    script.snapshot(20)
    script.event(21)

    assert script.paces(21) == [8, 21]


def test_a_hole_in_ones_own_lane_leaves_the_shows_lane_alone(script: Script) -> None:
    def private(o: int) -> Frame:
        return {"t": "order.updated", "l": "u", "e": EPOCH, "o": o, "d": {"id": o}}

    script.on_hello = lambda number: script.welcome(u=4)
    script.start()
    script.connected(1)
    script.say(private(5), private(5), private(7))
    script.say({"t": "resync", "d": {"lane": "u", "epoch": EPOCH, "offset": 9}}, private(8), private(10))
    script.event(1)

    assert script.paces(1) == [1]
    assert [(frame["t"], frame["d"]) for frame in script.heard] == [("resync", {"lanes": ["u"]})]
    assert script.page.evaluate("told.filter((f) => f.l === 'u').map((f) => f.d.id)") == [5, 7, 10]

    script.on_hello = lambda number: script.welcome(recovered=True)
    script.close(4508)
    script.connected(2)
    assert script.hellos[1]["d"]["resume"]["u"] == {"epoch": EPOCH, "offset": 10}


def test_states_and_lines_are_told_once_and_states_again_after_a_snapshot(script: Script) -> None:
    def left(n: int) -> Frame:
        return {"t": "stock.changed", "k": "stock:red", "n": n, "d": {"left": n}}

    def line(name: str) -> Frame:
        return {"t": "chat.message", "d": {"id": name}}

    script.start()
    script.connected(1)
    script.say(left(2), left(1), left(2), left(3), line("new"), line("new"))
    script.snapshot(0, chat=[{"id": "old"}])
    script.say(left(3), line("old"))
    script.say({"t": "chat.removed", "l": "s", "e": EPOCH, "o": 1, "d": {"id": "bad"}}, line("bad"))
    script.event(2)

    script.paces(2)
    assert script.page.evaluate("told.filter((f) => f.k).map((f) => f.n)") == [2, 3, 3]
    assert script.page.evaluate("told.filter((f) => f.t === 'chat.message').map((f) => f.d.id)") == ["new"]


def test_a_process_that_goes_is_left_after_what_is_under_way(script: Script) -> None:
    script.start()
    script.connected(1)
    asked: list[Frame] = []
    script.answer = asked.append
    script.page.evaluate(
        "() => { window.said = room.command('chat.send', { text: 'Hi' }).then(({ id }) => id); }"
    )
    script.say({"t": "reconnect", "d": {"spread_ms": 0, "resume": True}})
    script.event(1)
    script.paces(1)
    script.on_hello = lambda number: script.welcome(recovered=True)
    script.say({"t": "reply", "re": asked[0]["id"], "d": {"id": "line"}})

    assert script.page.evaluate("said") == "line"
    script.connected(2)
    assert script.hellos[1]["d"]["resume"]["s"] == {"epoch": EPOCH, "offset": 1}


@pytest.mark.parametrize("code", [4500, 4503, 4508, 4509, 4511])
def test_what_passes_by_itself_is_come_back_from(script: Script, code: int) -> None:
    script.page.clock.install()
    script.start()
    script.connected(1)
    script.on_hello = lambda number: script.welcome(recovered=True)

    script.close(code)
    script.until("connections.length === 2")
    script.page.clock.run_for(6_000)

    script.connected(2)
    assert "resume" in script.hellos[1]["d"]


@pytest.mark.parametrize("code", [1000, 4400, 4403, 4404, 4406, 4409])
def test_where_something_has_to_be_changed_first_it_stays_away(script: Script, code: int) -> None:
    script.page.clock.install()
    script.start()
    script.connected(1)

    script.close(code)
    script.until("connections.length === 2")
    script.page.clock.run_for(120_000)

    final = code != 4409
    assert script.page.evaluate("connections.at(-1)") == {"online": False, "code": code, "final": final}
    assert len(script.sockets) == 1
    script.page.evaluate("dispatchEvent(new Event('focus'))")
    if final:
        script.page.clock.run_for(60_000)
        assert len(script.sockets) == 1
    else:  # The other tab had it; now somebody looks at this one.
        script.connected(2)


def test_who_was_refused_for_abuse_waits_a_minute(script: Script) -> None:
    script.page.clock.install()
    script.start()
    script.connected(1)

    script.close(4429)
    script.until("connections.length === 2")
    script.page.clock.run_for(59_000)
    script.page.evaluate("dispatchEvent(new Event('online'))")
    assert len(script.sockets) == 1
    script.page.clock.run_for(2_000)

    script.connected(2)


def test_a_connection_is_renewed_and_comes_back_with_another_ticket(script: Script) -> None:
    script.start(ticket={"name": "ticket"})
    script.connected(1)
    script.answer = lambda frame: script.say({"t": "reply", "re": frame["id"], "d": {"expires_at": 1}})
    script.say({"t": "auth.expiring", "d": {"expires_at": 0}})
    script.until("fetched.length === 2")
    script.event(1)
    script.paces(1)
    assert [(frame["t"], frame["d"]) for frame in script.heard] == [("auth.refresh", {"ticket": "ticket-2"})]

    script.close(4512)

    script.connected(2)
    assert [hello["d"]["ticket"] for hello in script.hellos] == ["ticket-1", "ticket-3"]


def test_a_refused_ticket_is_replaced_once(script: Script) -> None:
    def refuse(number: int) -> None:
        script.refuse(script.hellos[-1], "UNAUTHENTICATED")
        script.close(4401)

    script.on_hello = refuse
    script.start(ticket={"name": "ticket"})

    script.until("connections.length === 1")
    assert script.page.evaluate("connections") == [{"online": False, "code": 4401, "final": True}]
    assert [hello["d"]["ticket"] for hello in script.hellos] == ["ticket-1", "ticket-2"]


def test_a_cookie_spares_the_ticket_and_a_refused_cookie_is_replaced_by_one(script: Script) -> None:
    script.start(cookie=True, ticket={"name": "ticket"})
    script.connected(1)
    assert "ticket" not in script.hellos[0]["d"]
    assert script.page.evaluate("fetched.length") == 0
    script.page.evaluate("room.stop()")

    def refuse_the_cookie(number: int) -> None:
        if "ticket" in script.hellos[-1]["d"]:
            script.welcome()
        else:
            script.refuse(script.hellos[-1], "FORBIDDEN")
            script.close(4403)

    script.on_hello = refuse_the_cookie
    script.start(cookie=True, ticket={"name": "ticket"})

    script.connected(1)
    assert script.hellos[-1]["d"]["ticket"] == "ticket-1"


def test_a_ticket_that_cannot_be_fetched_now_is_fetched_later(script: Script) -> None:
    script.page.clock.install()
    script.start(ticket={"name": "ticket", "broken": {"temporary": True, "retryMs": 5000}})
    script.until("fetched.length === 1")
    script.page.clock.run_for(4_900)
    assert script.page.evaluate("fetched.length") == 1

    script.page.clock.run_for(3_200)

    script.until("fetched.length === 2")
    assert script.sockets == []


def test_a_silent_connection_is_given_up(script: Script) -> None:
    script.page.clock.install()
    script.start()
    script.connected(1)
    script.on_hello = lambda number: script.welcome(recovered=True)

    script.page.clock.run_for(34_000)
    assert len(script.sockets) == 1
    script.say({"t": "ping", "d": {}})
    script.until("told.some((frame) => frame.t === 'ping')")
    assert [frame["t"] for frame in script.heard] == ["pong"]
    script.page.clock.run_for(34_000)
    assert len(script.sockets) == 1
    script.page.clock.run_for(3_000)

    script.connected(2)
    assert script.page.evaluate("connections[1].code") == 4511


def test_a_promised_snapshot_that_never_comes_is_not_waited_for(script: Script) -> None:
    script.page.clock.install()
    script.start()
    script.connected(1)
    script.say({"t": "resync", "d": {"lane": "s", "epoch": EPOCH, "offset": 1}})
    script.until("told.some((frame) => frame.t === 'resync')")
    script.page.clock.run_for(22_000)

    script.connected(2)
    assert "resume" not in script.hellos[1]["d"]


def test_a_busy_room_is_left_alone_for_as_long_as_it_asks(script: Script) -> None:
    def refuse(number: int) -> None:
        script.refuse(script.hellos[-1], "UNAVAILABLE", temporary=True, retry_ms=10_000)
        script.close(4500)

    script.page.clock.install()
    script.on_hello = refuse
    script.start()
    script.page.wait_for_timeout(0)
    script.until("room.online === false")
    while not script.hellos:
        script.page.clock.run_for(1)
    script.page.clock.run_for(9_900)
    assert len(script.hellos) == 1

    script.on_hello = lambda number: script.welcome()
    script.page.clock.run_for(6_000)
    script.connected(1)
