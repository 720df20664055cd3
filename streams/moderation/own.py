"""What one user is told of her own part in a show's chat."""

from datetime import datetime
from uuid import UUID

from streams import bodies
from streams.models import ChatMessage
from streams.moderation import decisions, desk, restraints, standing

MOST_HELD = 20


def part(here: standing.Standing, *, now: datetime, has_held: bool = True) -> bodies.Body:
    """Return who a user is in a show, what she may do and what binds her, and her lines that are held.

    Those are not looked for where it is known that there are none.
    """
    stream_id, user_id = here.stream_id, here.user_id
    bound = here.banned or here.muted_until is not None
    return {
        "id": str(user_id),
        "name": here.name,
        "role": here.role,
        "rights": sorted(here.rights),
        "follows": here.follows,
        "restraints": restraints.of_user(stream_id=stream_id, user_id=user_id, now=now) if bound else [],
        "held": _held(user_id=user_id, stream_id=stream_id) if has_held and not here.keeps_order else [],
        "waiting": {"stream": str(stream_id), **desk.waiting(stream_id)} if here.rights else None,
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
