"""How a user appears in a show: by which name, and as what."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from commerce.models import User
from streams.models import ShowModerator, Stream


@dataclass(frozen=True, slots=True)
class Person:
    """A signed-in user in one show."""

    id: UUID
    name: str
    role: str  # "host", "mod" or "viewer"
    muted_until: datetime | None = None  # What the connection goes by where it asks no database.

    def as_dict(self) -> dict[str, str]:
        """Return the person as viewers are told."""
        return {"id": str(self.id), "name": self.name, "role": self.role}


def moderators(stream_id: UUID) -> frozenset[UUID]:
    """Return the users whom the host has made moderators of a show."""
    return frozenset(ShowModerator.objects.filter(stream_id=stream_id).values_list("user_id", flat=True))


def among(user: User, stream: Stream, *, moderators: Collection[UUID]) -> Person:
    """Return how a user appears in a show with these moderators; asks nothing of the database."""
    if user.id == stream.host.user_id:
        return Person(user.id, stream.host.name, "host")
    return Person(user.id, user.name, "mod" if user.is_staff or user.id in moderators else "viewer")
