"""What happens to an order after it was paid: cancellations, goods that come back, and disputes."""

from django.db import models
from django.db.models.functions import Now

from commerce import ids
from commerce.models import Merchant, User
from orders.models.orders import Order, OrderLine
from orders.models.payments import Payment, Refund


class Cancellation(models.Model):
    """A buyer's wish to cancel an order that has not been shipped, once her own time for it is over."""

    class Status(models.TextChoices):
        ASKED = "asked"
        GRANTED = "granted"
        REFUSED = "refused"

    order = models.OneToOneField(
        Order, on_delete=models.PROTECT, primary_key=True, related_name="cancellation"
    )
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+")
    status = models.CharField(max_length=8, choices=Status, default=Status.ASKED)
    reason = models.CharField(max_length=200, blank=True, help_text="The buyer's words.")
    answer = models.CharField(max_length=200, blank=True, help_text="The merchant's words.")
    asked_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.order_id} ({self.status})"


class Return(models.Model):
    """Goods of a shipped order that a buyer wants to send back."""

    class Status(models.TextChoices):
        ASKED = "asked"
        APPROVED = "approved", "the goods may come"
        REFUSED = "refused"
        RECEIVED = "received", "the goods are there"
        REFUNDED = "refunded"
        LAPSED = "lapsed", "the goods never came"

    class Reason(models.TextChoices):
        CHANGED_MIND = "changed_mind"
        DAMAGED = "damaged"
        WRONG_ITEM = "wrong_item"
        NOT_AS_SHOWN = "not_as_shown", "not as it was shown"
        TOO_LATE = "too_late", "came too late"
        OTHER = "other"

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+", db_index=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="returns")
    status = models.CharField(max_length=8, choices=Status, default=Status.ASKED)
    reason = models.CharField(max_length=12, choices=Reason)
    note = models.CharField(max_length=500, blank=True, help_text="The buyer's words.")
    answer = models.CharField(max_length=500, blank=True, help_text="The merchant's words.")
    refund = models.OneToOneField(
        Refund, null=True, blank=True, on_delete=models.PROTECT, related_name="goods_back"
    )
    until = models.DateTimeField(null=True, blank=True, help_text="Approved goods come until then.")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = (
            models.Index(fields=["merchant", "-id"], name="return_of_merchant"),
            models.Index(
                fields=["until"], condition=models.Q(status="approved"), name="return_that_may_come"
            ),
        )
        constraints = (
            models.CheckConstraint(
                condition=models.Q(until__isnull=False, status="approved")
                | (models.Q(until=None) & ~models.Q(status="approved")),
                name="return_comes_until",
            ),
        )

    def __str__(self) -> str:
        return f"{self.id} ({self.status})"


class ReturnLine(models.Model):
    """Units of an order line that come back."""

    id = models.BigAutoField(primary_key=True)
    back = models.ForeignKey(Return, on_delete=models.PROTECT, related_name="lines", db_index=False)
    line = models.ForeignKey(OrderLine, on_delete=models.PROTECT, related_name="return_lines")
    quantity = models.PositiveSmallIntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["back", "line"], name="return_line_once"),
            models.CheckConstraint(condition=models.Q(quantity__gte=1), name="return_line_of_something"),
        )

    def __str__(self) -> str:
        return f"{self.quantity} of {self.line_id}"


class ReturnMove(models.Model):
    """History of a return's status, and who moved it."""

    id = models.BigAutoField(primary_key=True)
    back = models.ForeignKey(Return, on_delete=models.CASCADE, related_name="moves")
    old = models.CharField(max_length=8, blank=True)
    new = models.CharField(max_length=8)
    by = models.CharField(max_length=8, choices=Refund.By)
    person = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.old} -> {self.new}"


class Dispute(models.Model):
    """A charge that the buyer's bank wants back. Its status is the provider's word."""

    OPEN = ("needs_response", "under_review", "warning_needs_response", "warning_under_review")

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="disputes")
    provider_id = models.CharField(max_length=255, unique=True)
    amount = models.PositiveIntegerField()
    currency = models.CharField(max_length=3)
    reason = models.CharField(max_length=60, blank=True)
    status = models.CharField(max_length=30)
    due_at = models.DateTimeField(null=True, blank=True, help_text="Evidence is taken until then.")
    withdrawn_amount = models.PositiveIntegerField(default=0, help_text="What the bank took.")
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    reinstated_amount = models.PositiveIntegerField(
        default=0, db_default=0, help_text="What of it it gave back."
    )
    reinstated_at = models.DateTimeField(null=True, blank=True, help_text="When all of it was back.")
    submitted_at = models.DateTimeField(null=True, blank=True, help_text="When evidence was sent.")
    submitted_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=models.Q(reinstated_at=None) | models.Q(withdrawn_at__isnull=False),
                name="dispute_gives_back_what_it_took",
            ),
            models.CheckConstraint(
                condition=models.Q(reinstated_amount__lte=models.F("withdrawn_amount")),
                name="dispute_gives_back_no_more",
            ),
            models.CheckConstraint(
                condition=models.Q(reinstated_at=None)
                | models.Q(reinstated_amount=models.F("withdrawn_amount")),
                name="dispute_reinstated_whole",
            ),
        )

    def __str__(self) -> str:
        return f"{self.provider_id} ({self.status})"


class DisputeLine(models.Model):
    """What a dispute took for one order line, less what of it came back in part, and what of that host and
    platform bear.
    """

    id = models.BigAutoField(primary_key=True)
    dispute = models.ForeignKey(Dispute, on_delete=models.PROTECT, related_name="lines", db_index=False)
    line = models.ForeignKey(OrderLine, on_delete=models.PROTECT, related_name="dispute_lines")
    amount = models.PositiveIntegerField()
    host_amount = models.PositiveIntegerField(default=0)
    platform_amount = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["dispute", "line"], name="dispute_line_once"),
            models.CheckConstraint(
                condition=models.Q(amount__gte=models.F("host_amount") + models.F("platform_amount")),
                name="dispute_line_shares_within",
            ),
        )

    def __str__(self) -> str:
        return f"{self.amount} of {self.line_id}"


class ShippingBack(models.Model):
    """What of an order's shipping, tax included, a refund gives back or a dispute took from its merchant."""

    id = models.BigAutoField(primary_key=True)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="shipping_back")
    refund = models.ForeignKey(
        Refund, null=True, blank=True, on_delete=models.PROTECT, related_name="shipping", db_index=False
    )
    dispute = models.ForeignKey(
        Dispute, null=True, blank=True, on_delete=models.PROTECT, related_name="shipping", db_index=False
    )
    amount = models.PositiveIntegerField()
    tax_amount = models.PositiveIntegerField(help_text="Tax in it.")

    class Meta:
        verbose_name_plural = "shipping given back"
        constraints = (
            models.UniqueConstraint(fields=["refund", "order"], name="shipping_back_once_per_refund"),
            models.UniqueConstraint(fields=["dispute", "order"], name="shipping_back_once_per_dispute"),
            models.CheckConstraint(
                condition=models.Q(refund=None, dispute__isnull=False)
                | models.Q(refund__isnull=False, dispute=None),
                name="shipping_back_by_one",
            ),
            models.CheckConstraint(
                condition=models.Q(amount__gt=0) & models.Q(tax_amount__lte=models.F("amount")),
                name="shipping_back_of_something",
            ),
        )

    def __str__(self) -> str:
        return f"{self.amount} of order {self.order_id}"
