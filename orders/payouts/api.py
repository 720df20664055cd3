"""HTTP doors of where payees are paid: a merchant's with its key, and a host's own, and what each is owed."""

from collections.abc import Mapping
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from commerce import http, payees, strict
from orders.payouts import planning
from orders.serializers.asked import MoneySerializer

# Where the payee comes back to is a page of the caller's.


class PayoutStandingSerializer(serializers.Serializer[Mapping[str, Any]]):
    """How the payee stands in one currency."""

    pending = MoneySerializer(help_text="Sold, and not earned yet.")
    payable = MoneySerializer(help_text="Earned, paid with the next payout; below zero it is owed back.")
    under_way = MoneySerializer(help_text="On its way.")
    why = serializers.CharField(
        help_text="ready, held, nothing, negative, no_account, not_onboarded, sending"
    )


class PayoutAccountSerializer(serializers.Serializer[Mapping[str, Any]]):
    """Where the payee is paid."""

    state = serializers.CharField(help_text="none, new, onboarding, pending, enabled, restricted, gone")
    country = serializers.CharField(allow_blank=True)
    requirements_due = serializers.ListField(child=serializers.CharField())
    disabled_reason = serializers.CharField(allow_blank=True)
    standing = PayoutStandingSerializer(many=True)


class PayoutAccountOpenSerializer(strict.StrictSerializer):
    """Where to go on, and where to come back to."""

    country = strict.Text(
        max_length=2, required=False, default="", help_text="ISO 3166-1 alpha-2; asked for the first time."
    )
    return_url = strict.Link(max_length=500)
    refresh_url = strict.Link(max_length=500, help_text="Where to ask for another link.")


class PayoutAccountLinkSerializer(serializers.Serializer[Mapping[str, Any]]):
    """The provider's page; it is good for one visit within minutes."""

    url = serializers.CharField()


class PayoutAccountView(http.MerchantView):
    """Where the merchant is paid, and what it is owed."""

    @extend_schema(
        tags=["Orders"],
        operation_id="payout_account_get",
        responses=PayoutAccountSerializer,
        description="Sold goods are pending until they were shipped and the time for returns has passed.",
    )
    def get(self, request: Request) -> Response:
        return Response(planning.body(payees.Owner(merchant_id=self.merchant.id)))

    @extend_schema(
        tags=["Orders"],
        operation_id="payout_account_open",
        request=PayoutAccountOpenSerializer,
        responses=PayoutAccountLinkSerializer,
        description="Opens the account at the payment provider with the first call. Go to the link at once.",
    )
    def post(self, request: Request) -> Response:
        asked = PayoutAccountOpenSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        url = payees.open_page(
            owner=payees.Owner(merchant_id=self.merchant.id),
            country=given["country"],
            back_to=given["return_url"],
            again_at=given["refresh_url"],
            now=timezone.now(),
        )
        return Response({"url": url})
