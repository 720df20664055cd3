"""Keys: a merchant's API keys (stored hashed), and the callers' idempotency keys."""

from django.db import models
from django.db.models.functions import Now
from rest_framework_api_key.models import AbstractAPIKey

from commerce.models.parties import Merchant


class MerchantKey(AbstractAPIKey):
    """An API key of one merchant; only its hash is kept."""

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="keys")
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta(AbstractAPIKey.Meta):
        verbose_name = "merchant API key"


class IdempotencyKey(models.Model):
    """A caller's key with the answer it got, committed together with the effect."""

    caller = models.CharField(max_length=80, help_text='Who used it, such as "merchant:<id>".')
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of method, path and body.")
    status = models.PositiveSmallIntegerField()
    reply = models.JSONField()
    created_at = models.DateTimeField(db_default=Now(), editable=False, db_index=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["caller", "key"], name="idempotency_key_once"),)

    def __str__(self) -> str:
        return f"{self.caller} {self.key}"
