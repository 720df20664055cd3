"""What is asked about an API key, by operations and in the merchant admin alike."""

from typing import Any

from django.core.exceptions import ValidationError
from django.forms import CharField, Form, MultipleChoiceField
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextareaWidget

from commerce import merchantkeys
from commerce.scopes import SCOPES


class KeyFields(Form):
    """What a key opens, by ticking, and from where, one network in a line."""

    scopes = MultipleChoiceField(
        choices=[(scope, f"{scope}: {text}") for scope, text in SCOPES.items()],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        label="What it opens",
    )
    networks = CharField(
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text="From where it may be used, one network in a line. Empty: from anywhere.",
    )

    def clean_networks(self) -> list[str]:
        """Return the networks; a field of its own says which cannot be read."""
        try:
            return merchantkeys.networks_of(self.cleaned_data["networks"].split())
        except merchantkeys.BadNetwork as refusal:
            raise ValidationError(refusal.text) from refusal


def lines(networks: list[str]) -> Any:
    """Return networks as the form shows them."""
    return "\n".join(networks)
