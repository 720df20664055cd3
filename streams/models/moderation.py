"""Who keeps order in a show, what was decided, and what was said about the decisions."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from commerce import ids
from commerce.models import Host, User
from streams.models.chat import ChatMessage
from streams.models.shows import Stream

_OF_LINES = ("held", "shown", "kept", "removed", "restored")
_OF_USERS = ("muted", "banned", "lifted")
_UNDOING = ("shown", "restored", "lifted")


class Right(models.TextChoices):
    """What a moderator of a show may do; the host may do all of it."""

    REMOVE = "remove"
    REVIEW = "review"
    MUTE = "mute"
    BAN = "ban"
    PIN = "pin"
    QUESTIONS = "questions"
    PACE = "pace"


class ShowModerator(models.Model):
    """A user whom the host trusts with some rights in one show."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    stream = models.ForeignKey(Stream, on_delete=models.CASCADE, related_name="moderators", db_index=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    rights = ArrayField(models.CharField(max_length=9, choices=Right))
    given_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["stream", "user"], name="moderator_once"),
            models.CheckConstraint(
                condition=models.Q(rights__contained_by=Right.values, rights__len__gt=0),
                name="moderator_rights_known",
            ),
        )

    def __str__(self) -> str:
        return f"{self.user_id}: {', '.join(self.rights)}"


class Restraint(models.Model):
    """Whether a user is muted in a show, or banned from it: the latest state, its history is in decisions."""

    class Kind(models.TextChoices):
        MUTE = "mute"
        BAN = "ban"

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    stream = models.ForeignKey(Stream, on_delete=models.CASCADE, related_name="restraints", db_index=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=4, choices=Kind)
    until = models.DateTimeField(null=True, blank=True, help_text="Empty: for the whole show; only a ban.")
    rule = models.CharField(max_length=32)
    reason = models.CharField(max_length=200, blank=True)
    decision = models.ForeignKey("streams.Decision", on_delete=models.PROTECT, related_name="+")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    lift_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["stream", "user", "kind"], name="restraint_once"),
            models.UniqueConstraint(fields=["stream", "id"], name="restraint_of_stream"),
            models.CheckConstraint(
                condition=models.Q(kind="ban") | models.Q(until__isnull=False), name="restraint_mute_is_timed"
            ),
            models.CheckConstraint(
                condition=models.Q(lifted_at=None, lifted_by=None)
                | models.Q(lifted_at__isnull=False, lifted_by__isnull=False),
                name="restraint_lifted_by_somebody",
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} of {self.user_id}"


class Decision(models.Model):
    """What was decided, by whom, by which rule and why. Never changed, never deleted.

    The first decision about a line or a user opens a case; what follows from it names the case.
    """

    class Action(models.TextChoices):
        HELD = "held"
        SHOWN = "shown"
        KEPT = "kept"
        REMOVED = "removed"
        RESTORED = "restored"
        MUTED = "muted"
        BANNED = "banned"
        LIFTED = "lifted"

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    stream = models.ForeignKey(Stream, on_delete=models.PROTECT, related_name="decisions", db_index=False)
    message = models.ForeignKey(
        ChatMessage, null=True, blank=True, on_delete=models.PROTECT, related_name="decisions"
    )
    restraint = models.ForeignKey(
        Restraint, null=True, blank=True, on_delete=models.PROTECT, related_name="decisions"
    )
    subject = models.ForeignKey(
        User,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Whom it concerns: author or user.",
        db_index=False,
    )
    action = models.CharField(max_length=8, choices=Action)
    actor = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+", help_text="Empty: a filter."
    )
    rule = models.CharField(max_length=32)
    reason = models.CharField(max_length=200, blank=True)
    matched = models.CharField(
        max_length=200, blank=True, help_text="The part of the line that the rule found."
    )
    until = models.DateTimeField(null=True, blank=True)
    case = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="followed_by"
    )
    undoes = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="undone_by"
    )
    at = models.DateTimeField()

    class Meta:
        constraints = (
            # No program takes a line down or restrains anybody: a filter can only ask a human to look.
            models.CheckConstraint(
                condition=models.Q(actor__isnull=False) | models.Q(action="held"),
                name="decision_filter_only_holds",
            ),
            models.CheckConstraint(
                condition=models.Q(message__isnull=False, restraint=None, action__in=_OF_LINES)
                | models.Q(message=None, restraint__isnull=False, action__in=_OF_USERS),
                name="decision_about_one_thing",
            ),
            models.CheckConstraint(
                condition=models.Q(undoes=None) | models.Q(action__in=_UNDOING),
                name="decision_undoes_by_undoing",
            ),
            models.UniqueConstraint(fields=["stream", "id"], name="decision_of_stream"),
            models.UniqueConstraint(fields=["subject", "id"], name="decision_of_subject"),
        )
        indexes = (models.Index(fields=["stream", "rule"], name="decision_by_rule"),)

    def __str__(self) -> str:
        return f"{self.action} by {self.rule}"


class Appeal(models.Model):
    """What the person concerned says against a decision, once, and what came of it."""

    class Outcome(models.TextChoices):
        OPEN = "open"
        UPHELD = "upheld"
        OVERTURNED = "overturned"

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    stream = models.ForeignKey(Stream, on_delete=models.PROTECT, related_name="appeals", db_index=False)
    decision = models.OneToOneField(Decision, on_delete=models.PROTECT, related_name="appeal")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    text = models.CharField(max_length=500)
    at = models.DateTimeField()
    outcome = models.CharField(max_length=10, choices=Outcome, default=Outcome.OPEN)
    reason = models.CharField(max_length=200, blank=True)
    decided_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=models.Q(outcome="open", decided_by=None, decided_at=None)
                | (~models.Q(outcome="open") & models.Q(decided_by__isnull=False, decided_at__isnull=False)),
                name="appeal_decided_by_somebody",
            ),
            models.CheckConstraint(
                condition=~models.Q(decided_by=models.F("by")), name="appeal_not_by_oneself"
            ),
        )
        indexes = (models.Index(fields=["stream", "-id"], name="appeal_latest"),)

    def __str__(self) -> str:
        return self.text[:40]


class Report(models.Model):
    """A viewer asks somebody to look at a line. It hides nothing; `decision` is what a human then said."""

    class Category(models.TextChoices):
        ABUSE = "abuse"
        SPAM = "spam"
        SCAM = "scam"
        SEXUAL = "sexual"
        PERSONAL = "personal"
        OTHER = "other"

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    stream = models.ForeignKey(Stream, on_delete=models.CASCADE, related_name="reports")
    message = models.ForeignKey(ChatMessage, on_delete=models.CASCADE, related_name="reports", db_index=False)
    reporter = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    category = models.CharField(max_length=8, choices=Category)
    note = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField()
    decision = models.ForeignKey(
        Decision, null=True, blank=True, on_delete=models.PROTECT, related_name="reports"
    )

    class Meta:
        constraints = (models.UniqueConstraint(fields=["message", "reporter"], name="report_once"),)
        indexes = (
            models.Index(fields=["stream", "message"], condition=models.Q(decision=None), name="report_open"),
        )

    def __str__(self) -> str:
        return f"{self.category}: {self.message_id}"


class BlockedWord(models.Model):
    """A word or phrase whose lines a host wants to see before her viewers do, in all of her shows."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    host = models.ForeignKey(Host, on_delete=models.CASCADE, related_name="blocked_words", db_index=False)
    text = models.CharField(max_length=60)
    folded = models.CharField(max_length=120, help_text="As it is compared.")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["host", "folded"], name="blocked_word_once"),)

    def __str__(self) -> str:
        return self.text
