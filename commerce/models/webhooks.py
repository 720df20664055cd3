"""Webhooks: where merchants want to be told, what they were told, and every try of it."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from commerce import ids
from commerce.models.parties import Merchant


class WebhookEndpoint(models.Model):
    """An address of a merchant's system. A removed one is kept as long as what was sent to it."""

    class Off(models.TextChoices):
        MERCHANT = "merchant", "turned off by the merchant"
        OPERATOR = "operator", "turned off by operations"
        GONE = "gone", "answered 410 Gone"
        FAILING = "failing", "failed for days without one success"

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    merchant = models.ForeignKey(
        Merchant, on_delete=models.PROTECT, related_name="webhook_endpoints", db_index=False
    )
    url = models.CharField(max_length=500)
    description = models.CharField(max_length=200, blank=True)
    event_types = ArrayField(
        models.CharField(max_length=60), default=list, blank=True, help_text="None: all of them."
    )
    enabled = models.BooleanField(default=True)
    off_reason = models.CharField(max_length=8, choices=Off, blank=True, default="")
    off_at = models.DateTimeField(null=True, blank=True)
    failing_since = models.DateTimeField(
        null=True, blank=True, help_text="The first failure behind the last success."
    )
    removed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["merchant", "id"], name="webhook_endpoint_of_merchant"),
            models.CheckConstraint(
                condition=models.Q(enabled=True, off_reason="", off_at=None)
                | (models.Q(enabled=False, off_at__isnull=False) & ~models.Q(off_reason="")),
                name="webhook_endpoint_off_for_a_reason",
            ),
            models.CheckConstraint(
                condition=models.Q(removed_at=None) | models.Q(enabled=False),
                name="webhook_endpoint_removed_is_off",
            ),
        )

    def __str__(self) -> str:
        return f"{self.id}"  # Not its address, which may hold a token of the merchant's.


class WebhookSecret(models.Model):
    """That an endpoint has a signing secret, and until when. The secret is derived, and kept nowhere."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+", db_index=False)
    endpoint = models.ForeignKey(
        WebhookEndpoint, on_delete=models.CASCADE, related_name="secrets", db_index=False
    )
    key = models.CharField(max_length=12, help_text="Which key of the settings it is derived from.")
    created_at = models.DateTimeField()
    valid_until = models.DateTimeField(null=True, blank=True, help_text="Empty: until it is rotated.")

    class Meta:
        indexes = (models.Index(fields=["endpoint", "-id"], name="webhook_secret_of_endpoint"),)
        constraints = (
            models.UniqueConstraint(
                fields=["endpoint"],
                condition=models.Q(valid_until=None),
                name="webhook_secret_one_current",
            ),
        )

    def __str__(self) -> str:
        return f"{self.id}"


class WebhookMessage(models.Model):
    """Something that happened, as a merchant's systems are told it. Its number is its place in the order."""

    id = models.BigAutoField(primary_key=True)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+", db_index=False)
    public_id = models.CharField(max_length=40, unique=True, help_text="`webhook-id`, the same in all tries.")
    key = models.CharField(max_length=150, help_text="Same key, same message: it is written once.")
    type = models.CharField(max_length=60)
    object_id = models.CharField(max_length=80, help_text="Messages about one object are told in order.")
    body = models.TextField(help_text="The JSON that is sent.")
    occurred_at = models.DateTimeField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        indexes = (
            models.Index(fields=["merchant", "object_id", "-id"], name="webhook_message_of_object"),
            models.Index(fields=["created_at"], name="webhook_message_by_age"),
        )
        constraints = (
            models.UniqueConstraint(fields=["merchant", "id"], name="webhook_message_of_merchant"),
            models.UniqueConstraint(fields=["merchant", "key"], name="webhook_message_once"),
        )

    def __str__(self) -> str:
        return f"{self.type} {self.public_id}"


class WebhookDelivery(models.Model):
    """A message on its way to one endpoint."""

    class Status(models.TextChoices):
        PENDING = "pending", "waits for its next try"
        DELIVERED = "delivered"
        FAILED = "failed", "given up"

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+", db_index=False)
    endpoint = models.ForeignKey(
        WebhookEndpoint, on_delete=models.CASCADE, related_name="deliveries", db_index=False
    )
    message = models.ForeignKey(
        WebhookMessage, on_delete=models.CASCADE, related_name="deliveries", db_index=False
    )
    object_id = models.CharField(max_length=80)
    status = models.CharField(max_length=9, choices=Status, default=Status.PENDING)
    attempts = models.PositiveIntegerField(default=0, help_text="All tries; also who may write an outcome.")
    tried = models.PositiveSmallIntegerField(default=0, help_text="Tries since it was last set to be sent.")
    due_at = models.DateTimeField(help_text="Not sent before.")
    leased_until = models.DateTimeField(null=True, blank=True, help_text="Somebody is sending it until then.")
    last_status = models.PositiveSmallIntegerField(null=True, blank=True)
    last_error = models.CharField(max_length=20, blank=True, default="")
    finished_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name_plural = "webhook deliveries"
        indexes = (
            models.Index(
                fields=["endpoint", "due_at", "message"],
                condition=models.Q(status="pending"),
                name="webhook_delivery_due",
            ),
            models.Index(
                fields=["endpoint", "object_id", "message"],
                condition=models.Q(status="pending"),
                name="webhook_delivery_in_order",
            ),
            models.Index(fields=["endpoint", "-id"], name="webhook_delivery_to_endpoint"),
        )
        constraints = (
            models.UniqueConstraint(fields=["merchant", "id"], name="webhook_delivery_tenant"),
            models.UniqueConstraint(fields=["message", "endpoint"], name="webhook_delivery_once"),
            models.CheckConstraint(
                condition=models.Q(status="pending", finished_at=None)
                | (~models.Q(status="pending") & models.Q(finished_at__isnull=False, leased_until=None)),
                name="webhook_delivery_ends_once",
            ),
            models.CheckConstraint(
                condition=models.Q(attempts__gte=models.F("tried")), name="webhook_delivery_counts"
            ),
        )

    def __str__(self) -> str:
        return f"{self.id} ({self.status})"


class WebhookAttempt(models.Model):
    """One try. It is written before anything is sent, so one that a killed process made is here, too."""

    id = models.BigAutoField(primary_key=True)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+", db_index=False)
    delivery = models.ForeignKey(
        WebhookDelivery, on_delete=models.CASCADE, related_name="tries", db_index=False
    )
    number = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    milliseconds = models.PositiveIntegerField(null=True, blank=True)
    status = models.PositiveSmallIntegerField(null=True, blank=True, help_text="What was answered.")
    error = models.CharField(max_length=20, blank=True, default="", help_text="Why there is no answer.")
    answer = models.CharField(max_length=500, blank=True, default="", help_text="How the answer begins.")

    class Meta:
        constraints = (models.UniqueConstraint(fields=["delivery", "number"], name="webhook_attempt_once"),)

    def __str__(self) -> str:
        return f"{self.number} of {self.delivery_id}"
