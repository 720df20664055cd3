"""Carts: what a buyer means to buy, and what is held for it where a merchant's policy is to hold."""

from django.db import models
from django.db.models import Func
from django.db.models.functions import Now
from django.db.models.lookups import LessThanOrEqual

from catalog.models import Variant
from commerce import ids
from commerce.models import Merchant, User
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

    cart = models.ForeignKey(Cart, on_delete=models.CASCADE, related_name="lines", db_index=False)
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


class CartPolicy(models.Model):
    """A merchant whose goods are held for a cart. Without a row: first paid, first served."""

    merchant = models.OneToOneField(
        Merchant, on_delete=models.CASCADE, primary_key=True, related_name="cart_policy"
    )
    hold_seconds = models.PositiveIntegerField(help_text="How long units are held for a cart.")
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "cart policies"
        constraints = (
            models.CheckConstraint(
                condition=models.Q(hold_seconds__gte=60) & models.Q(hold_seconds__lte=3600),
                name="cart_policy_sane",
            ),
        )

    def __str__(self) -> str:
        return f"{self.merchant_id}: {self.hold_seconds} s"


class Hoarder(models.Model):
    """A shopper for whose carts a merchant holds nothing any more."""

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="hoarders", db_index=False)
    buyer = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    reason = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["merchant", "buyer"], name="hoarder_once"),)

    def __str__(self) -> str:
        return f"{self.buyer_id} at {self.merchant_id}"


class CartHold(models.Model):
    """Units held for a cart until a moment. They left the stock, and go back to it or into a purchase."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    # Not with the user: her units would be lost to everybody.
    buyer = models.ForeignKey(User, on_delete=models.PROTECT, related_name="cart_holds", db_index=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+")
    variant = models.ForeignKey(Variant, on_delete=models.PROTECT, related_name="+")
    quantity = models.PositiveSmallIntegerField()
    until = models.DateTimeField()
    warned_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["buyer", "variant"], name="cart_hold_once"),
            models.CheckConstraint(condition=models.Q(quantity__gte=1), name="cart_hold_positive"),
        )
        indexes = (models.Index(fields=["until"], name="cart_hold_due"),)

    def __str__(self) -> str:
        return f"{self.quantity} x {self.variant_id} for {self.buyer_id}"


class CartHolder(models.Model):
    """How much a merchant has held for one shopper's carts so far, and how much of it came back unbought."""

    merchant = models.ForeignKey(
        Merchant, on_delete=models.CASCADE, related_name="cart_holders", db_index=False
    )
    buyer = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    held = models.PositiveBigIntegerField(default=0, help_text="Units, all holds together.")
    lapsed = models.PositiveBigIntegerField(default=0, help_text="Units whose hold ran out.")
    last_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (models.UniqueConstraint(fields=["merchant", "buyer"], name="cart_holder_once"),)

    def __str__(self) -> str:
        return f"{self.held} for {self.buyer_id} at {self.merchant_id}"


GUEST_LINES = 20


class GuestCart(models.Model):
    """The cart of somebody who is not signed in. Its token is in her browser; here is only its hash."""

    token_hash = models.CharField(primary_key=True, max_length=64)
    version = models.PositiveBigIntegerField(default=0)
    lines = models.JSONField(default=list, help_text="Variant, quantity and show of each line, in order.")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=LessThanOrEqual(
                    Func("lines", function="jsonb_array_length", output_field=models.IntegerField()),
                    GUEST_LINES,
                ),
                name="guest_cart_bounded",
            ),
        )
        indexes = (models.Index(fields=["updated_at"], name="guest_cart_old"),)

    def __str__(self) -> str:
        return f"guest cart of {len(self.lines)} lines"
