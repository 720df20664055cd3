"""Carts: what a buyer means to buy. Nothing is held for a cart; first paid, first served."""

from django.db import models
from django.db.models.functions import Now

from catalog.models import Variant
from commerce.models import User
from streams.models import Stream


class Cart(models.Model):
    """One buyer's cart over all shows and devices; the version guards against lost updates."""

    buyer = models.OneToOneField(User, on_delete=models.CASCADE, primary_key=True, related_name="cart")
    version = models.PositiveBigIntegerField(default=0)
    updated_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"cart of {self.buyer_id}"


class CartLine(models.Model):
    """Units of one variant in a cart, and the show it was added in."""

    cart = models.ForeignKey(Cart, on_delete=models.CASCADE, related_name="lines")
    variant = models.ForeignKey(Variant, on_delete=models.CASCADE, related_name="+")
    quantity = models.PositiveSmallIntegerField()
    stream = models.ForeignKey(Stream, null=True, on_delete=models.SET_NULL, related_name="+")
    added_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["cart", "variant"], name="cart_variant_once"),
            models.CheckConstraint(
                condition=models.Q(quantity__gte=1) & models.Q(quantity__lte=99), name="cart_quantity_sane"
            ),
        )

    def __str__(self) -> str:
        return f"{self.quantity} x {self.variant_id}"
