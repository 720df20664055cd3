"""Keys: a merchant's API keys (stored hashed) with their history, and the callers' idempotency keys."""

from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from commerce import ids
from commerce.models.parties import Merchant, User
from commerce.scopes import SCOPES


class MerchantKey(models.Model):
    """An API key of one merchant: what it opens, from where and until when. Revoked ones are kept."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="keys", db_index=False)
    name = models.CharField(max_length=50, help_text="Which system uses it.")
    scopes = ArrayField(models.CharField(max_length=30), help_text="What it opens.")
    networks = ArrayField(
        models.CharField(max_length=43),
        default=list,
        blank=True,
        help_text="Networks it may be used from, such as 203.0.113.0/24. None: from anywhere.",
    )
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Not valid from then on.")
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = "merchant API key"
        ordering = ("-created_at", "-id")
        constraints = (
            models.UniqueConstraint(fields=["merchant", "id"], name="merchant_key_of_merchant"),
            models.CheckConstraint(
                condition=models.Q(scopes__contained_by=list(SCOPES), scopes__len__gt=0),
                name="merchant_key_scopes_are_known",
            ),
        )

    def __str__(self) -> str:
        return self.name


class MerchantKeySecret(models.Model):
    """One secret of a key, as its hash: the current one without an end, rotated-out ones with theirs."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+", db_index=False)
    key = models.ForeignKey(MerchantKey, on_delete=models.PROTECT, related_name="secrets")
    prefix = models.CharField(max_length=8, unique=True)
    hashed = models.CharField(max_length=150)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    valid_until = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["key"], condition=models.Q(valid_until=None), name="merchant_key_one_current_secret"
            ),
        )

    def __str__(self) -> str:
        return self.prefix

    def is_valid(self, now: datetime) -> bool:
        """Tell whether it opens anything: its own end, its key's and its merchant's."""
        ends = (self.valid_until, self.key.expires_at)
        if self.key.revoked_at is not None or not self.key.merchant.is_active:
            return False
        return all(end is None or now < end for end in ends)


class MerchantKeyEvent(models.Model):
    """What somebody did to a key. Never changed: the database refuses it."""

    class Action(models.TextChoices):
        MADE = "made", "made"
        CHANGED = "changed", "changed"
        ROTATED = "rotated", "rotated"
        REVOKED = "revoked", "revoked"

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+", db_index=False)
    key = models.ForeignKey(MerchantKey, on_delete=models.PROTECT, related_name="events")
    action = models.CharField(max_length=7, choices=Action)
    person = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, related_name="+", help_text="None: the programme itself."
    )
    address = models.GenericIPAddressField(null=True, help_text="From where it was done.")
    details = models.JSONField()
    at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=models.Q(action__in=["made", "changed", "rotated", "revoked"]),
                name="merchant_key_event_is_known",
            ),
        )

    def __str__(self) -> str:
        return f"{self.key_id} {self.action}"


class IdempotencyKey(models.Model):
    """A caller's key with the answer it got, committed together with the effect."""

    caller = models.CharField(max_length=80, help_text='Who used it, such as "merchant:<id>".')
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of method, path and body.")
    status = models.PositiveSmallIntegerField()
    # No jsonb, which has its own order of fields: a repetition gets the very same bytes.
    reply = models.TextField(help_text="The JSON that was answered.")
    created_at = models.DateTimeField(db_default=Now(), editable=False, db_index=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["caller", "key"], name="idempotency_key_once"),)

    def __str__(self) -> str:
        return f"{self.caller} {self.key}"
