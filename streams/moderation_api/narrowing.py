"""How moderation's lists can be narrowed."""

from typing import Any

from django.db.models import QuerySet
from django_filters import rest_framework as filters

from catalog.filters import Filters
from streams.models import Appeal, Decision, Question, Report, Restraint
from streams.moderation import rules


class DecisionFilter(Filters):
    """Filters of the log of decisions."""

    action = filters.ChoiceFilter(choices=Decision.Action.choices)
    rule = filters.ChoiceFilter(choices=[(rule, rule) for rule in rules.ALL])
    actor = filters.UUIDFilter("actor_id")
    user = filters.UUIDFilter("subject_id", help_text="Whom it is about.")
    line = filters.UUIDFilter("message_id")
    by_filter = filters.BooleanFilter("actor", lookup_expr="isnull", help_text="Held by a filter.")

    class Meta:
        model = Decision
        fields: list[str] = []


class AppealFilter(Filters):
    """Filters of the list of appeals."""

    outcome = filters.ChoiceFilter(choices=Appeal.Outcome.choices)

    class Meta:
        model = Appeal
        fields: list[str] = []


class ReportFilter(Filters):
    """Filters of the list of reports."""

    category = filters.ChoiceFilter(choices=Report.Category.choices)
    open = filters.BooleanFilter("decision", lookup_expr="isnull")
    line = filters.UUIDFilter("message_id")

    class Meta:
        model = Report
        fields: list[str] = []


class RestraintFilter(Filters):
    """Filters of the list of mutes and bans."""

    kind = filters.ChoiceFilter(choices=Restraint.Kind.choices)
    user = filters.UUIDFilter("user_id")
    lifted = filters.BooleanFilter("lifted_at", lookup_expr="isnull", exclude=True)

    class Meta:
        model = Restraint
        fields: list[str] = []


class QuestionFilter(Filters):
    """Filters of the list of questions."""

    answered = filters.BooleanFilter(method="narrow")
    product = filters.UUIDFilter("item__product_id")

    class Meta:
        model = Question
        fields: list[str] = []

    def narrow(self, rows: QuerySet[Question], name: str, value: Any) -> QuerySet[Question]:
        """Narrow to questions that are answered, or are not."""
        return rows.filter(answered_at__isnull=not value)
