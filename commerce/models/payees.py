"""Where merchants and hosts are paid: their accounts at the provider, connected to the platform's."""

from django.db import models
from django.db.models.functions import Now

from commerce import ids
from commerce.models.parties import Host, Merchant


class ConnectedAccount(models.Model):
    """A merchant's or a host's account at the provider, as it was when last looked at."""

    class State(models.TextChoices):
        NEW = "new", "not made at the provider yet"
        ONBOARDING = "onboarding", "its owner has to say more"
        PENDING = "pending", "the provider looks at what was given"
        ENABLED = "enabled", "can be paid"
        RESTRICTED = "restricted", "the provider wants more, or has stopped it"
        GONE = "gone", "its owner or the provider has cut it off"

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    merchant = models.OneToOneField(
        Merchant, null=True, blank=True, on_delete=models.PROTECT, related_name="payout_account"
    )
    host = models.OneToOneField(
        Host, null=True, blank=True, on_delete=models.PROTECT, related_name="payout_account"
    )
    provider_id = models.CharField(max_length=255, unique=True, null=True, blank=True)
    country = models.CharField(max_length=2, help_text="ISO 3166-1 alpha-2; it cannot be changed later.")
    state = models.CharField(max_length=10, choices=State, default=State.NEW)
    charges_enabled = models.BooleanField(default=False)
    payouts_enabled = models.BooleanField(default=False)
    transfers_enabled = models.BooleanField(default=False, help_text="Money can be sent to it.")
    details_submitted = models.BooleanField(default=False)
    requirements_due = models.JSONField(
        default=list, blank=True, help_text="What the provider wants to know."
    )
    disabled_reason = models.CharField(max_length=120, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    checked_at = models.DateTimeField(null=True, blank=True, help_text="Last time the provider was asked.")

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=models.Q(merchant__isnull=True, host__isnull=False)
                | models.Q(merchant__isnull=False, host__isnull=True),
                name="payee_is_one_party",
            ),
        )

    def __str__(self) -> str:
        return f"{self.provider_id or self.id} ({self.state})"
