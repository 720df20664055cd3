"""What clients ask for: the streams' own commands and the frames that keep a connection."""

from typing import Annotated, Literal

from msgspec import Meta

from streams.frames.base import MAX_SAFE, Body, Position, ShortText, Text

Ticket = Annotated[str, Meta(min_length=1, max_length=128, pattern="^[\\x21-\\x7e]+$")]
ReactionKind = Literal["heart", "fire", "clap", "wow"]


class Resume(Body):
    """Where the client was. Lane u needs no place: it is always told anew from the database."""

    s: Position | None = None
    u: Position | None = None


class Hello(Body):
    """First frame, within 5 seconds. No ticket: the session cookie counts. Neither: one may only watch."""

    ticket: Ticket | None = None
    resume: Resume | None = None
    client: Annotated[ShortText, Meta(description="Name and version of the client.")] = ""
    caps: Annotated[
        list[Annotated[str, Meta(max_length=16)]],
        Meta(max_length=16, description="Optional features the client has; unknown ones are ignored."),
    ] = []


class AuthRefresh(Body):
    """Stay connected beyond `expires_at`, with a new ticket of the same user."""

    ticket: Ticket


class Pong(Body):
    """Answer to `ping`."""


class TimeSync(Body):
    """Ask for the server's clock; half of the round trip is the error."""

    c: Annotated[int, Meta(ge=0, le=MAX_SAFE, description="The client's clock in Unix milliseconds.")]


class Resync(Body):
    """Ask for a fresh snapshot, after noticing a gap."""

    lanes: Annotated[list[Literal["s", "u"]], Meta(max_length=2, description="Empty: all.")] = []


class ChatSend(Body):
    """Say a line. The same key again says nothing twice."""

    text: Annotated[Text, Meta(min_length=1, max_length=200)]


class ReactionSend(Body):
    """React. Reactions are counted, never relayed one by one; there is no reply."""

    kind: ReactionKind
    n: Annotated[int, Meta(ge=1, le=20)] = 1
