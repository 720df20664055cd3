"""A client of `livecommerce.v1` (docs/socket-protocol.md) for Python: one show, heard once and in order.

    async with client.Room(url, cookie="sessionid=...", origin="http://localhost:8000", stay=True) as room:
        await room.wait("product.pinned")
        reply = await room.command("chat.send", {"text": "Hi"}, key=uuid4())

With `stay` it comes back by itself as the protocol asks: resumes, backs off with full jitter, spreads when a
process goes, fetches another ticket, renews its hour, and stays away after a final close code. Without, one
connection is made at a time and `reconnect()` makes the next. It needs `websockets` and no Django. Benches
have a leaner one of their own.
"""

from streams.client.connection import PROTOCOL, Connection
from streams.client.errors import Disconnected, RefusedByServer
from streams.client.room import Room

__all__ = ["PROTOCOL", "Connection", "Disconnected", "RefusedByServer", "Room"]
