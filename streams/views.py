"""HTTP doors of the live side: the list of shows, a show's snapshot, and tickets for its socket."""

import time
from typing import cast
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import permissions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from commerce import http
from commerce.models import User
from streams import coupons, listing, passes, queries, showlog, snapshot, tickets, waitingroom
from streams import serializers as bodies
from streams.models import Stream


class ShowsView(APIView):
    """The public list of shows."""

    authentication_classes = []
    permission_classes = [permissions.AllowAny]

    @extend_schema(
        tags=["Live"],
        operation_id="live_list",
        auth=[],
        responses=bodies.ShowsSerializer,
        description="Shows that are on, that come, and that were on lately.",
    )
    def get(self, request: Request) -> Response:
        return Response(bodies.ShowsSerializer(listing.public(now=timezone.now())).data)


class SnapshotView(APIView):
    """A show as it is now."""

    authentication_classes = [http.SessionAuthentication]
    permission_classes = [permissions.AllowAny]

    @extend_schema(
        tags=["Live"],
        operation_id="live_snapshot",
        auth=[],
        responses=bodies.RoomSnapshotSerializer,
        description="The same as the socket's first frames. The place is taken before the data is read, so a "
        "socket that resumes from it misses nothing.",
    )
    def get(self, request: Request, slug: str) -> Response:
        stream = _show(slug)
        epoch, offset = showlog.position(stream.id)
        user_id = request.user.id if isinstance(request.user, User) else None
        return Response(
            {
                "position": {"epoch": epoch, "offset": offset},
                "server_ms": time.time_ns() // 1_000_000,
                "snapshot": snapshot.of(stream=stream, user_id=user_id),
            },
            headers={"Cache-Control": "no-store"},
        )


class TicketView(http.ShopperView):
    """Tickets for a show's socket."""

    @extend_schema(
        tags=["Live"],
        operation_id="live_ticket",
        request=None,
        responses={201: bodies.TicketSerializer},
        description="For clients whose cookie does not reach the socket. The ticket goes into `hello`, never "
        "into an address.",
    )
    def post(self, request: Request, slug: str) -> Response:
        stream = _show(slug)
        session = request._request.session.session_key
        held = passes.of(
            user=cast(User, request.user), stream_id=stream.id, session=session, now=timezone.now()
        )
        ticket = tickets.issue(held=held)
        return Response(
            {
                "ticket": ticket,
                "socket_url": f"{settings.LIVE_SOCKET_URL}/ws/v1/live/{stream.slug}",
                "expires_in": tickets.LIFE_SECONDS,
            },
            status=201,
            headers={"Cache-Control": "no-store"},
        )


class ClaimView(http.ShopperView):
    """Claiming a coupon of a show."""

    @extend_schema(
        tags=["Live"],
        operation_id="live_coupon_claim",
        request=None,
        responses=bodies.CouponClaimSerializer,
        description="The same as the socket's `coupon.claim`. Sent again it is the same claim.",
    )
    def post(self, request: Request, slug: str, coupon_id: UUID) -> Response:
        claimed = coupons.claim(
            stream_id=_show(slug).id,
            user_id=cast(User, request.user).id,
            coupon_id=coupon_id,
            now=timezone.now(),
        )
        return Response(bodies.CouponClaimSerializer(coupons.claim_body(claimed)).data)


class WaitingRoomView(http.ShopperView):
    """The waiting room of an offer."""

    @extend_schema(
        tags=["Live"],
        operation_id="live_room_place",
        responses=bodies.RoomPlaceSerializer,
        description="One's place. Ask every few seconds: with `until` one may buy until then.",
    )
    def get(self, request: Request, slug: str, offer_id: UUID) -> Response:
        user = cast(User, request.user)
        place = waitingroom.place(user_id=user.id, stream_id=_show(slug).id, offer_id=offer_id)
        return Response(place, headers={"Cache-Control": "no-store"})

    @extend_schema(
        tags=["Live"],
        operation_id="live_room_enter",
        request=None,
        responses={200: bodies.RoomPlaceSerializer},
        description="The same as the socket's `waitingroom.enter`. Sent again it tells the place.",
    )
    def post(self, request: Request, slug: str, offer_id: UUID) -> Response:
        user = cast(User, request.user)
        place = waitingroom.enter(
            user_id=user.id, stream_id=_show(slug).id, offer_id=offer_id, now=timezone.now()
        )
        return Response(place)

    @extend_schema(
        tags=["Live"],
        operation_id="live_room_leave",
        request=None,
        responses={204: None},
        description="The same as the socket's `waitingroom.leave`.",
    )
    def delete(self, request: Request, slug: str, offer_id: UUID) -> Response:
        user = cast(User, request.user)
        waitingroom.leave(user_id=user.id, stream_id=_show(slug).id, offer_id=offer_id)
        return Response(status=204)


def _show(slug: str) -> Stream:
    stream = listing.find(slug=slug)
    if stream is None:
        raise queries.UnknownShow
    return stream
