"""What one user is told of her own part in a show's chat."""

from datetime import datetime
from uuid import UUID

from commerce.models import User
from streams import bodies
from streams.models import ChatMessage, Stream
from streams.moderation import decisions, desk, restraints, standing

MOST_HELD = 20


def part(*, user: User, stream: Stream, now: datetime) -> bodies.Body:
    """Return who a user is in a show, what she may do and what binds her, and her lines that are held."""
    here = standing.of(stream_id=stream.id, user_id=user.id, now=now)
    bound = here.banned or here.muted_until is not None
    return {
        "id": str(user.id),
        "name": here.name,
        "role": here.role,
        "rights": sorted(here.rights),
        "follows": here.follows,
        "restraints": restraints.of_user(stream_id=stream.id, user_id=user.id, now=now) if bound else [],
        "held": [] if here.keeps_order else _held(user_id=user.id, stream_id=stream.id),
        "waiting": {"stream": str(stream.id), **desk.waiting(stream.id)} if here.rights else None,
    }


def _held(*, user_id: UUID, stream_id: UUID) -> list[bodies.Body]:
    found = (
        ChatMessage.objects.filter(
            stream_id=stream_id, author_id=user_id, status=ChatMessage.Status.HELD, decision__isnull=False
        )
        .select_related("decision")
        .order_by("-id")[:MOST_HELD]
    )
    return [
        decisions.line_body(each, each.decision, role="filter") for each in reversed(found) if each.decision
    ]
