"""Payments: one row per attempt; its id is the provider's idempotency key. And refunds."""

from django.db import models
from django.db.models.functions import Now

from commerce import ids
from commerce.models import Card, User
from commerce.money import Money
from orders.models.orders import Order, OrderLine
from orders.models.purchases import Purchase


class Payment(models.Model):
    """One attempt to charge a purchase. A new card is a new attempt; a retry is the same one."""

    class Status(models.TextChoices):
        CREATED = "created", "not sent yet"
        SENT = "sent", "sent, answer not recorded yet"
        UNKNOWN = "unknown", "no answer came; asked again with the same key"
        ACTION_REQUIRED = "action_required"
        AUTHORIZED = "authorized", "the card has promised it, not captured yet"
        SUCCEEDED = "succeeded"
        DECLINED = "declined"
        CANCELLED = "cancelled"
        RETURNED = "returned", "captured too late, given back in full"

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    purchase = models.ForeignKey(Purchase, on_delete=models.PROTECT, related_name="payments", db_index=False)
    number = models.PositiveSmallIntegerField(help_text="1 for the first attempt.")
    card = models.ForeignKey(Card, on_delete=models.PROTECT, related_name="+")
    amount = models.PositiveIntegerField()
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=15, choices=Status, default=Status.CREATED)
    provider_id = models.CharField(max_length=255, unique=True, null=True, blank=True)
    charge_id = models.CharField(max_length=255, blank=True)
    decline_code = models.CharField(max_length=80, blank=True)
    message = models.CharField(max_length=300, blank=True)
    refunded_amount = models.PositiveIntegerField(default=0)
    transferred_amount = models.PositiveIntegerField(
        default=0, db_default=0, help_text="What payouts send on of it to merchants and hosts."
    )
    receivable_amount = models.PositiveIntegerField(
        default=0, db_default=0, help_text="What was sent on and given back to the buyer later."
    )
    customer = models.CharField(
        max_length=255,
        blank=True,
        db_default="",
        help_text="The buyer at the provider as she was asked for, whoever she is there later.",
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    sent_at = models.DateTimeField(null=True, blank=True, help_text="First time it was sent to the provider.")
    checked_at = models.DateTimeField(null=True, blank=True, help_text="Last time the provider was asked.")
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["purchase", "number"], name="payment_number_once"),
            models.UniqueConstraint(
                fields=["purchase"],
                condition=~models.Q(status__in=["declined", "cancelled", "returned"]),
                name="payment_one_alive_per_purchase",
            ),
            models.CheckConstraint(
                condition=models.Q(refunded_amount__lte=models.F("amount")), name="payment_refund_capped"
            ),
            models.CheckConstraint(
                condition=models.Q(
                    transferred_amount__lte=models.F("amount")
                    - models.F("refunded_amount")
                    + models.F("receivable_amount")
                ),
                name="payment_payouts_capped",
            ),
        )
        indexes = (
            models.Index(
                fields=["created_at"],
                condition=models.Q(status__in=["created", "sent", "unknown", "action_required"]),
                name="payment_unfinished",
            ),
        )

    def __str__(self) -> str:
        return f"{self.id} ({self.status})"


class Refund(models.Model):
    """Money given back to a buyer; `payment.refunded_amount` grows with it and is capped there."""

    class Status(models.TextChoices):
        CREATED = "created", "not sent yet"
        SENT = "sent", "sent, answer not recorded yet"
        UNKNOWN = "unknown", "no answer came; looked for before it is sent again"
        PENDING = "pending", "the provider is at it"
        SUCCEEDED = "succeeded"
        FAILED = "failed", "failed, also after it had succeeded; the money is still owed"
        BY_BANK = "by_bank", "the buyer has it from her bank, which had taken it from us"

    class Kind(models.TextChoices):
        LATE = "late", "captured too late"
        CANCEL = "cancel", "cancelled before it was shipped"
        RETURN = "return", "goods came back"
        GOODWILL = "goodwill", "the merchant gave money back"

    class By(models.TextChoices):
        BUYER = "buyer"
        MERCHANT = "merchant"
        OPERATOR = "operator"
        SYSTEM = "system"

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds")
    amount = models.PositiveIntegerField()
    currency = models.CharField(max_length=3)
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.LATE, db_default=Kind.LATE)
    order = models.ForeignKey(
        Order,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="refunds",
        help_text="Of paid ones.",
    )
    by = models.CharField(max_length=8, choices=By, default=By.SYSTEM, db_default=By.SYSTEM)
    decided_by = models.ForeignKey(
        User,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="The person, if any.",
    )
    reason = models.CharField(max_length=200)
    status = models.CharField(max_length=9, choices=Status, default=Status.CREATED)
    provider_id = models.CharField(max_length=255, unique=True, null=True, blank=True)
    failure = models.CharField(max_length=80, blank=True, db_default="")
    bank_amount = models.PositiveIntegerField(
        default=0, db_default=0, help_text="What of it the buyer's bank has paid; the rest is sent anew."
    )
    again_of = models.OneToOneField(
        "self",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="again",
        help_text="The failed refund whose debt this one pays.",
    )
    attempts = models.PositiveSmallIntegerField(db_default=0, help_text="Times it was sent.")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    sent_at = models.DateTimeField(null=True, blank=True, help_text="First time it was sent to the provider.")
    checked_at = models.DateTimeField(null=True, blank=True, help_text="Last time the provider was asked.")

    class Meta:
        constraints = (
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="refund_positive"),
            models.CheckConstraint(
                condition=models.Q(bank_amount=0)
                | models.Q(bank_amount__lte=models.F("amount"), status="by_bank"),
                name="refund_by_bank_within",
            ),
        )
        indexes = (
            models.Index(
                fields=["created_at"],
                condition=models.Q(status__in=["created", "sent", "unknown", "pending"]),
                name="refund_unfinished",
            ),
        )

    def __str__(self) -> str:
        return f"{Money(self.amount, self.currency)} ({self.status})"


class RefundLine(models.Model):
    """What of a refund is for one order line, and what of it host and platform give back."""

    id = models.BigAutoField(primary_key=True)
    refund = models.ForeignKey(Refund, on_delete=models.PROTECT, related_name="lines", db_index=False)
    line = models.ForeignKey(OrderLine, on_delete=models.PROTECT, related_name="refund_lines")
    quantity = models.PositiveSmallIntegerField(default=0)
    amount = models.PositiveIntegerField(help_text="Tax included.")
    tax_amount = models.PositiveIntegerField(default=0, db_default=0, help_text="Tax in it.")
    host_amount = models.PositiveIntegerField(default=0)
    platform_amount = models.PositiveIntegerField(default=0)
    restocked = models.BooleanField(default=False, help_text="Units were put on sale again.")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["refund", "line"], name="refund_line_once"),
            models.CheckConstraint(
                condition=models.Q(amount__gte=models.F("host_amount") + models.F("platform_amount")),
                name="refund_line_shares_within",
            ),
            models.CheckConstraint(
                condition=models.Q(tax_amount__lte=models.F("amount")), name="refund_line_tax_within"
            ),
        )

    def __str__(self) -> str:
        return f"{self.amount} of line {self.line_id}"
