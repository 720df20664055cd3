"""HTTP door of the waitlist."""

from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from commerce import http, schema, strict
from orders import doors
from orders.serializers.asked import MoneySerializer
from orders.waitlist import places, waiting
from streams.models import Stream


class WaitlistJoinSerializer(strict.StrictSerializer):
    """What somebody lines up for, and in which show."""

    stream = serializers.SlugField(help_text="The live show.")
    variant = strict.Id()
    offer = strict.Id(
        required=False, allow_null=True, default=None, help_text="At whose price; none: the list price."
    )
    quantity = strict.AnyWhole(required=False, default=1, help_text="Units, 1 to 99.")


class WaitlistPlaceSerializer(serializers.Serializer[object]):
    """A place in a line."""

    id = serializers.UUIDField()
    stream = serializers.CharField(allow_null=True)
    variant = serializers.UUIDField()
    offer = serializers.UUIDField(allow_null=True)
    quantity = serializers.IntegerField()
    status = serializers.ChoiceField(choices=waiting.Status.choices)
    number = serializers.IntegerField(help_text="Hers for good.")
    ahead = serializers.IntegerField(help_text="How many wait before her now.")
    price = MoneySerializer(allow_null=True)
    until = serializers.IntegerField(allow_null=True, help_text="End of her turn, Unix milliseconds.")


class WaitlistView(http.ShopperView):
    """The lines in which the shopper stands."""

    @extend_schema(
        tags=["Waitlist"], operation_id="waitlist_list", responses=WaitlistPlaceSerializer(many=True)
    )
    def get(self, request: Request) -> Response:
        return Response(waiting.bodies(buyer_id=doors.buyer_of(request)))

    @extend_schema(
        tags=["Waitlist"],
        operation_id="waitlist_join",
        request=WaitlistJoinSerializer,
        responses={201: WaitlistPlaceSerializer},
        description="Line up for what is sold out. Whose turn it is hears so on her socket and sees it here.",
        extensions=schema.MAY_BE_MISSING,
    )
    def post(self, request: Request) -> Response:
        body = WaitlistJoinSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        asked = body.validated_data
        stream_id = Stream.objects.filter(slug=asked["stream"]).values_list("id", flat=True).first()
        if stream_id is None:
            raise places.UnknownStream
        place = places.join(
            buyer_id=doors.buyer_of(request),
            stream_id=stream_id,
            variant_id=asked["variant"],
            offer_id=asked["offer"],
            quantity=asked["quantity"],
            now=timezone.now(),
        )
        return Response(place, status=201)


class WaitlistPlaceView(http.ShopperView):
    """One place in a line."""

    @extend_schema(
        tags=["Waitlist"],
        operation_id="waitlist_leave",
        parameters=[OpenApiParameter("place_id", UUID, OpenApiParameter.PATH)],
        responses={200: WaitlistPlaceSerializer},
        description="Leave the line; in her turn the units go on to the next.",
    )
    def delete(self, request: Request, place_id: UUID) -> Response:
        buyer_id = doors.buyer_of(request)
        entry = waiting.entries(buyer_id=buyer_id).filter(pk=place_id).first()
        if entry is None:
            raise places.NotInLine
        return Response(
            places.leave(
                buyer_id=buyer_id,
                variant_id=entry.variant_id,
                offer_id=entry.offer_id,
                now=timezone.now(),
            )
        )
