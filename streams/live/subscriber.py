"""The process's one connection to Redis on which it hears every channel that somebody in it cares for.

A connection that was lost is made anew and all channels are subscribed again; since whatever was published
meanwhile was missed, each channel's `again` is called then. A connection that went deaf without closing is
noticed by an echo.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import redis.asyncio
import structlog
from redis.exceptions import RedisError

from commerce import errors
from streams.live import tally

log = structlog.get_logger(__name__)

ECHO_SECONDS = 5.0  # Silent for so long, the connection is asked whether it still hears.
READY_SECONDS = 5.0
BACK_OFF_SECONDS = (0.05, 0.2, 0.5, 1.0)


@dataclass(slots=True)
class _Channel:
    heard: Callable[[bytes], None]
    again: Callable[[], None]
    ready: "asyncio.Future[None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Subscriber:
    """Hears Redis channels for a whole process."""

    def __init__(self, client: "redis.asyncio.Redis", *, process: str) -> None:
        self._client = client
        self._own = f"lc:subscriber:{process}"
        self._channels: dict[str, _Channel] = {}
        self._connection: Any = None
        self._sending: set[asyncio.Task[None]] = set()

    async def hear(self, name: str, *, heard: Callable[[bytes], None], again: Callable[[], None]) -> None:
        """Call `heard` with every message of a channel from now on, and `again` after an interruption.

        Returns once Redis has confirmed; raises Unavailable when it does not in READY_SECONDS.
        """
        channel = self._channels.get(name)
        if channel is None:
            channel = self._channels[name] = _Channel(heard, again)
            await self._say("SUBSCRIBE", name)
        try:
            # Not `wait_for`, which may swallow that its caller is cancelled.
            async with asyncio.timeout(READY_SECONDS):
                await asyncio.shield(channel.ready)
        except TimeoutError:
            await self.forget(name)
            raise errors.Unavailable from None

    async def forget(self, name: str) -> None:
        """Stop hearing a channel."""
        if self._channels.pop(name, None) is not None:
            await self._say("UNSUBSCRIBE", name)

    async def run(self) -> None:
        """Listen until cancelled."""
        failures = 0
        while True:
            started = asyncio.get_running_loop().time()
            try:
                await self._listen()
            except (RedisError, OSError) as error:
                log.warning("subscriber.interrupted", error=str(error))
                tally.here.deaf += 1
            if asyncio.get_running_loop().time() - started > ECHO_SECONDS:
                failures = 0
            await asyncio.sleep(BACK_OFF_SECONDS[min(failures, len(BACK_OFF_SECONDS) - 1)])
            failures += 1

    async def _listen(self) -> None:
        pool = self._client.connection_pool
        connection = pool.connection_class(**pool.connection_kwargs)
        try:
            await connection.connect()  # type: ignore[no-untyped-call]
            self._connection = connection
            await connection.send_command("SUBSCRIBE", self._own, *self._channels)
            asked = False
            while True:
                reply = await connection.read_response(timeout=ECHO_SECONDS, disconnect_on_error=False)
                if reply is not None:
                    asked = False
                    self._take(reply)
                elif asked:
                    raise redis.exceptions.ConnectionError("the connection has gone deaf")
                else:
                    asked = True
                    await self._client.publish(self._own, "?")
        finally:
            self._connection = None
            await connection.disconnect(nowait=True)

    def _take(self, reply: list[Any]) -> None:
        kind, name, data = reply
        channel = self._channels.get(name.decode())
        if channel is None:
            return
        if kind == b"message":
            try:
                channel.heard(data)
            except Exception:
                # One message that cannot be read must not silence all rooms.
                log.exception("subscriber.unreadable", channel=name.decode())
        elif kind == b"subscribe":
            if channel.ready.done():
                channel.again()
            else:
                channel.ready.set_result(None)

    async def _say(self, command: str, name: str) -> None:
        # Where there is no connection, the next one subscribes to everything that is wanted then.
        connection = self._connection
        if connection is None or not connection.is_connected:
            return
        # Whoever asked may go meanwhile; given up in the middle it would be closed for everybody.
        sending = asyncio.create_task(self._send(connection, command, name))
        self._sending.add(sending)
        sending.add_done_callback(self._sending.discard)
        await asyncio.shield(sending)

    async def _send(self, connection: Any, command: str, name: str) -> None:
        try:
            await connection.send_command(command, name, check_health=False)
        except (RedisError, OSError) as error:
            log.warning("subscriber.interrupted", error=str(error))
