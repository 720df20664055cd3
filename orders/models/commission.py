"""What hosts earn by what was sold, each her part, and what is taken back of it."""

from django.db import models
from django.db.models.functions import Now

from commerce import ids
from commerce.models import Host
from orders.models.aftersales import DisputeLine
from orders.models.orders import OrderLine
from orders.models.payments import RefundLine
from streams.models import Stream

WHOLE_BP = 10_000


class Commission(models.Model):
    """What a host earns by one order line: her share of the line's commission.

    The line's commission is at the rate agreed at the sale, on what was really paid; the shares are those in
    force then, and all hosts' parts are together all of it.
    """

    class Status(models.TextChoices):
        PENDING = "pending", "goods may still come back"
        EARNED = "earned", "to be paid out"
        PAID = "paid", "paid out"
        REVERSED = "reversed", "all of it taken back"

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    line = models.ForeignKey(OrderLine, on_delete=models.PROTECT, related_name="commissions", db_index=False)
    host = models.ForeignKey(Host, on_delete=models.PROTECT, related_name="commissions")
    stream = models.ForeignKey(Stream, on_delete=models.PROTECT, related_name="commissions")
    rate_bp = models.PositiveIntegerField(help_text="Of what was paid: all hosts' commission.")
    share_bp = models.PositiveIntegerField(
        default=WHOLE_BP, db_default=WHOLE_BP, help_text="Of the commission: this host's."
    )
    base_amount = models.PositiveIntegerField()
    amount = models.PositiveIntegerField(help_text="This host's part.")
    currency = models.CharField(max_length=3)
    reversed_amount = models.PositiveIntegerField(
        default=0, db_default=0, help_text="What refunds and disputes took back of it."
    )
    status = models.CharField(max_length=8, choices=Status, default=Status.PENDING)
    earned_at = models.DateTimeField(
        null=True, blank=True, help_text="When the time in which goods may come back was over."
    )
    payout = models.ForeignKey(
        "orders.Payout", null=True, blank=True, on_delete=models.PROTECT, related_name="commissions"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["line", "host"], name="commission_once_per_host"),
            models.CheckConstraint(
                condition=models.Q(share_bp__gt=0, share_bp__lte=WHOLE_BP),
                name="commission_share_of_something",
            ),
            models.CheckConstraint(
                condition=models.Q(reversed_amount__lte=models.F("amount")),
                name="commission_reversal_capped",
            ),
            models.CheckConstraint(
                condition=~models.Q(status__in=["earned", "paid"]) | models.Q(earned_at__isnull=False),
                name="commission_earned_at_a_time",
            ),
        )
        indexes = (
            models.Index(fields=["line"], condition=models.Q(earned_at=None), name="commission_not_earned"),
        )

    def __str__(self) -> str:
        return f"{self.amount} {self.currency} for {self.host_id}"


class CommissionBack(models.Model):
    """What of a line that was refunded, or that a bank took back, one host gives back."""

    id = models.BigAutoField(primary_key=True)
    commission = models.ForeignKey(
        Commission, on_delete=models.PROTECT, related_name="given_back", db_index=False
    )
    refund_line = models.ForeignKey(
        RefundLine, null=True, blank=True, on_delete=models.PROTECT, related_name="hosts"
    )
    dispute_line = models.ForeignKey(
        DisputeLine, null=True, blank=True, on_delete=models.PROTECT, related_name="hosts"
    )
    amount = models.PositiveIntegerField()

    class Meta:
        verbose_name_plural = "commission given back"
        constraints = (
            models.UniqueConstraint(
                fields=["commission", "refund_line"], name="commission_back_once_per_refund"
            ),
            models.UniqueConstraint(
                fields=["commission", "dispute_line"], name="commission_back_once_per_dispute"
            ),
            models.CheckConstraint(
                condition=models.Q(refund_line=None, dispute_line__isnull=False)
                | models.Q(refund_line__isnull=False, dispute_line=None),
                name="commission_back_by_one",
            ),
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="commission_back_of_something"),
        )

    def __str__(self) -> str:
        return f"{self.amount} of {self.commission_id}"
