"""What all frames share: struct bases, small types with their bounds, and who is calling."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from commerce import errors

PROTOCOL = "livecommerce.v1"
VERSION = 1
MAX_FRAME_BYTES = 8192
MAX_DEPTH = 16
MAX_SAFE = 2**53 - 1  # The largest integer that a JavaScript number holds exactly.

# NUL is legal in JSON and cannot be stored in PostgreSQL text.
Text = Annotated[str, Meta(pattern="^[^\\x00]*$")]
ShortText = Annotated[str, Meta(pattern="^[^\\x00]*$", max_length=64)]
Count = Annotated[int, Meta(ge=0, le=MAX_SAFE)]
Instant = Annotated[int, Meta(ge=0, le=MAX_SAFE, description="Unix milliseconds of the server's clock.")]
Quantity = Annotated[int, Meta(ge=1, le=99, description="Units.")]
# In what is asked for: the verb refuses other numbers with a code of its own, the same as over HTTP.
Units = Annotated[int, Meta(description="Units.", extra_json_schema={"minimum": 1, "maximum": 99})]
Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$", description="ISO 4217.")]
Epoch = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=16,
        pattern="^[0-9a-z]+$",
        description="Identity of a lane; when it changes, old offsets mean nothing.",
    ),
]
Offset = Annotated[
    int, Meta(ge=0, le=MAX_SAFE, description="Place in the lane; one more per recoverable event.")
]
Role = Literal["host", "mod", "viewer"]


class Body(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Body `d` of something a client asks for. Unknown fields are refused, so a misspelt one is noticed."""


class Told(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Body `d` of something a client is told. Clients ignore fields they do not know; our tests do not."""


class Money(Body):
    """An amount in minor units."""

    amount: Annotated[int, Meta(ge=0, le=MAX_SAFE, description="Minor units.")]
    currency: Currency


class Position(Body):
    """A place in a lane."""

    epoch: Epoch
    offset: Offset


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who sent a command, on which connection, in which show."""

    user_id: UUID | None
    stream_id: UUID
    stream_slug: str
    name: str
    role: str
    connection: str
    position: tuple[str, int] | None = None  # How far this viewer has been told: epoch and offset of lane s.

    def signed_in(self) -> UUID:
        """Return the caller's user id; raises Unauthenticated for an anonymous viewer."""
        if self.user_id is None:
            raise errors.Unauthenticated
        return self.user_id
