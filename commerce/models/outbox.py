"""What happened and must be told: events on their way out, and the provider's notices that came in."""

from django.db import models
from django.db.models.functions import Now


class Event(models.Model):
    """Something that happened, recorded in the transaction that made it happen, delivered by the relay."""

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=60)
    key = models.CharField(
        max_length=120, unique=True, help_text="Same key, same event: it is recorded once."
    )
    payload = models.JSONField()
    lane = models.CharField(
        max_length=60, blank=True, default="", help_text="Events of one lane are told as they were recorded."
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    due_at = models.DateTimeField(
        db_default=Now(), help_text="Not delivered before; moved on by claims and retries."
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    delivered_at = models.DateTimeField(null=True, blank=True)
    quarantined_at = models.DateTimeField(null=True, blank=True, help_text="Failed too often; needs a human.")
    error = models.TextField(blank=True)

    class Meta:
        indexes = (
            models.Index(
                fields=["due_at", "id"],
                condition=models.Q(delivered_at=None, quarantined_at=None),
                name="event_waiting",
            ),
            models.Index(
                fields=["lane", "id"],
                condition=models.Q(delivered_at=None, quarantined_at=None) & ~models.Q(lane=""),
                name="event_waiting_in_lane",
            ),
        )

    def __str__(self) -> str:
        return f"{self.name} {self.key}"


class Notice(models.Model):
    """A payment provider's webhook event, recorded once by its id; its reader asks the provider anew."""

    provider_id = models.CharField(max_length=255, unique=True)
    type = models.CharField(max_length=80)
    object_id = models.CharField(max_length=255, blank=True)
    payload = models.JSONField()
    livemode = models.BooleanField()
    account = models.CharField(
        max_length=255, blank=True, db_default="", help_text="The connected account it is of; empty: ours."
    )
    api_version = models.CharField(max_length=40, blank=True, db_default="")
    source = models.CharField(
        max_length=7,
        choices=[("webhook", "webhook"), ("log", "read from the provider's log")],
        db_default="webhook",
        default="webhook",
    )
    created_at = models.DateTimeField(null=True, blank=True, help_text="When it happened, by the provider.")
    received_at = models.DateTimeField(db_default=Now(), editable=False)
    processed_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(db_default=0, default=0)
    error = models.TextField(blank=True, db_default="", default="")
    quarantined_at = models.DateTimeField(
        null=True, blank=True, help_text="Could not be read too often; needs a human."
    )

    class Meta:
        indexes = (
            models.Index(fields=["received_at"], condition=models.Q(processed_at=None), name="notice_unread"),
        )

    def __str__(self) -> str:
        return f"{self.type} {self.provider_id}"
