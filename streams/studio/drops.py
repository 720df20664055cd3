"""The control room's buttons for offers and coupons: one request, one verb."""

from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from django.utils import timezone
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from commerce.strict import Flag, StrictSerializer, Text, Whole
from streams import bodies, coupons, goods, offers, queries
from streams.models import Offer
from streams.studio.api import HostView

# --- offers ---


class OfferSerializer(StrictSerializer):
    item = serializers.UUIDField()
    variant = serializers.UUIDField(required=False, allow_null=True, default=None)
    amount = Whole()
    quota = Whole()
    seconds = Whole()
    opens_in = Whole(required=False, allow_null=True, default=None)
    reference = Whole(required=False, allow_null=True, default=None)
    per_buyer = Whole(default=1)
    per_household = Whole(required=False, allow_null=True, default=None)
    tries_per_minute = Whole(required=False, allow_null=True, default=None)
    admits_per_second = Whole(required=False, allow_null=True, default=None)
    turn_seconds = Whole(default=120)
    grace_seconds = Whole(default=0)
    takes_coupons = Flag(default=False)


class OffersView(HostView):
    """Opening or announcing an offer; the answer says how many units there are behind it."""

    def post(self, request: Request, stream_id: UUID) -> Response:
        given = self.read(OfferSerializer)
        opens_in, now = given.pop("opens_in"), timezone.now()
        asked = cast(offers.Asked, {**given, "item_id": given["item"], "variant_id": given["variant"]})
        for renamed in ("item", "variant"):
            asked.pop(renamed)  # type: ignore[misc]
        if opens_in is None:
            offer = offers.open(host_id=self.host_id, stream_id=stream_id, now=now, **asked)
        else:
            opens_at = now + timedelta(seconds=min(max(opens_in, 0), 2 * offers.SECONDS[-1]))
            offer = offers.announce(
                host_id=self.host_id, stream_id=stream_id, opens_at=opens_at, now=now, **asked
            )
        stock = goods.stock_behind(product_id=offer.item.product_id, variant_id=offer.variant_id)
        return Response({"offer": bodies.offer(offer), "stock": stock}, status=status.HTTP_201_CREATED)


class OutlookQuery(serializers.Serializer[Any]):
    variant = serializers.UUIDField(required=False, allow_null=True, default=None)


class OutlookView(HostView):
    """What an offer on an item could be."""

    def get(self, request: Request, stream_id: UUID, item_id: UUID) -> Response:
        asked = OutlookQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        queries.show(host_id=self.host_id, stream_id=stream_id)
        found = offers.outlook(
            stream_id=stream_id,
            item_id=item_id,
            variant_id=asked.validated_data["variant"],
            now=timezone.now(),
        )
        return Response(found)


class OpenOfferView(HostView):
    """Opening an announced offer early."""

    def post(self, request: Request, offer_id: UUID) -> Response:
        return _offer(offers.open_now(host_id=self.host_id, offer_id=offer_id, now=timezone.now()))


class EndOfferView(HostView):
    """Ending an offer early, or calling an announced one off."""

    def post(self, request: Request, offer_id: UUID) -> Response:
        return _offer(offers.end(host_id=self.host_id, offer_id=offer_id, now=timezone.now()))


class SecondsSerializer(StrictSerializer):
    seconds = Whole()


class ExtendOfferView(HostView):
    """Letting an offer run longer."""

    def post(self, request: Request, offer_id: UUID) -> Response:
        seconds = self.read(SecondsSerializer)["seconds"]
        return _offer(
            offers.extend(host_id=self.host_id, offer_id=offer_id, seconds=seconds, now=timezone.now())
        )


# --- coupons ---


class CouponSerializer(StrictSerializer):
    merchant = serializers.UUIDField(source="merchant_id")
    code = Text(max_length=40)
    percent_bp = Whole(required=False, allow_null=True, default=None)
    amount_off = Whole(required=False, allow_null=True, default=None)
    min_amount = Whole(default=0)
    quota = Whole()
    per_buyer = Whole(default=1)
    seconds = Whole()


class CouponsView(HostView):
    """Opening a coupon."""

    def post(self, request: Request, stream_id: UUID) -> Response:
        new = coupons.New(**self.read(CouponSerializer))
        coupon = coupons.create(host_id=self.host_id, stream_id=stream_id, new=new, now=timezone.now())
        return Response({"coupon": coupons.body(coupon)}, status=status.HTTP_201_CREATED)


class EndCouponView(HostView):
    """Ending a coupon."""

    def post(self, request: Request, coupon_id: UUID) -> Response:
        coupon = coupons.end(host_id=self.host_id, coupon_id=coupon_id, now=timezone.now())
        return Response({"coupon": coupons.body(coupon)})


def _offer(offer: Offer) -> Response:
    return Response({"offer": bodies.offer(offer)})
