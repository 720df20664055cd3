"""`python -m tests.bench.pages MINUTES=10`: does a page stutter while the chat runs at 50 lines a second?

One show on servers of its own; two desktop pages in two browsers and a phone-wide one; the chat goes the way
of real lines, through its verb, the database and Redis. Each page counts its long tasks, the gaps between its
frames, and its main thread's time on the processor, which a busy machine hardly lengthens. Nothing here draws
on a graphics card: what a page costs shows twice as hard.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession, Page

RATE = 50  # Lines a second.
PEOPLE = 150  # Each may say five lines in ten seconds.
HEARTS = 5  # In each reaction frame, of which there are two a second.
WARM_UP = 5.0  # Seconds after which the first full counts are taken.
GAP_MS = 100  # What an eye takes for a stutter.
WORDS = "is it matte the red one please I love this shade how long does it last on dry lips"

WATCH = """
(() => {
  const counts = { long: [], gaps: new Uint32Array(2000), most: 0, shifts: 0, frames: 0 };
  window.__counts = counts;
  window.__anew = () => {
    counts.long.length = 0; counts.gaps.fill(0); counts.most = 0; counts.shifts = 0; counts.frames = 0;
  };
  new PerformanceObserver((list) => {
    for (const one of list.getEntries()) counts.long.push(Math.round(one.duration));
  }).observe({ type: "longtask" });
  let before = performance.now();
  const frame = (now) => {
    const gap = now - before;
    before = now;
    counts.frames++;
    counts.gaps[Math.min(1999, Math.round(gap))]++;
    counts.most = Math.max(counts.most, gap);
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
})();
"""
READ = """
(late) => {
  const { long, gaps, most, frames } = __counts;
  const at = (share) => {
    let left = frames * share;
    for (let ms = 0; ms < gaps.length; ms++) if ((left -= gaps[ms]) <= 0) return ms;
    return gaps.length;
  };
  return {
    frames, most: Math.round(most), p50: at(0.5), p99: at(0.99), p999: at(0.999),
    stutters: gaps.reduce((all, count, ms) => all + (ms > late ? count : 0), 0),
    long: long.length, longest: Math.max(0, ...long),
    rows: document.querySelectorAll(".chat__line").length,
    last: document.querySelector(".chat__line:last-child .chat__text")?.textContent ?? "",
  };
}
"""


def main() -> None:
    """Run it for so many minutes, print what each page saw, and fail when one stuttered."""
    given = dict(each.split("=", 1) for each in sys.argv[1:] if "=" in each)
    minutes = float(given.get("MINUTES", "1"))
    with _servers() as var:
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        sys.exit(0 if _run(minutes, var) else 1)


@contextlib.contextmanager
def _servers() -> Iterator[Path]:
    from config import servers
    from config.embedded import free_port
    from config.supervisor import stopped_by_signals
    from config.variables import VARIABLES

    var = Path(tempfile.mkdtemp(prefix="yellowcart-pages-"))
    var.chmod(0o711)  # PostgreSQL's own account has to reach its data.
    with stopped_by_signals(), contextlib.ExitStack() as running:
        running.callback(shutil.rmtree, var, ignore_errors=True)
        for variable in VARIABLES:
            os.environ.pop(variable.name, None)
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "ENV_FILE": os.devnull,
            "DATABASE_URL": servers.database_url(var),
            "REDIS_URL": servers.redis_url(var),
            "VAR_DIR": str(var),
            "LOG_LEVEL": "ERROR",
            "BASE_URL": f"http://127.0.0.1:{free_port()}",
        }
        for program in (servers.postgres(var), servers.redis(var)):
            running.callback(servers.start(program).stop)
        yield var


def _run(minutes: float, var: Path) -> bool:
    from urllib.parse import urlsplit

    from config import servers
    from config.children import Program
    from config.env import ROOT
    from config.processes import listens

    port = urlsplit(os.environ["BASE_URL"]).port or 0
    argv = [sys.executable, "-m", "config.live", "--host", "127.0.0.1", "--port", str(port)]
    child = servers.start(Program(name="live", argv=argv, cwd=ROOT, env={}, ready=listens(port), quiet=True))
    over = threading.Event()
    try:
        slug, stream_id, people = _in_thread(_show)
        talk = Talk(stream_id, people, over)
        seen = _watch(os.environ["BASE_URL"], slug, minutes, talk)
    finally:
        over.set()
        child.stop()
    return _told(seen, talk, minutes)


def _show() -> tuple[str, Any, list[Any]]:
    """Make a live show with six products, one of them pinned and on offer, and the people who talk."""
    from datetime import timedelta

    from django.utils import timezone

    from commerce.models import User
    from streams import offers, pins, showcase, shows
    from tests.streams import make

    now = timezone.now()
    host = make.host()
    stream = shows.plan(host_id=host.id, title="Evening glow", starts_at=now, slug="glow")
    for number in range(6):
        product = make.product(f"Lipstick {number}", variants=(("Red", 1990, 500),))
        showcase.add(host_id=host.id, stream_id=stream.id, product_id=product.id, now=now)
    shows.go_live(host_id=host.id, stream_id=stream.id, now=now)
    item = make.item(stream)
    pins.pin(host_id=host.id, stream_id=stream.id, item_id=item.id, now=now)
    offers.open(
        host_id=host.id,
        stream_id=stream.id,
        item_id=item.id,
        variant_id=None,
        amount=990,
        quota=200,
        per_buyer=1,
        seconds=int(timedelta(minutes=15).total_seconds()),
        now=now,
    )
    made = [User(email=f"p{n}@example.com", name=f"Viewer {n}", password="!") for n in range(PEOPLE)]
    return stream.slug, stream.id, [each.id for each in User.objects.bulk_create(made)]


class Talk:
    """The chat at a steady rate in threads of its own, hearts among it."""

    def __init__(self, stream_id: Any, people: list[Any], over: threading.Event) -> None:
        self.stream_id, self.people, self.over = stream_id, people, over
        self.said = 0
        self.late = 0.0  # Seconds that it fell behind at most.
        self.failure: BaseException | None = None
        self._threads = [
            threading.Thread(target=self._carry_on, args=(run,)) for run in (self._say, self._press)
        ]

    def begin(self) -> None:
        """Let them talk."""
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Let them stop; raises what went wrong."""
        self.over.set()
        for thread in self._threads:
            thread.join(30)
        if self.failure is not None:
            raise self.failure

    def _carry_on(self, run: Any) -> None:
        from django.db import connection

        try:
            run()
        except BaseException as error:
            self.failure = error
        finally:
            connection.close()

    def _say(self) -> None:
        from django.utils import timezone

        from streams import chat

        began = time.perf_counter()
        while not self.over.is_set():
            number = self.said
            length = 2 + number % 13
            text = " ".join(WORDS[(number * 7 + place) % len(WORDS)] for place in range(length))
            chat.say(
                stream_id=self.stream_id,
                author_id=self.people[number % PEOPLE],
                key=uuid4(),
                text=f"{text} {number}",
                now=timezone.now(),
            )
            self.said += 1
            behind = time.perf_counter() - began - self.said / RATE
            self.late = max(self.late, behind)
            self.over.wait(max(0.0, -behind))

    def _press(self) -> None:
        """Hearts, counted as a process counts those of its viewers."""
        from streams import showlog

        hearts = 0
        while not self.over.wait(0.5):
            hearts += HEARTS
            showlog.tell_state(
                stream_id=self.stream_id,
                t="reaction.count",
                k="reactions",
                n=int(time.time() * 1000),
                d={"counts": {"heart": hearts}},
            )


def _watch(base: str, slug: str, minutes: float, talk: Talk) -> dict[str, list[dict[str, Any]]]:
    """Open the pages, let people talk, and return what each page counted, early and at the end."""
    from playwright.sync_api import expect, sync_playwright

    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        sys.exit("There is no Chromium on this machine.")
    flags = ["--no-sandbox", "--disable-gpu", "--enable-precise-memory-info"]
    with sync_playwright() as playwright:
        first, second = (playwright.chromium.launch(executable_path=path, args=flags) for _ in range(2))
        desk: Any = {"viewport": {"width": 1440, "height": 900}}
        phone: Any = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
        pages = {
            "desktop": first.new_page(**desk),
            "second desktop": second.new_page(**desk),
            "phone": second.new_page(**phone),
        }
        for page in pages.values():
            page.add_init_script(WATCH)
            page.goto(f"{base}/live/{slug}")
            expect(page.locator("body[data-online=yes]")).to_be_attached(timeout=15_000)
        talk.begin()
        _wait(pages, WARM_UP)
        seen: dict[str, list[dict[str, Any]]] = {name: [_counts(page)] for name, page in pages.items()}
        for page in pages.values():
            page.evaluate("__anew()")
        ends = time.monotonic() + 60 * minutes
        while (left := ends - time.monotonic()) > 0:
            _wait(pages, min(30.0, left))
            print(f"    {talk.said:,} lines, {left:.0f} s to go", flush=True)
        frames = {name: page.evaluate(READ, GAP_MS) for name, page in pages.items()}
        talk.end()
        for name, page in pages.items():
            page.wait_for_timeout(500)
            seen[name].append(_counts(page) | frames[name] | {"last": page.evaluate(READ, GAP_MS)["last"]})
        first.close()
        second.close()
    return seen


def _wait(pages: dict[str, Page], seconds: float) -> None:
    next(iter(pages.values())).wait_for_timeout(1000 * seconds)


def _counts(page: Page) -> dict[str, Any]:
    """Return what a page holds after its garbage was collected."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.enable")
    session.send("HeapProfiler.collectGarbage")
    nodes = session.send("Memory.getDOMCounters")
    heap = session.send("Runtime.getHeapUsage")["usedSize"]
    session.send("HeapProfiler.disable")
    session.detach()
    return _spent(page) | {
        "nodes": nodes["nodes"],
        "listeners": nodes["jsEventListeners"],
        "heap": heap / 1e6,
    }


def _spent(page: Page) -> dict[str, float]:
    """Return how long the page's main thread has been on the processor, and when; both in seconds."""
    session = _sessions.get(page)
    if session is None:
        session = _sessions[page] = page.context.new_cdp_session(page)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})
    metrics = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
    return {"busy": metrics["ThreadTime"], "at": time.monotonic()} | metrics


_sessions: dict[Page, CDPSession] = {}


def _told(seen: dict[str, list[dict[str, Any]]], talk: Talk, minutes: float) -> bool:
    print(
        f"{talk.said:,} lines in {minutes:g} min and {WARM_UP:g} s, at most {talk.late * 1000:.0f} ms behind"
    )
    print(
        f"{'page':16}{'frames':>8}{'p50':>6}{'p99':>6}{'p99.9':>7}{'most':>7}{'>100 ms':>9}{'long':>6}"
        f"{'longest':>9}{'busy':>7}{'rows':>6}{'DOM nodes':>16}{'listeners':>14}{'heap MB':>14}"
    )
    smooth = True
    for name, (early, late) in seen.items():
        busy = (late["busy"] - early["busy"]) / (late["at"] - early["at"])
        print(
            f"{name:16}{late['frames']:>8,}{late['p50']:>6}{late['p99']:>6}{late['p999']:>7}{late['most']:>7}"
            f"{late['stutters']:>9}{late['long']:>6}{late['longest']:>9}{busy:>7.1%}{late['rows']:>6}"
            f"{early['nodes']:>8,} ->{late['nodes']:>5,}{early['listeners']:>8,} ->{late['listeners']:>3,}"
            f"{early['heap']:>8.1f} ->{late['heap']:>4.1f}"
        )
        whole = late["last"].endswith(f" {talk.said - 1}")
        if not whole:
            print(f"  {name} ends with {late['last']!r}, not with the last line.")
        smooth = smooth and whole and late["stutters"] == 0
    print("No frame came later than 100 ms." if smooth else "A page stuttered, or missed the last line.")
    return smooth


def _in_thread(run: Any) -> Any:
    """Run database code in a thread of its own; the browsers' event loop owns this one."""
    from tests.live_server import in_thread

    return in_thread(run)


if __name__ == "__main__":
    main()
