"""Who works for a merchant: members with their roles, invitations, and what was done to both."""

from django.db import models
from django.db.models.functions import Lower, Now

from commerce import ids
from commerce.models.parties import Merchant, User
from commerce.scopes import ROLES


class Role(models.TextChoices):
    """What a member does; `commerce.scopes.ROLES` says what each may."""

    OWNER = "owner", "owner"
    CATALOG = "catalog", "catalog"
    ORDERS = "orders", "orders"
    VIEWER = "viewer", "viewer"


class MerchantMember(models.Model):
    """A user who works for a merchant. The database keeps an owner for every merchant that has one."""

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="members", db_index=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=8, choices=Role, default=Role.VIEWER)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["merchant", "user"], name="member_once"),
            models.CheckConstraint(condition=models.Q(role__in=list(ROLES)), name="member_role_is_known"),
        )

    def __str__(self) -> str:
        return f"{self.user} at {self.merchant}"

    @property
    def scopes(self) -> frozenset[str]:
        """What the role opens."""
        return ROLES[self.role]


class MemberInvitation(models.Model):
    """A letter that makes whoever owns the address a member, once. Its secret is kept as a hash."""

    class Ending(models.TextChoices):
        ACCEPTED = "accepted", "accepted"
        WITHDRAWN = "withdrawn", "withdrawn"

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="invitations")
    email = models.EmailField(max_length=254)
    role = models.CharField(max_length=8, choices=Role)
    hashed = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the secret in the link.")
    invited_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ending = models.CharField(max_length=9, choices=Ending, blank=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = (
            models.UniqueConstraint(
                fields=["merchant", "email"], condition=models.Q(ending=""), name="invitation_one_open"
            ),
            models.CheckConstraint(
                condition=models.Q(email=Lower("email")), name="invitation_email_lower_case"
            ),
            models.CheckConstraint(condition=models.Q(role__in=list(ROLES)), name="invitation_role_is_known"),
            models.CheckConstraint(
                condition=models.Q(ending="", ended_at=None)
                | models.Q(ending__in=["accepted", "withdrawn"], ended_at__isnull=False),
                name="invitation_ends_at_a_moment",
            ),
        )

    def __str__(self) -> str:
        return f"{self.email} for {self.merchant}"


class MemberEvent(models.Model):
    """What somebody did to a merchant's members. Never changed: the database refuses it."""

    class Action(models.TextChoices):
        INVITED = "invited", "invited"
        WITHDRAWN = "withdrawn", "invitation withdrawn"
        JOINED = "joined", "joined"
        ADDED = "added", "added"
        CHANGED = "changed", "role changed"
        REMOVED = "removed", "removed"

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+")
    action = models.CharField(max_length=9, choices=Action)
    email = models.EmailField(max_length=254, help_text="Whom it was about.")
    person = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, related_name="+", help_text="None: the programme itself."
    )
    address = models.GenericIPAddressField(null=True, help_text="From where it was done.")
    details = models.JSONField()
    at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = "change of members"
        verbose_name_plural = "changes of members"
        constraints = (
            models.CheckConstraint(
                condition=models.Q(
                    action__in=["invited", "withdrawn", "joined", "added", "changed", "removed"]
                ),
                name="member_event_is_known",
            ),
        )

    def __str__(self) -> str:
        return f"{self.email} {self.action}"
