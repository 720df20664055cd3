"""Purchases: one buyer's one act of buying, and how it went."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from commerce import ids
from commerce.models import Card, User
from streams.models import Coupon, Stream


class Purchase(models.Model):
    """One buyer's one act of buying: one payment, one or more orders. `key` makes a retry harmless."""

    class Status(models.TextChoices):
        ACCEPTED = "accepted", "accepted, being charged"
        ACTION_REQUIRED = "action_required", "waiting for the buyer's bank"
        AUTHORIZED = "authorized", "pre-order, charged when it is shipped"
        PAID = "paid"
        DECLINED = "declined", "card declined, units given back after its grace"
        EXPIRED = "expired", "not paid in time, units given back"
        CANCELLED = "cancelled"

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    # Every index is written with every purchase; those below serve both keys.
    buyer = models.ForeignKey(User, on_delete=models.PROTECT, related_name="purchases", db_index=False)
    key = models.UUIDField(help_text="The client's idempotency key.")
    fingerprint = models.CharField(
        max_length=64, help_text="SHA-256 of what was asked; the same key must ask the same."
    )
    stream = models.ForeignKey(
        Stream, null=True, on_delete=models.PROTECT, related_name="purchases", db_index=False
    )
    status = models.CharField(max_length=15, choices=Status, default=Status.ACCEPTED)
    version = models.PositiveIntegerField(default=1, help_text="Grows by one per change.")
    amount = models.PositiveIntegerField(help_text="Total in minor units.")
    currency = models.CharField(max_length=3)
    card = models.ForeignKey(Card, on_delete=models.PROTECT, related_name="+", db_index=False)
    ship_to = models.JSONField(
        help_text="Copy of the buyer's address, the one place of her contact; erased, the country alone."
    )
    erased_at = models.DateTimeField(null=True, blank=True, editable=False)
    households = ArrayField(
        models.CharField(max_length=64),
        default=list,
        blank=True,
        help_text="Households by which an offer counted its units.",
    )
    coupon = models.ForeignKey(
        Coupon, null=True, blank=True, on_delete=models.PROTECT, related_name="purchases", db_index=False
    )
    pay_at_shipping = models.BooleanField(default=False, help_text="A pre-order: captured once shipped.")
    hold_until = models.DateTimeField(help_text="Units go back after this unless a charge is in flight.")
    grace_until = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="Declined, and its units are kept until then for another card.",
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["buyer", "key"], name="purchase_key_once"),
            models.CheckConstraint(
                condition=models.Q(grace_until=None) | models.Q(status="declined"),
                name="purchase_grace_of_declined",
            ),
        )
        indexes = (
            models.Index(
                fields=["grace_until"],
                condition=models.Q(grace_until__isnull=False),
                name="purchase_in_grace",
            ),
            models.Index(
                fields=["hold_until"],
                condition=models.Q(status__in=["accepted", "action_required"]),
                name="purchase_unsettled",
            ),
            # For the sweep of contacts. Nothing is written to it by what is bought and paid.
            models.Index(
                fields=["id"],
                condition=models.Q(status__in=["declined", "expired", "cancelled"], erased_at=None),
                name="purchase_unsold_kept",
            ),
            models.Index(fields=["buyer", "-id"], name="purchase_of_buyer"),
            models.Index(fields=["stream", "status"], name="purchase_of_stream"),
        )

    def __str__(self) -> str:
        return f"{self.id} ({self.status})"


class PurchaseMove(models.Model):
    """History of a purchase's status; it begins as accepted when it is created."""

    id = models.BigAutoField(primary_key=True)
    purchase = models.ForeignKey(Purchase, on_delete=models.CASCADE, related_name="moves")
    old = models.CharField(max_length=15, blank=True)
    new = models.CharField(max_length=15)
    reason = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.old} -> {self.new}"
