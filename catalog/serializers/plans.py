"""Bodies of commission plans."""

from typing import Any

from rest_framework import serializers

from catalog import examples
from catalog.commission import plans
from catalog.models import CommissionPlan
from catalog.serializers.showing import shown
from commerce.strict import StrictSerializer, Text, Whole

RATE = "Basis points of what the buyer paid without tax and shipping; 1500 are 15 %."


class HostRateWriteSerializer(StrictSerializer):
    """A host, and what she gets."""

    host = Text(max_length=60, help_text="Her name in addresses, such as mira.")
    rate_bp = Whole(min_value=0, max_value=plans.MOST_BP, help_text=RATE)


class _TermsSerializer(StrictSerializer):
    rate_bp = Whole(
        min_value=0, max_value=plans.MOST_BP, required=False, help_text=f"Of an open plan. {RATE}"
    )
    hosts = serializers.ListField(
        child=HostRateWriteSerializer(),
        required=False,
        allow_empty=False,
        max_length=plans.MOST_HOSTS,
        help_text="Of a targeted plan, all of them: who is left out gets it no more.",
    )
    products = serializers.ListField(
        child=serializers.UUIDField(),
        required=False,
        allow_empty=False,
        max_length=plans.MOST_PRODUCTS,
        help_text="Chosen products, all of them; left out when it is made: whatever you sell.",
    )

    def terms(self) -> plans.Terms:
        """Return what was sent, once it is valid; raises BadPlan for a host that is named twice."""
        sent = self.validated_data
        hosts = {each["host"]: each["rate_bp"] for each in sent["hosts"]} if "hosts" in sent else None
        if hosts is not None and len(hosts) < len(sent["hosts"]):
            raise plans.BadPlan("A host has one rate.", field="hosts")
        return plans.Terms(sent.get("name"), sent.get("rate_bp"), hosts, sent.get("products"))


@shown(examples.PLAN_WRITE, request_only=True)
class PlanWriteSerializer(_TermsSerializer):
    """A commission plan to be opened."""

    name = Text(max_length=80, help_text="Shown to the hosts that it is for.")
    kind = serializers.ChoiceField(
        choices=CommissionPlan.Kind.choices, help_text="For all hosts, or for those that it names."
    )


@shown(examples.PLAN_CHANGE, request_only=True)
class PlanChangeSerializer(_TermsSerializer):
    """What shall be another; the rest stays."""

    name = Text(max_length=80, required=False)


class PlanRateSerializer(serializers.Serializer[Any]):
    """A rate, from one moment until another."""

    host = serializers.CharField(allow_null=True, help_text="Null: all hosts.")
    rate_bp = serializers.IntegerField()
    valid_from = serializers.DateTimeField()
    valid_until = serializers.DateTimeField(allow_null=True, help_text="Not for sales from then on.")


class PlanProductSerializer(serializers.Serializer[Any]):
    """That the plan is for a product, from one moment until another."""

    product = serializers.UUIDField()
    valid_from = serializers.DateTimeField()
    valid_until = serializers.DateTimeField(allow_null=True)


class PlanSerializer(serializers.Serializer[Any]):
    """A commission plan, with what it says now and what is announced."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=CommissionPlan.Kind.choices)
    rates = PlanRateSerializer(many=True)
    products = PlanProductSerializer(many=True, allow_null=True, help_text="Null: whatever you sell.")
    ends_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
