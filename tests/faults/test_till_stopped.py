"""A live process that stands still in the middle of a batch, as on a paused machine, and goes on later."""

import asyncio
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from catalog.models import Variant
from orders.models import Purchase
from orders.till import standing
from tests.faults.test_till_killed import Buyer, world
from tests.live_server import LiveRoom, aside, eventually
from tests.orders import make

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.faults]

Start = Callable[..., LiveRoom]
PIECES = 15
# The process stops itself once, and says so by a file. There is never plenty, so that the rows are locked
# however few are in its first batch.
STOPS = """
import io, os, signal, types
from orders.till import reading, writing
reading.PLENTY = 1_000
def _stop():
    try:
        os.close(os.open({flag!r}, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except FileExistsError:
        return
    signal.raise_signal(signal.SIGSTOP)  # This thread first: to the process, another may take it meanwhile.
"""
BEFORE_WRITING = """
_write = writing.write
def _stop_and_write(*args):
    _stop()
    return _write(*args)
writing.write = _stop_and_write
"""
IN_A_COPY = """
class _Stops(io.StringIO):
    def read(self, size=-1):
        _stop()
        return super().read(size)
writing.io = types.SimpleNamespace(StringIO=_Stops)
"""
FOR_EVER = """
from orders.till import ringing
its = "idle_in_transaction_session_timeout = "
ringing.SETTINGS = ringing.SETTINGS.replace(f"{its}{ringing.IDLE_TIMEOUT_MS}", f"{its}0")
"""
ENDS_NOBODY = "from orders.till import others\nothers.end_what_stands_still = lambda: None"


async def stopped_in_a_batch(
    own_process: Start, flag: Path, where: str, others: str = ""
) -> tuple[Variant, LiveRoom, list[Buyer], list[Buyer]]:
    """Return goods, the process that will stop, who is there, and as many who are at another process."""
    lipstick, _, buyers = await aside(world, PIECES)
    still = await aside(own_process, before=STOPS.format(flag=str(flag)) + where)
    here, there = buyers[:12], buyers[12:]
    other = await aside(own_process, before=others)
    await asyncio.gather(*(buyer.come(still) for buyer in here), *(buyer.come(other) for buyer in there))
    return lipstick, still, here, there


async def press_until_decided(buyer: Buyer) -> None:
    """Press with the same key for as long as the answer is to try again."""
    while True:
        await buyer.press()
        if buyer.answers[-1:] != ["UNAVAILABLE"]:
            return
        await asyncio.sleep(0.2)


@pytest.mark.parametrize("where", [BEFORE_WRITING, IN_A_COPY], ids=["before writing", "in a COPY"])
async def test_others_sell_meanwhile_and_it_sells_what_is_left_when_it_goes_on(
    own_process: Start, tmp_path: Path, where: str
) -> None:
    lipstick, still, here, there = await stopped_in_a_batch(own_process, tmp_path / "stopped", where)
    pressed = [asyncio.create_task(press_until_decided(buyer)) for buyer in here]
    await eventually((tmp_path / "stopped").exists)

    async with asyncio.timeout(30):
        await asyncio.gather(*(press_until_decided(buyer) for buyer in there))
    assert {type(buyer.answers[-1]) for buyer in there} == {dict}
    assert await aside(Purchase.objects.count) == len(there)

    assert still.child is not None
    os.kill(still.child.process.pid, signal.SIGCONT)
    async with asyncio.timeout(30):
        await asyncio.gather(*pressed)
    accepted = [buyer for buyer in here if isinstance(buyer.answers[-1], dict)]
    assert len(accepted) == PIECES - len(there)
    assert {buyer.answers[-1] for buyer in here if buyer not in accepted} == {"OUT_OF_STOCK"}
    assert await aside(make.left, lipstick) == 0
    assert await aside(make.broken) == []


@pytest.mark.parametrize(
    ("where", "others"),
    [(BEFORE_WRITING + FOR_EVER, ""), (IN_A_COPY, ENDS_NOBODY)],
    ids=["before writing", "in a COPY"],
)
async def test_control_a_process_that_keeps_its_rows_for_ever_stops_all_others(
    own_process: Start, tmp_path: Path, where: str, others: str
) -> None:
    lipstick, still, here, there = await stopped_in_a_batch(own_process, tmp_path / "stopped", where, others)
    pressed = [asyncio.create_task(press_until_decided(buyer)) for buyer in here]
    await eventually((tmp_path / "stopped").exists)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(12):
            await asyncio.gather(*(press_until_decided(buyer) for buyer in there))

    assert await aside(make.left, lipstick) == PIECES
    for task in pressed:
        task.cancel()
    assert still.child is not None
    os.kill(still.child.process.pid, signal.SIGCONT)


async def pressed_and_left(own_process: Start, before: str = "") -> tuple[LiveRoom, Buyer, Buyer]:
    """Return a process that stood still while somebody pressed and left, who that was, and who stays."""
    _, _, (leaves, stays, *_) = await aside(world, PIECES)
    still = await aside(own_process, before=before)
    await asyncio.gather(leaves.come(still), stays.come(still))
    await stays.press()  # So that the till is open.
    still.child.tell(signal.SIGSTOP)  # type: ignore[union-attr]
    frame = {"v": 1, "t": "purchase.create", "id": 7, "key": str(leaves.key), "d": leaves.body}
    await leaves.viewer.send_raw(json.dumps(frame))
    await leaves.viewer.cut()
    await asyncio.sleep(standing.STILL_SECONDS + 2)  # This is how long it stands still.
    still.child.tell(signal.SIGCONT)  # type: ignore[union-attr]
    return still, leaves, stays


async def test_who_pressed_while_it_stood_still_and_left_buys_nothing(own_process: Start) -> None:
    still, leaves, stays = await pressed_and_left(own_process)

    await stays.come(still)
    stays.key = uuid4()
    async with asyncio.timeout(30):
        await press_until_decided(stays)

    assert isinstance(stays.answers[-1], dict)
    assert not await aside(Purchase.objects.filter(key=leaves.key).exists)
    assert await aside(Purchase.objects.count) == 2


async def test_control_a_process_that_notices_no_standstill_sells_to_who_has_left(own_process: Start) -> None:
    blind = "from orders.till import standing\nstanding.Watch.age = lambda self: 0.0"

    _, leaves, _ = await pressed_and_left(own_process, blind)

    async with asyncio.timeout(20):
        while not await aside(Purchase.objects.filter(key=leaves.key).exists):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
