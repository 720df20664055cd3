"""Orders, one per merchant of a purchase, and their lines with what the buyer saw."""

from django.db import models
from django.db.models.functions import Now

from catalog.models import Variant
from commerce import ids
from commerce.models import Host, Merchant
from orders.models.purchases import Purchase
from streams.models import Offer, Pin, ShowcaseItem, Stream


class Order(models.Model):
    """One merchant's part of a purchase. It reaches the merchant when it is paid."""

    class Status(models.TextChoices):
        PENDING = "pending", "not paid yet"
        OPEN = "open", "to be shipped: paid, or a pre-order"
        SHIPPING = "shipping", "a pre-order's parcel, being charged"
        PARTLY_SHIPPED = "partly_shipped", "a part is on its way, the rest to be shipped"
        SHIPPED = "shipped"
        DELIVERED = "delivered"
        CANCELLED = "cancelled"

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    # Their unique constraints serve as the foreign keys' indexes: a purchase writes few of them.
    purchase = models.ForeignKey(Purchase, on_delete=models.PROTECT, related_name="orders", db_index=False)
    # That the merchant exists is said by the lines, whose variants are its own.
    merchant = models.ForeignKey(
        Merchant, on_delete=models.PROTECT, related_name="orders", db_index=False, db_constraint=False
    )
    status = models.CharField(max_length=14, choices=Status, default=Status.PENDING)
    acknowledged_at = models.DateTimeField(
        null=True, blank=True, help_text="The merchant's system says that it has it."
    )
    reference = models.CharField(
        max_length=80, blank=True, default="", db_default="", help_text="The merchant's own number of it."
    )
    contact_erased_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="Its merchant sees no contact any more."
    )
    has_claims = models.BooleanField(
        default=False, db_default=False, help_text="A cancellation or a return was asked for."
    )
    amount = models.PositiveIntegerField(help_text="Lines, shipping, and tax where prices are without it.")
    currency = models.CharField(max_length=3)
    tax_on_top = models.BooleanField(
        default=False, db_default=False, help_text="Prices are without tax; else it is contained."
    )
    shipping_amount = models.PositiveIntegerField(default=0, db_default=0)
    shipping_name = models.CharField(max_length=80, blank=True, default="", db_default="")
    shipping_tax_amount = models.PositiveIntegerField(default=0, db_default=0)
    shipping_tax_bp = models.PositiveIntegerField(default=0, db_default=0)
    shipping_tax_name = models.CharField(max_length=40, blank=True, default="", db_default="")
    refunded_shipping_amount = models.PositiveIntegerField(
        default=0, db_default=0, help_text="Of what shipping cost with its tax."
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["purchase", "merchant"], name="order_one_per_merchant"),
            models.UniqueConstraint(fields=["merchant", "id"], name="order_of_merchant"),
            models.CheckConstraint(
                condition=models.Q(tax_on_top=True)
                | models.Q(shipping_tax_amount__lte=models.F("shipping_amount")),
                name="order_shipping_contains_its_tax",
            ),
            models.CheckConstraint(
                condition=models.Q(refunded_shipping_amount__lte=models.F("shipping_amount"))
                | models.Q(
                    tax_on_top=True,
                    refunded_shipping_amount__lte=models.F("shipping_amount")
                    + models.F("shipping_tax_amount"),
                ),
                name="order_shipping_refund_capped",
            ),
        )
        indexes = (
            # What is not paid for is not its merchant's business yet, and most of a rush is not.
            models.Index(
                fields=["merchant", "status", "-id"],
                condition=~models.Q(status="pending"),
                name="order_listing",
            ),
            models.Index(
                fields=["merchant", "-id"],
                condition=models.Q(acknowledged_at=None) & ~models.Q(status="pending"),
                name="order_unacknowledged",
            ),
            models.Index(
                fields=["id"],
                condition=models.Q(contact_erased_at=None, status__in=["shipped", "delivered", "cancelled"]),
                name="order_with_contact",
            ),
            models.Index(
                fields=["merchant", "updated_at", "id"],
                condition=~models.Q(status="pending"),
                name="order_changes",
            ),
        )

    def __str__(self) -> str:
        return f"{self.id} ({self.status})"

    @property
    def shipping_paid(self) -> int:
        """What the buyer paid for shipping, tax included."""
        return self.shipping_amount + (self.shipping_tax_amount if self.tax_on_top else 0)


class OrderMove(models.Model):
    """History of an order's status."""

    id = models.BigAutoField(primary_key=True)
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="moves")
    old = models.CharField(max_length=14, blank=True)
    new = models.CharField(max_length=14)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.old} -> {self.new}"


class OrderLine(models.Model):
    """Units of one variant in an order, at the agreed price, with the evidence of what the buyer saw."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="lines", db_constraint=False)
    # The tenant's walls are composite foreign keys, on (merchant, order) and (merchant, variant).
    merchant = models.ForeignKey(
        Merchant, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    variant = models.ForeignKey(Variant, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    title = models.CharField(max_length=515, help_text="Product and variant as named when it was bought.")
    sku = models.CharField(max_length=255, blank=True)
    quantity = models.PositiveSmallIntegerField()
    unit_amount = models.PositiveIntegerField(help_text="Agreed price of one unit in minor units.")
    discount_amount = models.PositiveIntegerField(default=0, help_text="The coupon's share, for all units.")
    amount = models.PositiveIntegerField(help_text="Quantity times unit price, less the discount.")
    currency = models.CharField(max_length=3)
    release_at = models.DateTimeField(null=True, blank=True, help_text="A pre-order until then.")
    # What the buyer saw when she pressed buy. The till reads these rows in the transaction that writes the
    # line, and nothing ever deletes them: a check of each by the database would double a purchase's cost.
    list_amount = models.PositiveIntegerField(help_text="List price of one unit at that moment.")
    reference_amount = models.PositiveIntegerField(
        null=True, blank=True, help_text="Price of one unit that was shown struck through."
    )
    offer = models.ForeignKey(
        Offer,
        null=True,
        on_delete=models.PROTECT,
        related_name="order_lines",
        db_index=False,
        db_constraint=False,
    )
    stream = models.ForeignKey(
        Stream, null=True, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    host = models.ForeignKey(
        Host, null=True, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    item = models.ForeignKey(
        ShowcaseItem,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    pin = models.ForeignKey(
        Pin, null=True, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    stream_ms = models.PositiveBigIntegerField(null=True, help_text="Milliseconds on the stream clock.")
    frame_epoch = models.CharField(max_length=16, blank=True)
    frame_offset = models.PositiveBigIntegerField(
        null=True, help_text="Last room event the buyer's client had."
    )
    # Agreed at the time of sale, whatever the rates are later.
    host_commission_bp = models.PositiveIntegerField(default=0)
    platform_fee_bp = models.PositiveIntegerField(default=0)
    tax_amount = models.PositiveIntegerField(
        default=0, db_default=0, help_text="Contained in the amount, or on top of it."
    )
    tax_bp = models.PositiveIntegerField(default=0, db_default=0)
    tax_name = models.CharField(max_length=40, blank=True, default="", db_default="")
    tax_on_top = models.BooleanField(default=False, db_default=False)
    refunded_quantity = models.PositiveSmallIntegerField(default=0, db_default=0)
    refunded_amount = models.PositiveIntegerField(default=0, db_default=0)
    shipped_quantity = models.PositiveSmallIntegerField(default=0, db_default=0, help_text="In parcels.")
    dropped_quantity = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="Never to be shipped: given back or cancelled before."
    )

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=models.Q(quantity__gte=models.F("shipped_quantity") + models.F("dropped_quantity")),
                name="order_line_shipped_capped",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    amount=models.F("quantity") * models.F("unit_amount") - models.F("discount_amount")
                )
                & models.Q(quantity__gte=1),
                name="order_line_adds_up",
            ),
            models.CheckConstraint(
                condition=models.Q(refunded_quantity__lte=models.F("quantity"))
                & (
                    models.Q(refunded_amount__lte=models.F("amount"))
                    | models.Q(
                        tax_on_top=True, refunded_amount__lte=models.F("amount") + models.F("tax_amount")
                    )
                ),
                name="order_line_refund_capped",
            ),
            models.CheckConstraint(
                condition=models.Q(tax_amount__lte=models.F("amount")), name="order_line_tax_within"
            ),
        )
        indexes = (models.Index(fields=["stream", "variant"], name="order_line_of_stream"),)

    def __str__(self) -> str:
        return f"{self.quantity} x {self.title}"

    @property
    def paid(self) -> int:
        """What the buyer paid for it, tax included: as much can be given back."""
        return self.amount + (self.tax_amount if self.tax_on_top else 0)

    @property
    def to_ship(self) -> int:
        """Units that are to go out still."""
        return self.quantity - self.shipped_quantity - self.dropped_quantity

    @property
    def with_buyer(self) -> int:
        """Units that went out and whose money did not come back."""
        return self.shipped_quantity - max(self.refunded_quantity - self.dropped_quantity, 0)

    @property
    def base(self) -> int:
        """What was paid for it without tax: commission and fees are shares of it."""
        return self.amount - (0 if self.tax_on_top else self.tax_amount)
