"""What clients are told of the chat and of keeping order in it."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from streams.frames.base import Count, Instant, Role, Told

Rule = Annotated[str, Meta(pattern="^[a-z_]{1,32}$", description="What a decision goes by.")]
Right = Literal["remove", "review", "mute", "ban", "pin", "questions", "pace"]


class ChatUser(Told):
    id: UUID
    name: str
    role: Role


class Question(Told):
    """What makes a line a question: the item it is about, if any, and when it was answered."""

    item: UUID | None
    product: UUID | None
    answered_at: Instant | None


class ChatMessage(Told):
    """A line of chat, in its place by `at`. `question` is there when it is one."""

    id: UUID
    user: ChatUser
    text: str
    at: Instant
    question: Question | UnsetType = UNSET


class ChatRemoved(Told):
    id: UUID


class ChatMode(Told):
    """Least seconds between two lines of one viewer, 0: no limit; and whether only followers may chat."""

    slow_s: Count
    followers_only: bool = False


class ChatUnpinned(Told):
    id: UUID


class QuestionAnswered(Told):
    """A question was answered; `answered_at` null: it is open again."""

    id: UUID
    item: UUID | None
    product: UUID | None
    answered_at: Instant | None


class LineDecision(Told):
    """What was decided about a line of one's own, by which rule, by whom and why."""

    stream: UUID
    id: Annotated[UUID, Meta(description="The line.")]
    text: str
    said_at: Instant
    decision: UUID
    action: Literal["held", "shown", "removed", "restored"]
    rule: Rule
    reason: str
    by: Literal["filter", "host", "mod"]
    appealable: bool
    at: Instant


class Restraint(Told):
    """One was muted or banned; `until` null: for the whole show."""

    stream: UUID
    kind: Literal["mute", "ban"]
    until: Instant | None
    decision: UUID
    rule: Rule
    reason: str
    appealable: bool
    at: Instant


class AppealDecided(Told):
    stream: UUID
    id: UUID
    decision: UUID
    outcome: Literal["upheld", "overturned"]
    reason: str
    at: Instant


class Waiting(Told):
    """How many lines, appeals and questions wait for those who keep order in a show."""

    stream: UUID
    held: Count
    reported: Count
    appeals: Count
    questions: Count


class Rights(Told):
    """What one may do in a show from now on."""

    stream: UUID
    role: Role
    rights: list[Right]


class ChatGap(Told):
    """So many chat lines were not delivered to this connection."""

    dropped: Count


class Said(Told):
    """Reply to chat.send and chat.ask. `held`: a human looks at the line before the room sees it."""

    id: UUID
    at: Instant
    held: bool
    replayed: bool


class Line(Told):
    """Reply to commands about a line: how it stands now."""

    id: UUID
    status: Literal["shown", "held", "removed"]


class Reported(Told):
    """Reply to chat.report."""

    id: UUID


class Appealed(Told):
    """Reply to chat.appeal."""

    id: UUID
    outcome: Literal["open", "upheld", "overturned"]


class Restrained(Told):
    """Reply to user.mute and user.ban."""

    id: UUID
    kind: Literal["mute", "ban"]
    until: Instant | None
    decision: UUID


class Pardoned(Told):
    """Reply to user.pardon: what was lifted."""

    lifted: list[Literal["mute", "ban"]]


class Following(Told):
    """Reply to host.follow and host.unfollow."""

    follows: bool
