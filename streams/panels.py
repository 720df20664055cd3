"""Figures of other rooms, which streams does not know: settings.STUDIO_PANELS names who gives them."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string


def sales(*, host_id: UUID, stream_id: UUID) -> dict[str, Any]:
    """Return what one of the host's shows has sold so far."""
    return dict(_give("sales")(host_id=host_id, stream_id=stream_id))


def earnings(*, host_id: UUID) -> dict[str, Any]:
    """Return what each of the host's shows has sold, by the show's id."""
    return dict(_give("earnings")(host_id=host_id))


def _give(name: str) -> Any:
    return import_string(settings.STUDIO_PANELS[name])
