"""A name that is never found holds nobody up: not who asks, and not everybody else."""

import io
import threading
from collections.abc import Iterator

import pytest

from commerce.outside import fetching, resolving
from commerce.webhooks import sending


class Hanging:
    """A resolver that answers when it is let, and counts who waits."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.asked = threading.Semaphore(0)

    def __call__(self, host: str, port: int) -> list[str]:
        self.asked.release()
        self.go.wait(60)
        return ["127.0.0.1"]


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    made = Hanging()
    yield made
    made.go.set()


def test_a_fetch_ends_though_the_name_is_not_found(hanging: Hanging) -> None:
    client = fetching.Client(resolver=hanging, seconds=0.2)

    got = client.get("https://goods.example.com/feed.xml", into=io.BytesIO(), most=10)

    assert (got.error, got.passing) == ("TIMEOUT", True)
    assert not hanging.go.is_set()


def test_a_webhook_ends_though_the_name_is_not_found(hanging: Hanging) -> None:
    client = sending.Client(resolver=hanging, seconds=0.2)

    assert client.post("https://hooks.example.com/", headers={}, body=b"{}").error == "TIMEOUT"


def test_only_so_many_are_looked_up_at_once(hanging: Hanging, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolving, "_places", threading.BoundedSemaphore(2))

    for _ in range(4):
        with pytest.raises(TimeoutError):
            resolving.in_time(hanging, "a.example.com", 443, seconds=0.1)

    assert [hanging.asked.acquire(blocking=False) for _ in range(3)] == [True, True, False]

    hanging.go.set()
    assert resolving.in_time(hanging, "a.example.com", 443, seconds=30) == ["127.0.0.1"]


def test_what_a_resolver_raises_is_told_and_takes_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolving, "_places", threading.BoundedSemaphore(1))

    def unknown(host: str, port: int) -> list[str]:
        raise OSError("there is no such name")

    for _ in range(3):
        with pytest.raises(OSError, match="no such name"):
            resolving.in_time(unknown, "a.example.com", 443, seconds=30)


def test_the_system_finds_this_machine_in_time() -> None:
    assert "127.0.0.1" in resolving.in_time(resolving.look_up, "localhost", 443, seconds=30)
