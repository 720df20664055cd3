"""How often the provider is asked, how long its answer may take, and that it is left alone while down."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
import redis
from prometheus_client import REGISTRY
from pytest_django import Settings

from commerce import gateway, redis_client
from commerce.gateway import pacing, transport
from config.embedded import free_port
from tests.commerce.gateway.conftest import Buyer
from tests.stripe_server import StripeServer

SECONDS = 2.0


@pytest.fixture
def strict(stripe_server: StripeServer) -> Iterator[StripeServer]:
    """A provider that takes a hundred calls a second and no more."""
    stripe_server.rate(100)
    yield stripe_server
    stripe_server.rate(0)


def ask_much(intent: str) -> tuple[int, int]:
    """Ask with many threads for a while; returns how often it was answered and how often not."""
    end = time.monotonic() + SECONDS

    def ask(_: int) -> tuple[int, int]:
        good = bad = 0
        while time.monotonic() < end:
            try:
                gateway.retrieve(intent)
                good += 1
            except gateway.Unavailable:
                bad += 1
        return good, bad

    with ThreadPoolExecutor(16) as threads:
        done = list(threads.map(ask, range(16)))
    return sum(good for good, _ in done), sum(bad for _, bad in done)


def test_the_providers_limit_is_never_met(buyer: Buyer, strict: StripeServer) -> None:
    intent, before = buyer.pay().id, strict.refused()

    good, bad = ask_much(intent)

    assert strict.refused() == before
    assert (bad, good > 20) == (0, True)
    assert good <= 80 * (SECONDS + 1)


def test_control_without_our_limit_the_provider_turns_calls_away(
    buyer: Buyer, strict: StripeServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.STRIPE_CALLS_PER_SECOND = 0
    monkeypatch.setattr(pacing, "FAILURES", 1_000_000)
    intent, before = buyer.pay().id, strict.refused()

    ask_much(intent)

    assert strict.refused() > before


def test_processes_share_one_rate() -> None:
    one, other = pacing.Limiter(), pacing.Limiter()
    begun = time.monotonic()
    threads = [
        threading.Thread(target=lambda each=each: [each.wait(per_second=50) for _ in range(25)])
        for each in (one, other)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert time.monotonic() - begun > (50 - 50 * pacing.BURST_SECONDS - 1) / 50


def test_whoever_would_wait_too_long_is_told_to_come_again(
    buyer: Buyer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    intent = buyer.pay().id
    monkeypatch.setattr(pacing, "LONGEST_WAIT", 0.0)
    settings.STRIPE_CALLS_PER_SECOND = 1
    with suppress(gateway.Unavailable):
        gateway.retrieve(intent)
    with pytest.raises(gateway.Unavailable):
        gateway.retrieve(intent)
    assert not gateway.is_resting(), "that is no fault of the provider"


def test_without_redis_a_process_keeps_to_a_part_of_the_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    away = redis.Redis(port=free_port(), socket_connect_timeout=1)
    monkeypatch.setattr(pacing, "_script", lambda: away.register_script(pacing._NEXT))
    limiter = pacing.Limiter()
    begun = time.monotonic()
    for _ in range(30):
        limiter.wait(per_second=100)
    assert time.monotonic() - begun > (30 - 40 * pacing.BURST_SECONDS - 1) / (100 * pacing.ALONE_SHARE)


def counted(call: str, outcome: str) -> float:
    labels = {"call": call, "outcome": outcome}
    return REGISTRY.get_sample_value("yellowcart_provider_seconds_count", labels) or 0.0


def ask(count: int) -> None:
    for _ in range(count):
        with pytest.raises(gateway.Unavailable):
            gateway.retrieve("pi_1")


def test_a_provider_that_is_down_is_left_alone_and_tried_with_one_call(
    buyer: Buyer, stripe_server: StripeServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "REST_SECONDS", 0.5)
    pacing.begin_anew()
    intent, base = buyer.pay().id, settings.STRIPE_API_BASE
    pacing.begin_anew()
    settings.STRIPE_API_BASE = f"http://127.0.0.1:{free_port()}"
    unreachable, not_asked = (
        counted("payment_intents.retrieve", each) for each in ("unreachable", "not_asked")
    )

    ask(pacing.FAILURES)
    assert gateway.is_resting()
    ask(20)

    assert counted("payment_intents.retrieve", "unreachable") == unreachable + pacing.FAILURES
    assert counted("payment_intents.retrieve", "not_asked") == not_asked + 20
    assert REGISTRY.get_sample_value("yellowcart_provider_left_alone") == 1
    until(lambda: not gateway.is_resting())
    ask(1)
    assert gateway.is_resting(), "it was tried, in vain"
    settings.STRIPE_API_BASE = base
    until(lambda: not gateway.is_resting())
    assert gateway.retrieve(intent).status == "succeeded"
    assert not gateway.is_resting()
    assert REGISTRY.get_sample_value("yellowcart_provider_left_alone") == 0


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_only_one_call_tries_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "REST_SECONDS", 0.0)
    breaker = pacing.Breaker()
    for _ in range(pacing.FAILURES):
        breaker.leave(answered=False, tried=breaker.enter())
    assert breaker.enter() is True
    with pytest.raises(pacing.NotAsked):
        breaker.enter()
    breaker.leave(answered=None, tried=True)
    assert breaker.enter() is True, "the one that tried had no turn"


def test_a_few_failures_among_many_answers_change_nothing() -> None:
    breaker = pacing.Breaker()
    for n in range(10 * pacing.FAILURES):
        breaker.leave(answered=n % 4 > 0, tried=breaker.enter())
    assert not breaker.is_open()


@pytest.fixture
def trickling() -> Iterator[int]:
    """A port that answers a byte every tenth of a second, for ever."""
    server = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def answer(peer: socket.socket) -> None:
        with peer, suppress(OSError):
            peer.recv(65536)
            peer.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n"
            )
            while not stop.wait(0.1):
                peer.sendall(b" ")

    def serve() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=answer, args=(server.accept()[0],), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    yield int(server.getsockname()[1])
    stop.set()
    server.close()


def test_an_answer_that_trickles_is_over_at_its_deadline(trickling: int, settings: Settings) -> None:
    settings.STRIPE_API_BASE = f"http://127.0.0.1:{trickling}"
    settings.STRIPE_TIMEOUT_SECONDS = 1
    begun = time.monotonic()

    with pytest.raises(gateway.Unavailable):
        gateway.retrieve("pi_1")

    assert 0.9 < time.monotonic() - begun < 5


def test_control_a_timeout_for_each_read_lets_it_trickle(
    trickling: int, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport._Timed, "makefile", lambda timed, *_: timed._sock.makefile("rb"))
    settings.STRIPE_API_BASE = f"http://127.0.0.1:{trickling}"
    settings.STRIPE_TIMEOUT_SECONDS = 1
    done = threading.Event()

    def ask_once() -> None:
        with suppress(Exception):
            gateway.retrieve("pi_1")
        done.set()

    threading.Thread(target=ask_once, daemon=True).start()
    assert not done.wait(3)


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("POST", "payment_intents", "payment_intents.create"),
        ("GET", "payment_intents/pi_1", "payment_intents.retrieve"),
        ("POST", "payment_intents/pi_1/capture", "payment_intents.capture"),
        ("GET", "refunds?payment_intent=pi_1", "refunds.list"),
        ("POST", "payment_methods/pm_card_visa/attach", "payment_methods.attach"),
    ],
)
def test_a_call_is_counted_by_what_it_asks_without_ids(method: str, path: str, name: str) -> None:
    assert transport.name_of(method, f"https://api.stripe.com/v1/{path}") == name


def test_a_clock_that_was_set_back_stops_nobody() -> None:
    """Redis counts by its machine's clock; a moment that nobody could have been given is none."""
    shared = redis_client.sync()
    shared.set(pacing._KEY, int((time.time() + 3600) * 1_000_000), px=60_000)
    limiter = pacing.Limiter()
    begun = time.monotonic()
    for _ in range(3):
        limiter.wait(per_second=50)
    assert time.monotonic() - begun < 2


@pytest.mark.parametrize("rubbish", [b"", b"soon", b"nan", b"-inf", b"1e400"])
def test_rubbish_in_redis_stops_nobody(rubbish: bytes) -> None:
    shared = redis_client.sync()
    shared.set(pacing._KEY, rubbish, px=60_000)
    limiter = pacing.Limiter()
    begun = time.monotonic()
    for _ in range(3):
        limiter.wait(per_second=50)
    assert time.monotonic() - begun < 2
    shared.delete(pacing._KEY)
