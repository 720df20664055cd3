"""A moment as people write it in their own time: the page's script says how far that is ahead of UTC."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from unfold.widgets import INPUT_CLASSES

MOST_MINUTES = 14 * 60
_FORMATS = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]


class OwnTimeInput(forms.MultiWidget):
    """A date and time, and beside it, hidden, the minutes by which the writer's clock is ahead of UTC."""

    def __init__(self) -> None:
        moment = forms.DateTimeInput(
            attrs={"type": "datetime-local", "class": " ".join(INPUT_CLASSES), "data-own-time": ""},
            format="%Y-%m-%dT%H:%M",
        )
        super().__init__({"": moment, "ahead": forms.HiddenInput()})

    def decompress(self, value: datetime | None) -> list[Any]:
        """Return the moment in UTC, which the script writes in the reader's time."""
        return [value, None]

    def id_for_label(self, id_: str) -> str:
        """Return the id of what is seen."""
        return f"{id_}_0" if id_ else ""


class OwnTimeField(forms.MultiValueField):
    """A moment; without the script it is read in UTC."""

    widget = OwnTimeInput

    def __init__(self, *, required: bool = True, **options: Any) -> None:
        fields = (
            forms.DateTimeField(input_formats=_FORMATS, required=required),
            forms.IntegerField(min_value=-MOST_MINUTES, max_value=MOST_MINUTES, required=False),
        )
        super().__init__(fields=fields, required=required, require_all_fields=False, **options)

    def compress(self, data_list: list[Any]) -> datetime | None:
        """Return the moment; raises ValidationError."""
        at, ahead = data_list or (None, None)
        try:
            return None if at is None else at - timedelta(minutes=ahead or 0)
        except OverflowError:
            raise forms.ValidationError("Write a date of this era.") from None
