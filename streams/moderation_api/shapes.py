"""What moderation looks like over HTTP."""

from typing import Any

from rest_framework import serializers

from commerce.strict import Flag, StrictSerializer, Text, Whole
from streams.models import Appeal, ChatMessage, Decision, Report, Restraint, Right
from streams.moderation import rules

HUMAN = Report.Category.choices  # What viewers report by is what people decide by.
REASON: dict[str, Any] = {
    "required": False,
    "default": "",
    "allow_blank": True,
    "max_length": rules.MAX_REASON,
}


class PersonSerializer(serializers.Serializer[Any]):
    """A user, as chat shows one."""

    id = serializers.UUIDField()
    name = serializers.CharField()


class WaitingSerializer(serializers.Serializer[Any]):
    """How much waits in a show."""

    held = serializers.IntegerField()
    reported = serializers.IntegerField(help_text="Lines, however often each was reported.")
    appeals = serializers.IntegerField()
    questions = serializers.IntegerField()


class ModeSerializer(serializers.Serializer[Any]):
    """The rules of a show's chat."""

    slow_s = serializers.IntegerField(help_text="Least seconds between two lines of one viewer; 0: no limit.")
    followers_only = serializers.BooleanField()


class KeptShowSerializer(serializers.Serializer[Any]):
    """A show in which the caller keeps order."""

    id = serializers.UUIDField()
    slug = serializers.CharField()
    title = serializers.CharField()
    status = serializers.CharField()
    starts_at = serializers.DateTimeField()
    role = serializers.ChoiceField(choices=["host", "mod"])
    rights = serializers.ListField(child=serializers.ChoiceField(choices=Right.values))
    mode = ModeSerializer()
    pinned_line = serializers.UUIDField(allow_null=True)
    waiting = WaitingSerializer()


class ReportSerializer(serializers.Serializer[Any]):
    """A viewer's report of a line."""

    id = serializers.UUIDField()
    reporter = PersonSerializer()
    category = serializers.ChoiceField(choices=Report.Category.choices)
    note = serializers.CharField()
    at = serializers.DateTimeField()
    open = serializers.BooleanField(help_text="Nobody has decided yet.")
    line = serializers.UUIDField()
    text = serializers.CharField()


class LineSerializer(serializers.Serializer[Any]):
    """A line with how it stands. `reports` are the open ones."""

    id = serializers.UUIDField()
    author = PersonSerializer()
    text = serializers.CharField()
    at = serializers.DateTimeField()
    status = serializers.ChoiceField(choices=ChatMessage.Status.values)
    rule = serializers.CharField(help_text="Of the decision that it stands by; empty: none was needed.")
    matched = serializers.CharField(help_text="What the rule found in it.")
    reason = serializers.CharField()
    question = serializers.BooleanField()
    reports = ReportSerializer(many=True)


class DecisionSerializer(serializers.Serializer[Any]):
    """What was decided. `actor` null: a filter. `undone_by`: the decision that undid it."""

    id = serializers.UUIDField()
    stream = serializers.UUIDField()
    action = serializers.ChoiceField(choices=Decision.Action.values)
    actor = PersonSerializer(allow_null=True)
    subject = PersonSerializer()
    rule = serializers.CharField()
    reason = serializers.CharField()
    matched = serializers.CharField()
    line = serializers.UUIDField(allow_null=True)
    text = serializers.CharField(help_text="The line's text; empty where it is about a user.")
    until = serializers.DateTimeField(allow_null=True)
    case = serializers.UUIDField(help_text="The decision that opened the case; it may be this one.")
    undoes = serializers.UUIDField(allow_null=True)
    undone_by = serializers.UUIDField(allow_null=True)
    appeal = serializers.ChoiceField(choices=Appeal.Outcome.choices, allow_null=True)
    at = serializers.DateTimeField()


class OwnDecisionSerializer(serializers.Serializer[Any]):
    """A decision about the caller. `by` is no name: who decides should not be met with it."""

    id = serializers.UUIDField()
    stream = serializers.UUIDField()
    slug = serializers.CharField()
    action = serializers.ChoiceField(choices=Decision.Action.values)
    by = serializers.ChoiceField(choices=["filter", "people"])
    rule = serializers.CharField()
    rule_text = serializers.CharField()
    reason = serializers.CharField()
    line = serializers.UUIDField(allow_null=True)
    text = serializers.CharField()
    until = serializers.DateTimeField(allow_null=True)
    undone = serializers.BooleanField()
    appealable = serializers.BooleanField()
    appeal = serializers.ChoiceField(choices=Appeal.Outcome.choices, allow_null=True)
    appeal_reason = serializers.CharField()
    at = serializers.DateTimeField()


class AppealSerializer(serializers.Serializer[Any]):
    """An appeal with the decision it is against."""

    id = serializers.UUIDField()
    by = PersonSerializer()
    text = serializers.CharField()
    at = serializers.DateTimeField()
    outcome = serializers.ChoiceField(choices=Appeal.Outcome.choices)
    reason = serializers.CharField()
    decided_by = PersonSerializer(allow_null=True)
    decided_at = serializers.DateTimeField(allow_null=True)
    decision = DecisionSerializer()


class RateSerializer(serializers.Serializer[Any]):
    """How one rule did. What `waiting` and `standing` count has not been looked at again."""

    rule = serializers.CharField()
    text = serializers.CharField()
    by_filter = serializers.BooleanField()
    cases = serializers.IntegerField()
    waiting = serializers.IntegerField(help_text="Held, and nobody has decided.")
    upheld = serializers.IntegerField(help_text="A human said that it was right.")
    overturned = serializers.IntegerField(help_text="A human said that it was wrong.")
    standing = serializers.IntegerField(help_text="Decided by a human, and never questioned.")
    pardoned = serializers.IntegerField(help_text="Lifted early without an appeal.")
    appeals = serializers.IntegerField()
    appeals_upheld = serializers.IntegerField()
    appeals_overturned = serializers.IntegerField()
    rate = serializers.FloatField(
        allow_null=True, help_text="The error rate: overturned / (overturned + upheld)."
    )


class RatesSerializer(serializers.Serializer[Any]):
    """How every rule did."""

    rules = RateSerializer(many=True)


class ModeratorSerializer(serializers.Serializer[Any]):
    """A moderator of a show."""

    user = PersonSerializer()
    rights = serializers.ListField(child=serializers.ChoiceField(choices=Right.values))
    given_by = PersonSerializer()
    at = serializers.DateTimeField()


class ModeratorsSerializer(serializers.Serializer[Any]):
    """All moderators of a show."""

    moderators = ModeratorSerializer(many=True)


class RestraintSerializer(serializers.Serializer[Any]):
    """A mute or a ban, as it stands."""

    id = serializers.UUIDField()
    user = PersonSerializer()
    kind = serializers.ChoiceField(choices=Restraint.Kind.values)
    until = serializers.DateTimeField(allow_null=True, help_text="Null: for the whole show.")
    rule = serializers.CharField()
    reason = serializers.CharField()
    by = PersonSerializer()
    at = serializers.DateTimeField()
    lifted_at = serializers.DateTimeField(allow_null=True)
    lifted_by = PersonSerializer(allow_null=True)
    lift_reason = serializers.CharField()
    active = serializers.BooleanField()


class QuestionSerializer(serializers.Serializer[Any]):
    """A question of the show's chat."""

    id = serializers.UUIDField(help_text="The line's id.")
    author = PersonSerializer()
    text = serializers.CharField()
    at = serializers.DateTimeField()
    item = serializers.UUIDField(allow_null=True)
    product = serializers.UUIDField(allow_null=True)
    product_title = serializers.CharField()
    answered_at = serializers.DateTimeField(allow_null=True)
    answered_by = PersonSerializer(allow_null=True)


class FollowerSerializer(serializers.Serializer[Any]):
    """A follower of the host."""

    user = PersonSerializer()
    at = serializers.DateTimeField()


class WordSerializer(serializers.Serializer[Any]):
    """A word or phrase of a host's list."""

    id = serializers.UUIDField()
    text = serializers.CharField()
    at = serializers.DateTimeField()


class WordsSerializer(serializers.Serializer[Any]):
    """A host's list of words."""

    words = WordSerializer(many=True)


class FollowingSerializer(serializers.Serializer[Any]):
    """Whether the caller follows the show's host."""

    follows = serializers.BooleanField()


# --- what is sent ---


class DecideSerializer(StrictSerializer):
    """A verdict about a held or a reported line."""

    verdict = serializers.ChoiceField(choices=["show", "remove"])
    rule = serializers.ChoiceField(
        choices=HUMAN, required=False, help_text="Left out: the rule that held the line."
    )
    reason = Text(**REASON)


class RemoveSerializer(StrictSerializer):
    """Why a line is taken down."""

    rule = serializers.ChoiceField(choices=HUMAN, required=False, default="other")
    reason = Text(**REASON, help_text="Needed with the rule `other`.")


class ReasonSerializer(StrictSerializer):
    """Why."""

    reason = Text(**REASON)


class PinLineSerializer(StrictSerializer):
    """The line to keep above the chat."""

    line = serializers.UUIDField()


class ChangeModeSerializer(StrictSerializer):
    """What changes of the chat's rules; what is left out stays."""

    slow_s = Whole(required=False, min_value=0, max_value=3600)
    followers_only = Flag(required=False)


class OutcomeSerializer(StrictSerializer):
    """What comes of an appeal."""

    outcome = serializers.ChoiceField(choices=["upheld", "overturned"])
    reason = Text(**REASON)


class AppointSerializer(StrictSerializer):
    """Whom to make a moderator, by id or by e-mail address, and with which rights."""

    user = serializers.UUIDField(required=False)
    email = Text(required=False, max_length=254)
    rights = serializers.ListField(
        child=serializers.ChoiceField(choices=Right.values), min_length=1, max_length=len(Right.values)
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the fields; raises ValidationError unless exactly one name is given."""
        if ("user" in attrs) == ("email" in attrs):
            raise serializers.ValidationError({"user": ["Name the user by id or by e-mail address."]})
        return attrs


class RestrainSerializer(StrictSerializer):
    """Whom to mute or ban, for how long, and why."""

    user = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=Restraint.Kind.values)
    seconds = Whole(
        required=False,
        min_value=10,
        max_value=2_592_000,
        help_text="A mute needs it and takes a day at most; a ban without it is for the whole show.",
    )
    rule = serializers.ChoiceField(choices=HUMAN, required=False, default="other")
    reason = Text(**REASON, help_text="Needed with the rule `other`.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the fields; raises ValidationError for a mute without an end."""
        if attrs["kind"] == Restraint.Kind.MUTE and "seconds" not in attrs:
            raise serializers.ValidationError({"seconds": ["A mute is for a time."]})
        return attrs


class PardonSerializer(StrictSerializer):
    """Whom to let in or speak again."""

    user = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=Restraint.Kind.values, required=False)
    reason = Text(**REASON)


class AnswerSerializer(StrictSerializer):
    """Whether a question is answered."""

    answered = Flag(required=False, default=True)


class NewWordSerializer(StrictSerializer):
    """A word or phrase whose lines are to be held."""

    text = Text(max_length=60)


class AppealBodySerializer(StrictSerializer):
    """Why a decision was wrong."""

    decision = serializers.UUIDField()
    text = Text(max_length=500)


class ReportBodySerializer(StrictSerializer):
    """Why somebody should look at a line."""

    line = serializers.UUIDField()
    category = serializers.ChoiceField(choices=Report.Category.choices)
    note = Text(**REASON)
