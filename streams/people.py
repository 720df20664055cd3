"""How a user appears in a show: by which name, and as what."""

from dataclasses import dataclass
from uuid import UUID

from commerce.models import User
from streams.models import Stream


@dataclass(frozen=True, slots=True)
class Person:
    """A signed-in user in one show."""

    id: UUID
    name: str
    role: str  # "host", "mod" or "viewer"

    def as_dict(self) -> dict[str, str]:
        """Return the person as viewers are told."""
        return {"id": str(self.id), "name": self.name, "role": self.role}


def in_show(user: User, stream: Stream) -> Person:
    """Return how a user appears in a show; `stream.host` should be loaded."""
    if user.id == stream.host.user_id:
        return Person(user.id, stream.host.name, "host")
    return Person(user.id, user.name, "mod" if user.is_staff else "viewer")
