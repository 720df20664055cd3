"""What clients ask for: the streams' own commands and the frames that keep a connection."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from streams.frames.base import MAX_SAFE, Body, Position, ShortText, Text

Ticket = Annotated[str, Meta(min_length=1, max_length=128, pattern="^[\\x21-\\x7e]+$")]
Reason = Annotated[Text, Meta(max_length=200)]
HumanRule = Literal["abuse", "spam", "scam", "sexual", "personal", "other"]
ReactionKind = Literal["heart", "fire", "clap", "wow"]


class Resume(Body):
    """Where the client was, lane by lane. A lane without a place is told anew."""

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

    lanes: Annotated[
        list[Literal["s", "u"]],
        Meta(
            max_length=2, description="Empty: all. With s a snapshot follows, with u alone what is one's own."
        ),
    ] = []


class ChatSend(Body):
    """Say a line. The same key again says nothing twice."""

    text: Annotated[Text, Meta(min_length=1, max_length=200)]


class ChatAsk(Body):
    """Ask something, of a product in the showcase or of the host. It is a line of chat."""

    text: Annotated[Text, Meta(min_length=1, max_length=200)]
    product: UUID | None = None


class ChatReport(Body):
    """Ask those who keep order to look at a line. A report hides nothing."""

    message: UUID
    category: Literal["abuse", "spam", "scam", "sexual", "personal", "other"]
    note: Reason = ""


class ChatAppeal(Body):
    """Say why a decision about oneself was wrong; somebody else looks again."""

    decision: UUID
    text: Annotated[Text, Meta(min_length=1, max_length=500)]


class ChatRemove(Body):
    """Take a line down. Needs the right `remove`."""

    message: UUID
    rule: HumanRule = "other"
    reason: Reason = ""


class ChatRestore(Body):
    """Put a removed line back in its place. Needs `remove` or `review`."""

    message: UUID
    reason: Reason = ""


class ChatDecide(Body):
    """Show or remove a held line, keep or remove a reported one. Needs `review`.

    Without a rule a held line is removed by the rule that held it.
    """

    message: UUID
    verdict: Literal["show", "remove"]
    rule: HumanRule | None = None
    reason: Reason = ""


class ChatPin(Body):
    """Keep a line above the chat. Needs the right `pin`."""

    message: UUID


class ChatUnpin(Body):
    """Take the line above the chat away. Needs the right `pin`."""


class ChatMode(Body):
    """Change the rules of the chat; what is left out stays. Needs the right `pace`."""

    slow_s: Annotated[int, Meta(ge=0, le=3600)] | None = None
    followers_only: bool | None = None


class QuestionAnswer(Body):
    """Mark a question as answered, or as open again. Needs the right `questions`."""

    question: UUID
    answered: bool = True


class UserMute(Body):
    """Keep a user from chatting and reacting for a while. Needs the right `mute`."""

    user: UUID
    seconds: Annotated[int, Meta(ge=10, le=86_400)]
    rule: HumanRule = "other"
    reason: Reason = ""


class UserBan(Body):
    """Keep a user out of the show, for a while or (null) the whole of it. Needs the right `ban`."""

    user: UUID
    seconds: Annotated[int, Meta(ge=10, le=2_592_000)] | None = None
    rule: HumanRule = "other"
    reason: Reason = ""


class UserPardon(Body):
    """Lift a mute, a ban or (null) both. Needs the right to give it."""

    user: UUID
    kind: Literal["mute", "ban"] | None = None
    reason: Reason = ""


class HostFollow(Body):
    """Follow the host of the show."""


class HostUnfollow(Body):
    """Follow the host of the show no longer."""


class ReactionSend(Body):
    """React. Reactions are counted, never relayed one by one; there is no reply."""

    kind: ReactionKind
    n: Annotated[int, Meta(ge=1, le=20)] = 1
