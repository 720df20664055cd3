"""Who takes part: users, and what a user can be (a host, a merchant's member, a buyer with an address)."""

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models.functions import Lower, Now
from django.utils.crypto import salted_hmac

from commerce import ids


class UserManager(BaseUserManager["User"]):
    """Makes users; e-mail addresses are kept in lower case, so one address is one user."""

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").strip().lower())

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a user who signs in with an e-mail address."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create an operator with every permission."""
        return self.create_user(email, password, **{"is_staff": True, "is_superuser": True, **fields})


class User(AbstractBaseUser, PermissionsMixin):
    """Anybody who can sign in: shopper, host, merchant's member or operator."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    email = models.EmailField(max_length=254, unique=True)
    name = models.CharField(max_length=80, help_text="Shown in chat and to merchants.")
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False, help_text="May enter the operations admin.")
    session_round = models.PositiveIntegerField(
        default=0, editable=False, help_text="Another number ends all sessions."
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    class Meta:
        constraints = (
            models.CheckConstraint(condition=models.Q(email=Lower("email")), name="user_email_lower_case"),
        )

    def __str__(self) -> str:
        return self.email

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        # What Django compares a session with; a session of another round is as one of another password.
        salt = "commerce.models.User.get_session_auth_hash"
        return salted_hmac(
            salt, f"{self.session_round}:{self.password}", secret, algorithm="sha256"
        ).hexdigest()

    def get_full_name(self) -> str:
        """Return the name; how Django's admin asks for it."""
        return self.name


class Address(models.Model):
    """Where a buyer's parcels go. Purchases keep a copy, so it may be changed or removed freely."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="addresses")
    name = models.CharField(max_length=120)
    line1 = models.CharField(max_length=200)
    line2 = models.CharField(max_length=200, blank=True)
    city = models.CharField(max_length=120)
    postal_code = models.CharField(max_length=20, blank=True)
    country = models.CharField(max_length=2, help_text="ISO 3166-1 alpha-2.")
    phone = models.CharField(
        max_length=40,
        blank=True,
        default="",
        help_text="Given, sellers and carriers get it for the delivery.",
    )
    email = models.EmailField(
        blank=True, default="", help_text="Given, sellers and carriers get it for the delivery."
    )
    is_default = models.BooleanField(default=False)

    class Meta:
        verbose_name_plural = "addresses"
        constraints = (
            models.UniqueConstraint(
                fields=["user"], condition=models.Q(is_default=True), name="address_one_default"
            ),
        )

    def __str__(self) -> str:
        return f"{self.name}, {self.city}"


class RiskTier(models.TextChoices):
    """How long what somebody earned is kept back, for returns and disputes."""

    LOW = "low", "low: 3 days"
    STANDARD = "standard", "standard: 7 days"
    HIGH = "high", "high: 15 days"


class Host(models.Model):
    """An influencer who runs shows from the studio."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    user = models.OneToOneField(User, on_delete=models.PROTECT, related_name="host")
    name = models.CharField(max_length=80)
    slug = models.SlugField(max_length=60, unique=True)
    bio = models.CharField(max_length=280, blank=True)
    avatar_url = models.CharField(max_length=500, blank=True)
    risk_tier = models.CharField(
        max_length=8,
        choices=RiskTier,
        default=RiskTier.STANDARD,
        db_default=RiskTier.STANDARD,
        help_text="For so long after shipping her commission may still be reversed.",
    )
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    def __str__(self) -> str:
        return self.name


class Merchant(models.Model):
    """A retailer whose goods are sold in the shows."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=60, unique=True)
    logo_url = models.CharField(max_length=500, blank=True)
    currency = models.CharField(max_length=3, default="EUR", help_text="ISO 4217; the currency of its feeds.")
    host_commission_bp = models.PositiveIntegerField(
        default=1_000, help_text="Host's commission in basis points of what the buyer paid."
    )
    platform_fee_bp = models.PositiveIntegerField(
        default=500, help_text="Platform's fee in basis points of what the buyer paid."
    )
    cancel_seconds = models.PositiveIntegerField(
        default=900,
        db_default=900,
        help_text="For so long after paying a buyer may cancel by herself what is not shipped; 0: never.",
    )
    return_days = models.PositiveSmallIntegerField(
        default=30, db_default=30, help_text="For so many days after shipping goods may be sent back."
    )
    risk_tier = models.CharField(
        max_length=8,
        choices=RiskTier,
        default=RiskTier.STANDARD,
        db_default=RiskTier.STANDARD,
        help_text="For so long after shipping what an order brought is kept back.",
    )
    goods_reviewed = models.BooleanField(
        default=False, db_default=False, help_text="An operator looks at its goods before they are sold."
    )
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=models.Q(host_commission_bp__lte=10_000 - models.F("platform_fee_bp"))
                & models.Q(platform_fee_bp__lte=10_000),
                name="merchant_rates_leave_something",
            ),
            models.CheckConstraint(
                condition=models.Q(currency__regex="^[A-Z]{3}$"), name="merchant_currency_iso"
            ),
        )

    def __str__(self) -> str:
        return self.name
