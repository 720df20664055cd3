"""The goods: products, their sellable variants, and every price a variant ever had."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now, Upper

from catalog.models.taxonomy import Category
from commerce import ids
from commerce.models import Merchant


class Product(models.Model):
    """A thing a merchant sells; its variants are what is bought. Same handle, same product."""

    class Status(models.TextChoices):
        DRAFT = "draft"
        IN_REVIEW = "in_review"
        APPROVED = "approved"
        RETIRED = "retired"

    class Language(models.TextChoices):
        """Languages of which PostgreSQL knows the word forms; the labels are its names for them."""

        ARABIC = "ar", "Arabic"
        CATALAN = "ca", "Catalan"
        DANISH = "da", "Danish"
        GERMAN = "de", "German"
        GREEK = "el", "Greek"
        ENGLISH = "en", "English"
        SPANISH = "es", "Spanish"
        BASQUE = "eu", "Basque"
        FINNISH = "fi", "Finnish"
        FRENCH = "fr", "French"
        IRISH = "ga", "Irish"
        HINDI = "hi", "Hindi"
        HUNGARIAN = "hu", "Hungarian"
        ARMENIAN = "hy", "Armenian"
        INDONESIAN = "id", "Indonesian"
        ITALIAN = "it", "Italian"
        LITHUANIAN = "lt", "Lithuanian"
        NEPALI = "ne", "Nepali"
        DUTCH = "nl", "Dutch"
        NORWEGIAN = "no", "Norwegian"
        PORTUGUESE = "pt", "Portuguese"
        ROMANIAN = "ro", "Romanian"
        RUSSIAN = "ru", "Russian"
        SERBIAN = "sr", "Serbian"
        SWEDISH = "sv", "Swedish"
        TAMIL = "ta", "Tamil"
        TURKISH = "tr", "Turkish"
        YIDDISH = "yi", "Yiddish"

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="products", db_index=False)
    handle = models.CharField(max_length=255, help_text="The merchant's own id of the product.")
    title = models.CharField(max_length=255)
    description = models.TextField(blank=True, help_text="Plain text.")
    vendor = models.CharField(max_length=255, blank=True)
    product_type = models.CharField(max_length=255, blank=True)
    tags = ArrayField(models.CharField(max_length=255), default=list, blank=True)
    category = models.ForeignKey(
        Category, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    attributes = models.JSONField(
        default=dict,
        blank=True,
        db_default=models.Value({}, models.JSONField()),
        help_text="What is said of it by code.",
    )
    option_names = ArrayField(models.CharField(max_length=255), default=list, blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
    waits_since = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="For an operator: submitted then, or changed then since it was approved.",
    )
    language = models.CharField(
        max_length=2,
        choices=Language,
        blank=True,
        default="",
        db_default="",
        help_text="What it is described in: search finds the word forms of this language.",
    )
    # The database alone writes it and updated_at, whoever changes what (migration 0010).
    version = models.BigIntegerField(
        db_default=1, editable=False, help_text="Grows with every change of what the merchant writes."
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["merchant", "handle"], name="product_handle_once"),
            # Target of the composite foreign keys that keep a body's related ids inside one merchant.
            models.UniqueConstraint(fields=["merchant", "id"], name="product_of_merchant"),
            models.CheckConstraint(
                condition=models.Q(status="approved")
                | models.Q(status="in_review", waits_since__isnull=False)
                | models.Q(status__in=["draft", "retired"], waits_since=None),
                name="product_waits_for_review",
            ),
        )
        # Each is a list of the merchant API; docs/catalog.md says which. The words of search have one, too.
        indexes = (
            models.Index(fields=["merchant", "status", "-id"], name="product_listing"),
            models.Index(
                fields=["category", "merchant", "-id"],
                condition=models.Q(category__isnull=False),
                name="product_by_category",
            ),
            # Shoppers' lists, of all merchants.
            models.Index(
                fields=["category", "-id"],
                condition=models.Q(category__isnull=False, status="approved"),
                name="product_in_category",
            ),
            models.Index("merchant", Upper("vendor"), models.F("id").desc(), name="product_by_vendor"),
            models.Index("merchant", Upper("product_type"), models.F("id").desc(), name="product_by_type"),
            models.Index(fields=["merchant", "updated_at", "id"], name="product_changes"),
            models.Index(
                fields=["waits_since", "id"],
                condition=models.Q(waits_since__isnull=False),
                name="product_waiting",
            ),
        )

    def __str__(self) -> str:
        return self.title


class Variant(models.Model):
    """The sellable unit (SKU) of a product."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, db_index=False)
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="variants", db_index=False)
    title = models.CharField(max_length=255, help_text='Its option values, such as "Small / Red".')
    options = models.JSONField(default=dict, help_text='Such as {"Size": "Small"}.')
    sku = models.CharField(max_length=255, blank=True)
    barcode = models.CharField(max_length=64, blank=True)
    weight_grams = models.PositiveIntegerField(default=0)
    position = models.PositiveIntegerField(default=1)
    is_active = models.BooleanField(default=True)
    release_at = models.DateTimeField(
        null=True, blank=True, help_text="A pre-order before this moment: charged when it is shipped."
    )
    # The database alone writes it and updated_at, whoever changes what (migration 0010).
    version = models.BigIntegerField(
        db_default=1, editable=False, help_text="Grows with every change of what the merchant writes."
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["product", "title"], name="variant_title_once"),
            models.UniqueConstraint(
                fields=["merchant", "sku"], condition=~models.Q(sku=""), name="variant_sku_once"
            ),
            models.UniqueConstraint(fields=["merchant", "id"], name="variant_of_merchant"),
        )
        indexes = (
            models.Index(fields=["merchant", "updated_at", "id"], name="variant_changes"),
            models.Index(
                fields=["merchant", "barcode", "-id"],
                condition=~models.Q(barcode=""),
                name="variant_by_barcode",
            ),
        )

    def __str__(self) -> str:
        return f"{self.product} ({self.title})" if self.title else str(self.product)


class Price(models.Model):
    """A variant's list price from one moment to another, in minor units. Rows are closed, never changed.

    The lowest price of the last 30 days has to be known when a reduction is announced
    (Directive 98/6/EC, article 6a), so the history starts with the first price.
    """

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT)
    variant = models.ForeignKey(Variant, on_delete=models.CASCADE, related_name="prices", db_index=False)
    amount = models.PositiveIntegerField()
    compare_at = models.PositiveIntegerField(
        null=True, blank=True, help_text="The merchant's own comparison price."
    )
    currency = models.CharField(max_length=3)
    valid_from = models.DateTimeField(db_default=Now())
    valid_to = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["variant"], condition=models.Q(valid_to=None), name="price_one_current"
            ),
            models.CheckConstraint(
                condition=models.Q(valid_to=None) | models.Q(valid_to__gte=models.F("valid_from")),
                name="price_ends_after_it_starts",
            ),
        )
        indexes = (
            models.Index(fields=["variant", "-valid_from"], name="price_history"),
            models.Index(
                fields=["currency", "amount", "variant"],
                condition=models.Q(valid_to=None),
                name="price_on_sale",
            ),
        )

    def __str__(self) -> str:
        return f"{self.variant_id} {self.amount} {self.currency}"


class PriceFloor(models.Model):
    """What a variant is never sold below, whatever hosts, offers and coupons come together."""

    variant = models.OneToOneField(Variant, on_delete=models.CASCADE, primary_key=True, related_name="floor")
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+")
    amount = models.PositiveIntegerField(help_text="Of one unit, in minor units.")
    currency = models.CharField(max_length=3)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (models.CheckConstraint(condition=models.Q(amount__gt=0), name="floor_positive"),)

    def __str__(self) -> str:
        return f"{self.variant_id} not below {self.amount} {self.currency}"


class BundlePart(models.Model):
    """Units of a part in one unit of a bundle. A bundle has no stock of its own: it takes its parts'."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+")
    bundle = models.ForeignKey(Variant, on_delete=models.CASCADE, related_name="parts", db_index=False)
    part = models.ForeignKey(Variant, on_delete=models.PROTECT, related_name="in_bundles")
    quantity = models.PositiveSmallIntegerField(default=1)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["bundle", "part"], name="bundle_part_once"),
            models.CheckConstraint(
                condition=models.Q(quantity__gte=1) & models.Q(quantity__lte=99), name="bundle_quantity_sane"
            ),
            models.CheckConstraint(condition=~models.Q(bundle=models.F("part")), name="bundle_not_of_itself"),
        )

    def __str__(self) -> str:
        return f"{self.quantity} x {self.part_id} in {self.bundle_id}"
