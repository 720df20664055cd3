"""The books: append-only double entry. The database refuses unbalanced transactions,
changes, deletes, and postings added later."""

from django.db import models
from django.db.models.functions import Now

from commerce import ids


class LedgerTransaction(models.Model):
    """One thing that happened to money; its postings sum to zero per currency (deferred trigger)."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    kind = models.CharField(max_length=40)
    ref = models.CharField(max_length=80, help_text="What it books, such as a payment's id.")
    legs = models.PositiveSmallIntegerField(
        default=2, db_default=2, help_text="How many postings it has, for ever."
    )
    posted_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["ref", "kind"], name="ledger_once_per_ref_and_kind"),
            # An empty one would stand in the way of what is booked under its name.
            models.CheckConstraint(condition=models.Q(legs__gte=1), name="ledger_of_something"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.ref}"


class Posting(models.Model):
    """One line of the books, in minor units: debit positive, credit negative."""

    id = models.BigAutoField(primary_key=True)
    transaction = models.ForeignKey(LedgerTransaction, on_delete=models.PROTECT, related_name="postings")
    account = models.CharField(max_length=80)
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)

    class Meta:
        constraints = (models.CheckConstraint(condition=~models.Q(amount=0), name="posting_not_zero"),)
        indexes = (models.Index(fields=["account", "currency", "id"], name="posting_account"),)

    def __str__(self) -> str:
        return f"{self.account} {self.amount} {self.currency}"
