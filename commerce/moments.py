"""Moments that a list is asked for."""

from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django_filters import rest_framework as filters
from django_filters.fields import IsoDateTimeField


class MomentField(IsoDateTimeField):  # type: ignore[misc]  # django-filter ships no types
    """A moment in UTC, at whichever offset it is written."""

    def to_python(self, value: Any) -> datetime | None:
        """Return the moment; raises ValidationError for what is none, or outside the years 1 to 9999."""
        found: datetime | None = super().to_python(value)
        try:
            return found and found.astimezone(UTC)
        except OverflowError:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from None


class MomentFilter(filters.IsoDateTimeFilter):  # type: ignore[misc]
    """A filter by a moment. Other filters hand on offsets that PostgreSQL refuses: its own end at 15:59."""

    field_class = MomentField
