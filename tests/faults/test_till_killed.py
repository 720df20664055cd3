"""A live process killed as by `kill -9` at each step of a batch: who was told "accepted" has it, and whoever
was not can press again with the same key, for one purchase in all."""

import asyncio
import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from catalog.models import Variant
from commerce.models import User
from orders.models import Purchase
from streams import client
from streams.models import Stream
from tests.live_server import LiveRoom, aside
from tests.orders import make

pytestmark = pytest.mark.django_db(transaction=True)

BUYERS, PIECES, PLENTY = 24, 15, 500
POINTS = (
    "till.locked",
    "till.committed",
    pytest.param("till.begun", marks=pytest.mark.faults),
    pytest.param("till.written", marks=pytest.mark.faults),
)

Start = Callable[..., LiveRoom]


class Buyer:
    """One buyer with her key, who presses until somebody answers."""

    def __init__(self, user: User, stream: Stream, lipstick: Variant) -> None:
        self.user, self.stream, self.key = user, stream, uuid4()
        self.body = {
            "lines": [{"variant": str(lipstick.id), "quantity": 1}],
            "expect_total": {"amount": 1999, "currency": "EUR"},
        }
        self.answers: list[dict[str, Any] | str] = []
        self.viewer: Any = None

    async def come(self, room: LiveRoom) -> None:
        """Come into the show at this process."""
        self.viewer = await aside(room.visitor, self.stream, self.user)
        await self.viewer.connect(deadline=20)

    async def press(self) -> None:
        """Press buy and note the answer, if there is one."""
        try:
            self.answers.append(await self.viewer.command("purchase.create", self.body, key=self.key))
        except client.RefusedByServer as refusal:
            self.answers.append(refusal.code)
        except client.Disconnected:
            pass


def bought() -> dict[UUID, UUID]:
    return dict(Purchase.objects.values_list("key", "id"))


def world(pieces: int = PIECES) -> tuple[Variant, Stream, list[Buyer]]:
    lipstick = make.variant(stocked=pieces)
    stream = make.show(lipstick)
    return lipstick, stream, [Buyer(make.buyer(), stream, lipstick) for _ in range(BUYERS)]


@pytest.mark.parametrize("pieces", [PIECES, pytest.param(PLENTY, marks=pytest.mark.faults)])
@pytest.mark.parametrize("point", POINTS)
async def test_a_till_killed_in_a_batch_loses_nothing_and_sells_nothing_twice(
    own_process: Start, tmp_path: Path, point: str, pieces: int
) -> None:
    lipstick, _, buyers = await aside(world, pieces)
    sold = min(pieces, BUYERS)
    dying = await aside(own_process, FAULT=f"{point}:{tmp_path / 'died'}")
    await asyncio.gather(*(buyer.come(dying) for buyer in buyers))

    await asyncio.gather(*(buyer.press() for buyer in buyers))

    assert dying.child is not None
    await aside(dying.child.process.wait, 10)  # its sockets end a moment before the kernel lets go of it
    assert dying.child.process.returncode == -signal.SIGKILL
    told = {buyer.key: json.loads(json.dumps(buyer.answers)) for buyer in buyers if buyer.answers}
    after_the_fall = await aside(bought)
    accepted = {key: answers[0]["id"] for key, answers in told.items() if isinstance(answers[0], dict)}
    assert {key: str(after_the_fall[key]) for key in accepted} == accepted

    other = await aside(own_process)
    await asyncio.gather(*(buyer.come(other) for buyer in buyers))
    await asyncio.gather(*(buyer.press() for buyer in buyers))

    in_the_end = await aside(bought)
    assert len(in_the_end) == sold
    assert after_the_fall.items() <= in_the_end.items()
    for buyer in buyers:
        last = buyer.answers[-1]
        if isinstance(last, dict):
            assert last["id"] == str(in_the_end[buyer.key])
            assert last["replayed"] == (buyer.key in after_the_fall)
        else:
            assert last == "OUT_OF_STOCK"
            assert buyer.key not in in_the_end
    assert await aside(make.left, lipstick) == pieces - sold
    assert await aside(make.broken) == []
    await asyncio.gather(*(buyer.viewer.close() for buyer in buyers))


async def test_two_processes_sell_one_hot_variant_exactly(live_room: LiveRoom, own_process: Start) -> None:
    lipstick, _, buyers = await aside(world)
    other = await aside(own_process)
    await asyncio.gather(*(buyer.come((live_room, other)[n % 2]) for n, buyer in enumerate(buyers)))

    await asyncio.gather(*(buyer.press() for buyer in buyers))

    accepted = [buyer for buyer in buyers if isinstance(buyer.answers[0], dict)]
    assert len(accepted) == PIECES
    assert {buyer.answers[0] for buyer in buyers if buyer not in accepted} == {"OUT_OF_STOCK"}
    assert await aside(make.left, lipstick) == 0
    assert await aside(make.broken) == []
    await asyncio.gather(*(buyer.viewer.close() for buyer in buyers))


async def test_a_socket_that_is_gone_in_the_middle_loses_nothing(live_room: LiveRoom) -> None:
    lipstick, _, buyers = await aside(world)
    buyer = buyers[0]
    await buyer.come(live_room)

    await buyer.viewer.send_raw(
        json.dumps({"v": 1, "t": "purchase.create", "id": 7, "key": str(buyer.key), "d": buyer.body})
    )
    await buyer.viewer.cut()
    async with asyncio.timeout(10):
        while buyer.key not in await aside(bought):  # noqa: ASYNC110  # the database tells nobody
            await asyncio.sleep(0.05)
    await buyer.come(live_room)
    await buyer.press()

    answer = buyer.answers[0]
    assert isinstance(answer, dict) and answer["replayed"] is True
    assert await aside(make.left, lipstick) == PIECES - 1
    await buyer.viewer.close()
