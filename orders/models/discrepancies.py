"""What the provider and our books do not agree on."""

from django.db import models

from commerce.models import User
from orders.models.payments import Payment


class Discrepancy(models.Model):
    """Something at the provider that is not as our books have it. A human looks at it, and says what it was.

    Amounts are in minor units; null where one side has nothing.
    """

    class Kind(models.TextChoices):
        PAYMENT = "payment", "a payment is not as we asked for it"
        SECOND_CHARGE = "second_charge", "one payment was charged twice"
        FOREIGN_CHARGE = "foreign_charge", "a charge that is not ours"
        REFUND = "refund", "a refund is not as we asked for it"
        FOREIGN_REFUND = "foreign_refund", "a refund that we did not ask for"
        TRANSFER = "transfer", "what a payee was sent is not as we asked for it"
        DEBT = "debt", "a payee owes what cannot be taken back"
        DISPUTE = "dispute", "a charge is disputed"
        MOVEMENT = "movement", "money moved at the provider and not in our books"
        NOT_THERE = "not_there", "money moved in our books and not at the provider"
        GAP = "gap", "events were not read in time and are gone"

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=20, choices=Kind)
    provider_id = models.CharField(max_length=255, help_text="What it is about, at the provider.")
    payment = models.ForeignKey(
        Payment, null=True, blank=True, on_delete=models.PROTECT, related_name="discrepancies"
    )
    ours = models.BigIntegerField(null=True, blank=True)
    theirs = models.BigIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    what = models.CharField(max_length=300, help_text="What differs, in words.")
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    note = models.CharField(max_length=500, blank=True, help_text="What it was, and what was done.")

    class Meta:
        verbose_name_plural = "discrepancies"
        constraints = (
            models.UniqueConstraint(
                fields=["kind", "provider_id"],
                condition=models.Q(resolved_at=None),
                name="discrepancy_open_once",
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.provider_id}"
