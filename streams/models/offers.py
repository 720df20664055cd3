"""Offers: a live-only price with a quota, a per-buyer limit and a window."""

from django.db import models
from django.db.models.functions import Now

from catalog.models import Variant
from commerce import ids
from commerce.models import User
from streams.models.shows import ShowcaseItem, Stream


class Offer(models.Model):
    """A live-only price for one showcase item (or one variant of it), judged by the server's clock."""

    class Status(models.TextChoices):
        OPEN = "open"
        ENDED = "ended"

    class Reason(models.TextChoices):
        TIME = "time"
        SOLD_OUT = "sold_out"
        HOST = "host"

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    stream = models.ForeignKey(Stream, on_delete=models.CASCADE, related_name="offers")
    item = models.ForeignKey(ShowcaseItem, on_delete=models.PROTECT, related_name="offers")
    variant = models.ForeignKey(
        Variant,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Empty: every variant.",
    )
    amount = models.PositiveIntegerField(help_text="Live price in minor units.")
    reference_amount = models.PositiveIntegerField(
        help_text="List price when the offer opened, in minor units."
    )
    currency = models.CharField(max_length=3)
    quota = models.PositiveIntegerField(help_text="Units that may be sold at this price.")
    left = models.IntegerField(help_text="Units of the quota not yet taken.")
    per_buyer = models.PositiveSmallIntegerField(help_text="Most units for one buyer.")
    status = models.CharField(max_length=5, choices=Status, default=Status.OPEN)
    opens_at = models.DateTimeField()
    closes_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=8, choices=Reason, blank=True)
    version = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=models.Q(left__gte=0) & models.Q(left__lte=models.F("quota")),
                name="offer_quota_holds",
            ),
            models.CheckConstraint(condition=models.Q(per_buyer__gte=1), name="offer_limit_positive"),
            models.CheckConstraint(
                condition=models.Q(closes_at__gt=models.F("opens_at")), name="offer_window_forward"
            ),
            models.CheckConstraint(
                condition=models.Q(amount__gt=0) & models.Q(amount__lte=models.F("reference_amount")),
                name="offer_price_below_list",
            ),
            models.UniqueConstraint(
                fields=["item"], condition=models.Q(status="open"), name="offer_one_open_per_item"
            ),
        )

    def __str__(self) -> str:
        return f"{self.item} at {self.amount} {self.currency}"


class OfferBuyer(models.Model):
    """Units of an offer that one buyer has; the limit is in the row, so the database holds it."""

    offer = models.ForeignKey(Offer, on_delete=models.CASCADE, related_name="buyers")
    buyer = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    units = models.IntegerField(default=0)
    cap = models.PositiveSmallIntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["offer", "buyer"], name="offer_buyer_once"),
            models.CheckConstraint(
                condition=models.Q(units__gte=0) & models.Q(units__lte=models.F("cap")),
                name="offer_limit_holds",
            ),
        )

    def __str__(self) -> str:
        return f"{self.buyer_id}: {self.units}/{self.cap}"
