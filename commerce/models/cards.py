"""Saved cards as the payment provider knows them. No card number ever comes here."""

from django.db import models
from django.db.models.functions import Now

from commerce import ids
from commerce.models.parties import User


class Customer(models.Model):
    """A user's customer object at the payment provider."""

    user = models.OneToOneField(User, on_delete=models.PROTECT, primary_key=True, related_name="customer")
    provider_id = models.CharField(max_length=255, unique=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    def __str__(self) -> str:
        return self.provider_id


class Card(models.Model):
    """A payment method saved for paying inside a show."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="cards")
    provider_id = models.CharField(max_length=255, unique=True)
    brand = models.CharField(max_length=20)
    last4 = models.CharField(max_length=4)
    exp_month = models.PositiveSmallIntegerField()
    exp_year = models.PositiveSmallIntegerField()
    fingerprint = models.CharField(
        max_length=64,
        blank=True,
        default="",
        help_text="The provider's: one card has one, whoever saves it.",
    )
    is_default = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["user"],
                condition=models.Q(is_default=True, removed_at=None),
                name="card_one_default",
            ),
        )

    def __str__(self) -> str:
        return f"{self.brand} ···· {self.last4}"
