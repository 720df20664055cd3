"""Offers and coupons: a live-only price, and money off, each with a quota, limits and a window."""

from django.db import models
from django.db.models.functions import Now

from catalog.models import Variant
from commerce import ids
from commerce.models import Merchant, User
from streams.models.shows import ShowcaseItem, Stream


class Offer(models.Model):
    """A live-only price for one showcase item (or one variant of it), judged by the server's clock."""

    class Status(models.TextChoices):
        ANNOUNCED = "announced"
        OPEN = "open"
        ENDED = "ended"

    class Reason(models.TextChoices):
        TIME = "time"
        SOLD_OUT = "sold_out"
        HOST = "host"
        FLOOR = "floor", "below the merchant's floor"

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
    list_amount = models.PositiveIntegerField(help_text="List price when it was announced, in minor units.")
    reference_amount = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="Lowest price of the 30 days before it was announced, shown struck through.",
    )
    currency = models.CharField(max_length=3)
    quota = models.PositiveIntegerField(help_text="Units that may be sold at this price.")
    left = models.IntegerField(help_text="Units of the quota not yet taken.")
    per_buyer = models.PositiveSmallIntegerField(help_text="Most units for one buyer.")
    per_household = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Most units for one address, and for one card."
    )
    tries_per_minute = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="How often one buyer may press buy."
    )
    admits_per_second = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Pace of the waiting room; empty: there is none."
    )
    turn_seconds = models.PositiveSmallIntegerField(
        default=120, help_text="How long the next of the waitlist has for a unit that came back."
    )
    grace_seconds = models.PositiveSmallIntegerField(
        default=0,
        db_default=0,
        help_text="How long units of a declined card are kept for another one.",
    )
    takes_coupons = models.BooleanField(default=False, help_text="Whether coupons count on top of its price.")
    status = models.CharField(max_length=9, choices=Status, default=Status.OPEN)
    announced_at = models.DateTimeField(null=True, blank=True)
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
            models.CheckConstraint(condition=models.Q(grace_seconds__lte=600), name="offer_grace_short"),
            models.CheckConstraint(
                condition=models.Q(closes_at__gt=models.F("opens_at")), name="offer_window_forward"
            ),
            models.CheckConstraint(
                condition=models.Q(amount__gt=0) & models.Q(amount__lte=models.F("list_amount")),
                name="offer_price_below_list",
            ),
            models.CheckConstraint(
                condition=models.Q(reference_amount=None) | models.Q(reference_amount__gt=models.F("amount")),
                name="offer_reference_above_price",
            ),
            models.CheckConstraint(
                condition=models.Q(per_household=None) | models.Q(per_household__gte=1),
                name="offer_household_positive",
            ),
            models.UniqueConstraint(
                fields=["item"], condition=models.Q(status="open"), name="offer_one_open_per_item"
            ),
            models.UniqueConstraint(
                fields=["item"], condition=models.Q(status="announced"), name="offer_one_announced_per_item"
            ),
        )

    def __str__(self) -> str:
        return f"{self.item} at {self.amount} {self.currency}"


class OfferBuyer(models.Model):
    """Units of an offer that one buyer has; the limit is in the row, so the database holds it."""

    offer = models.ForeignKey(Offer, on_delete=models.CASCADE, related_name="buyers", db_index=False)
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


class OfferHousehold(models.Model):
    """Units of an offer that one household has, known by its address or its card; the limit is in the row."""

    offer = models.ForeignKey(Offer, on_delete=models.CASCADE, related_name="households", db_index=False)
    key = models.CharField(max_length=64, help_text="A keyed hash of the address or of the card.")
    units = models.IntegerField(default=0)
    cap = models.PositiveSmallIntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["offer", "key"], name="offer_household_once"),
            models.CheckConstraint(
                condition=models.Q(units__gte=0) & models.Q(units__lte=models.F("cap")),
                name="offer_household_limit_holds",
            ),
        )

    def __str__(self) -> str:
        return f"{self.key[:8]}: {self.units}/{self.cap}"


class Coupon(models.Model):
    """Money off one merchant's goods in one show, for those who claim it in the room."""

    class Status(models.TextChoices):
        OPEN = "open"
        ENDED = "ended"

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    stream = models.ForeignKey(Stream, on_delete=models.CASCADE, related_name="coupons", db_index=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+")
    code = models.CharField(max_length=40)
    percent_bp = models.PositiveIntegerField(null=True, blank=True, help_text="Basis points off.")
    amount_off = models.PositiveIntegerField(null=True, blank=True, help_text="Minor units off.")
    currency = models.CharField(max_length=3)
    min_amount = models.PositiveIntegerField(default=0, help_text="Least amount of goods it is for.")
    quota = models.PositiveIntegerField(help_text="How many shoppers may claim it.")
    left = models.IntegerField()
    per_buyer = models.PositiveSmallIntegerField(default=1, help_text="How often who claimed it may use it.")
    status = models.CharField(max_length=5, choices=Status, default=Status.OPEN)
    opens_at = models.DateTimeField()
    closes_at = models.DateTimeField()
    version = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["stream", "code"], name="coupon_code_once"),
            models.CheckConstraint(
                condition=models.Q(percent_bp__gte=1, percent_bp__lte=10_000, amount_off=None)
                | models.Q(amount_off__gte=1, percent_bp=None),
                name="coupon_percent_or_amount",
            ),
            models.CheckConstraint(
                condition=models.Q(left__gte=0) & models.Q(left__lte=models.F("quota")),
                name="coupon_quota_holds",
            ),
            models.CheckConstraint(
                condition=models.Q(closes_at__gt=models.F("opens_at")), name="coupon_window_forward"
            ),
        )

    def __str__(self) -> str:
        return self.code


class CouponClaim(models.Model):
    """A coupon in a shopper's hands, and how often she has used it."""

    coupon = models.ForeignKey(Coupon, on_delete=models.CASCADE, related_name="claims", db_index=False)
    buyer = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    used = models.IntegerField(default=0)
    cap = models.PositiveSmallIntegerField()
    claimed_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["coupon", "buyer"], name="coupon_claim_once"),
            models.CheckConstraint(
                condition=models.Q(used__gte=0) & models.Q(used__lte=models.F("cap")),
                name="coupon_claim_limit_holds",
            ),
        )

    def __str__(self) -> str:
        return f"{self.buyer_id}: {self.used}/{self.cap}"
