"""Prices that are announced: from a moment on, for good or for a while."""

from django.db import models
from django.db.models.functions import Now

from catalog.models.products import Variant
from commerce import ids
from commerce.models import Merchant


class PriceSchedule(models.Model):
    """What a variant shall cost from a moment on: for good, or until another moment, in minor units.

    Those of a variant that are still to come or running do not overlap: the database refuses it.
    """

    class Status(models.TextChoices):
        UPCOMING = "upcoming"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"
        CANCELLED = "cancelled"

    class Reason(models.TextChoices):
        """Why one ended otherwise than it said."""

        NONE = "", "as it said"
        BELOW_FLOOR = "PRICE_BELOW_FLOOR", "the floor rose above it"
        BEFORE_BELOW_FLOOR = "PRICE_BEFORE_BELOW_FLOOR", "the price before is below the floor: it stayed"
        MISSED = "MISSED", "its time was over before it could begin"
        NOT_APPLIED = "NOT_APPLIED", "it could not be stored"

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+", db_index=False)
    variant = models.ForeignKey(
        Variant, on_delete=models.CASCADE, related_name="price_schedules", db_index=False
    )
    amount = models.PositiveIntegerField()
    compare_at = models.PositiveIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True, help_text="None: for good.")
    status = models.CharField(max_length=9, choices=Status, default=Status.UPCOMING)
    reason = models.CharField(max_length=24, choices=Reason, blank=True, default=Reason.NONE)
    from_feed = models.BooleanField(default=False, help_text="A later feed may say it anew.")
    before_amount = models.PositiveIntegerField(null=True, help_text="The price that comes back.")
    before_compare_at = models.PositiveIntegerField(null=True)
    before_currency = models.CharField(max_length=3, blank=True)
    began_at = models.DateTimeField(null=True, help_text="From when it was the price.")
    ended_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=models.Q(ends_at=None) | models.Q(ends_at__gt=models.F("starts_at")),
                name="schedule_ends_after_it_starts",
            ),
            models.CheckConstraint(
                condition=~models.Q(status="running")
                | models.Q(began_at__isnull=False, ends_at__isnull=False, before_amount__isnull=False),
                name="schedule_running_knows_what_comes_back",
            ),
            models.UniqueConstraint(
                fields=["variant"], condition=models.Q(status="running"), name="schedule_one_running"
            ),
        )
        indexes = (
            models.Index(
                fields=["starts_at"], condition=models.Q(status="upcoming"), name="schedule_starting"
            ),
            models.Index(fields=["ends_at"], condition=models.Q(status="running"), name="schedule_ending"),
            models.Index(fields=["variant", "-id"], name="schedule_of_variant"),
            models.Index(fields=["merchant", "status", "-id"], name="schedule_listing"),
            models.Index(fields=["merchant", "-id"], name="schedule_of_merchant"),
        )

    def __str__(self) -> str:
        return f"{self.variant_id} {self.amount} {self.currency} from {self.starts_at}"
