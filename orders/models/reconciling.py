"""How far the provider's lists have been read, and what they say moved."""

from django.db import models


class Mark(models.Model):
    """Up to when one of the provider's lists has been read to its end."""

    name = models.CharField(max_length=20, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} up to {self.at}"


class Movement(models.Model):
    """Money that moved on our account at the provider, as its own books have it: read once, then matched.

    Amounts are in minor units; `amount` is negative when money leaves, and `fee` is what the provider keeps.
    """

    provider_id = models.CharField(max_length=255, primary_key=True)
    kind = models.CharField(max_length=60, help_text="charge, refund, adjustment, payout, ...")
    source = models.CharField(max_length=255, blank=True, help_text="Charge, refund, dispute it is of.")
    amount = models.BigIntegerField()
    fee = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    made_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    matched_at = models.DateTimeField(null=True, blank=True, help_text="When our books had it.")

    class Meta:
        indexes = (
            models.Index(fields=["seen_at"], condition=models.Q(matched_at=None), name="movement_unmatched"),
            models.Index(fields=["source"], name="movement_source"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.provider_id}"
