"""The waitlist: who is next for units that come back."""

from django.db import models
from django.db.models.functions import Now

from catalog.models import Variant
from commerce import ids
from commerce.models import User
from streams.models import Offer, Stream


class WaitlistEntry(models.Model):
    """A shopper in line for a variant, or for it at an offer's price; in her turn units are held for her."""

    class Status(models.TextChoices):
        WAITING = "waiting"
        OFFERED = "offered", "her turn: units are held for her"
        BOUGHT = "bought"
        LAPSED = "lapsed", "her turn ran out"
        LEFT = "left"

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    buyer = models.ForeignKey(User, on_delete=models.CASCADE, related_name="waitlist")
    variant = models.ForeignKey(Variant, on_delete=models.CASCADE, related_name="+")
    offer = models.ForeignKey(Offer, null=True, blank=True, on_delete=models.CASCADE, related_name="waitlist")
    stream = models.ForeignKey(Stream, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    quantity = models.PositiveSmallIntegerField(default=1)
    status = models.CharField(max_length=7, choices=Status, default=Status.WAITING)
    turn_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "waitlist entries"
        constraints = (
            models.UniqueConstraint(
                fields=["buyer", "variant", "offer"],
                condition=models.Q(status__in=["waiting", "offered"]),
                nulls_distinct=False,
                name="waitlist_once",
            ),
            models.CheckConstraint(condition=models.Q(quantity__gte=1), name="waitlist_positive"),
            models.CheckConstraint(
                condition=~models.Q(status="offered") | models.Q(turn_until__isnull=False),
                name="waitlist_turn_ends",
            ),
        )
        indexes = (
            # Who is next: ids grow with time (UUIDv7).
            models.Index(
                fields=["variant", "offer", "id"],
                condition=models.Q(status="waiting"),
                name="waitlist_next",
            ),
            models.Index(
                fields=["turn_until"], condition=models.Q(status="offered"), name="waitlist_turns_due"
            ),
        )

    def __str__(self) -> str:
        return f"{self.buyer_id} for {self.variant_id} ({self.status})"
