"""What merchants and hosts may be paid, and what they were paid."""

from uuid import UUID

from django.db import models
from django.db.models.functions import Now

from commerce import ids
from commerce.models import ConnectedAccount, Merchant, User
from commerce.money import Money
from orders.models.orders import Order
from orders.models.payments import Payment


class Payout(models.Model):
    """What a payee is sent at once in a currency: all that may be paid out, leg by leg."""

    class Status(models.TextChoices):
        SENDING = "sending", "legs are under way"
        PAID = "paid"
        PARTLY = "partly", "some legs failed; what they were of is owed again"
        FAILED = "failed", "no leg arrived; all of it is owed again"

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    account = models.ForeignKey(
        ConnectedAccount, on_delete=models.PROTECT, related_name="payouts", db_index=False
    )
    amount = models.PositiveBigIntegerField(help_text="Of all legs, in minor units.")
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=8, choices=Status, default=Status.SENDING)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="payout_of_something"),
            models.UniqueConstraint(
                fields=["account", "currency"],
                condition=models.Q(status="sending"),
                name="payout_one_at_a_time",
            ),
        )
        indexes = (models.Index(fields=["account", "-id"], name="payout_of_account"),)

    def __str__(self) -> str:
        return f"{Money(self.amount, self.currency)} ({self.status})"


class PayoutLeg(models.Model):
    """The part of a payout that comes out of one payment; its id is the provider's idempotency key."""

    class Status(models.TextChoices):
        CREATED = "created", "not sent yet"
        SENT = "sent", "sent, answer not recorded yet"
        UNKNOWN = "unknown", "no answer came; looked for before it is sent again"
        WAITING = "waiting", "the platform has not enough money at the provider yet"
        PAID = "paid"
        FAILED = "failed", "refused; owed again"

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    payout = models.ForeignKey(Payout, on_delete=models.PROTECT, related_name="legs", db_index=False)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="payout_legs")
    amount = models.PositiveIntegerField()
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=8, choices=Status, default=Status.CREATED)
    provider_id = models.CharField(max_length=255, unique=True, null=True, blank=True)
    failure = models.CharField(max_length=120, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0, help_text="Times it was sent.")
    refusals = models.PositiveSmallIntegerField(
        default=0, help_text="Times the money was not there: after each the key is another."
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    sent_at = models.DateTimeField(null=True, blank=True, help_text="First time it was sent.")
    checked_at = models.DateTimeField(null=True, blank=True, help_text="Last time the provider was asked.")
    reversed_amount = models.PositiveIntegerField(
        default=0, db_default=0, help_text="What of it was taken back from the payee's account."
    )

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["payout", "payment"], name="payout_leg_once"),
            models.CheckConstraint(
                condition=models.Q(reversed_amount__lte=models.F("amount")), name="payout_leg_reversed_within"
            ),
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="payout_leg_of_something"),
        )
        indexes = (
            models.Index(
                fields=["created_at"],
                condition=models.Q(status__in=["created", "sent", "unknown", "waiting"]),
                name="payout_leg_unfinished",
            ),
        )

    def __str__(self) -> str:
        return f"{Money(self.amount, self.currency)} ({self.status})"


class Reversal(models.Model):
    """What is taken back from a payee's account of a leg that it was sent, because it owes that; its id is
    the provider's idempotency key.
    """

    class Status(models.TextChoices):
        CREATED = "created", "not sent yet"
        SENT = "sent", "sent, answer not recorded yet"
        UNKNOWN = "unknown", "no answer came; looked for before it is sent again"
        DONE = "done", "taken back"
        FAILED = "failed", "refused, as by an empty account; owed again"

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    leg = models.ForeignKey(PayoutLeg, on_delete=models.PROTECT, related_name="reversals")
    amount = models.PositiveIntegerField()
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=8, choices=Status, default=Status.CREATED)
    decided_by = models.ForeignKey(
        User,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="The operator; nobody where nothing netted it for long.",
    )
    provider_id = models.CharField(max_length=255, unique=True, null=True, blank=True)
    failure = models.CharField(max_length=120, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0, help_text="Times it was sent.")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    sent_at = models.DateTimeField(null=True, blank=True, help_text="First time it was sent.")
    checked_at = models.DateTimeField(null=True, blank=True, help_text="Last time the provider was asked.")

    class Meta:
        constraints = (
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="reversal_of_something"),
            models.UniqueConstraint(
                fields=["leg"],
                condition=models.Q(status__in=["created", "sent", "unknown"]),
                name="reversal_one_at_a_time",
            ),
        )

    def __str__(self) -> str:
        return f"{Money(self.amount, self.currency)} ({self.status})"

    @property
    def payment_id(self) -> UUID:
        """The payment that the leg came out of."""
        return self.leg.payment_id


class Proceeds(models.Model):
    """What an order brought its merchant when the time in which goods may come back was over.

    What refunds and disputes took before then is off it; what they take later is in the books alone.
    """

    order = models.OneToOneField(Order, on_delete=models.PROTECT, primary_key=True, related_name="proceeds")
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="proceeds")
    amount = models.PositiveIntegerField()
    currency = models.CharField(max_length=3)
    earned_at = models.DateTimeField()
    payout = models.ForeignKey(
        Payout, null=True, blank=True, on_delete=models.PROTECT, related_name="proceeds"
    )

    class Meta:
        verbose_name_plural = "proceeds"

    def __str__(self) -> str:
        return f"{Money(self.amount, self.currency)} for {self.merchant_id}"
