"""HTTP door of carts: the signed-in shopper's own, and a guest's, whose token is in a cookie."""

from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from commerce import http, schema
from commerce.models import User
from commerce.views import network_of
from orders import doors
from orders.carts import contents, guests, lapsing, shapes

COOKIE, SALT, PATH = "yellowcart_guest", "orders.guest-cart", "/api/v1/"


def token_of(request: Any) -> str | None:
    """Return the token of the guest's cart that the browser keeps; None without one that we gave."""
    age = lapsing.GUESTS_KEPT
    token = request.get_signed_cookie(COOKIE, default=None, salt=SALT, max_age=age)
    return cast("str | None", token)


def forget(answer: HttpResponse) -> None:
    """Have the browser forget the token of a cart that is no guest's any more."""
    answer.delete_cookie(COOKIE, path=PATH, samesite="Lax")


class CartDoor(APIView):
    """A door for shoppers and guests. Cross-site writes are refused for both."""

    authentication_classes = [http.SessionAuthentication]
    permission_classes = []

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        http.SessionAuthentication().enforce_csrf(request)
        super().initial(request, *args, **kwargs)

    @property
    def buyer_id(self) -> UUID | None:
        """The signed-in shopper; None for a guest."""
        user = self.request.user
        return user.id if isinstance(user, User) else None

    def guest(self) -> dict[str, Any]:
        """Return how a guest is known who may be given a cart."""
        return {"token": token_of(self.request._request), "network": network_of(self.request)}

    def kept(self, kept: guests.Kept) -> Response:
        """Answer with a guest's cart and have the browser keep its token."""
        response = Response(kept.body)
        if kept.token is not None:
            response.set_signed_cookie(
                COOKIE,
                kept.token,
                salt=SALT,
                max_age=lapsing.GUESTS_KEPT / timedelta(seconds=1),
                path=PATH,
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
                samesite="Lax",
            )
        return response


class CartView(CartDoor):
    """The cart."""

    @extend_schema(
        tags=["Cart"],
        operation_id="cart_get",
        parameters=[shapes.CartQuerySerializer],
        responses=shapes.CartSerializer,
        description="The shopper's cart, or the guest's that the browser's cookie names.",
        extensions=schema.MAY_BE_MISSING,
    )
    def get(self, request: Request) -> Response:
        asked = shapes.CartQuerySerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        show, now = doors.stream_id(asked.validated_data["stream"]), timezone.now()
        if self.buyer_id is None:
            return Response(guests.read(token=token_of(request._request), stream_id=show, now=now))
        return Response(contents.read(buyer_id=self.buyer_id, stream_id=show, now=now))

    @extend_schema(
        tags=["Cart"],
        operation_id="cart_replace",
        request=shapes.CartChangeSerializer,
        responses=shapes.CartSerializer,
        description="Make the cart have exactly these lines; none empties it.",
        extensions=schema.MAY_BE_MISSING,
    )
    def put(self, request: Request) -> Response:
        body = shapes.CartChangeSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        asked, now = body.validated_data, timezone.now()
        change: dict[str, Any] = {
            "version": asked["version"],
            "lines": [(line["variant"], line["quantity"]) for line in asked["lines"]],
            "stream_id": doors.stream_id(asked["stream"]),
            "now": now,
        }
        if self.buyer_id is None:
            return self.kept(guests.replace(**change, **self.guest()))
        return Response(contents.replace(**change, buyer_id=self.buyer_id))


class CartLinesView(CartDoor):
    """What is in the cart."""

    @extend_schema(
        tags=["Cart"],
        operation_id="cart_add",
        request=shapes.CartAddSerializer,
        responses=shapes.CartSerializer,
        description=(
            "Add units and get the cart. Where the merchant holds goods for carts, the line's units are held"
            " until its `held_until`. The first line of a guest makes a cart and sets its cookie."
        ),
        extensions=schema.MAY_BE_MISSING,
    )
    def post(self, request: Request) -> Response:
        body = shapes.CartAddSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        asked = body.validated_data
        change: dict[str, Any] = {
            "variant_id": asked["variant"],
            "quantity": asked["quantity"],
            "version": asked["version"],
            "stream_id": doors.stream_id(asked["stream"]),
            "now": timezone.now(),
        }
        if self.buyer_id is None:
            return self.kept(guests.add(**change, **self.guest()))
        return Response(contents.add(**change, buyer_id=self.buyer_id))


class CartLineView(CartDoor):
    """One line of the cart."""

    @extend_schema(
        tags=["Cart"],
        operation_id="cart_set",
        request=shapes.CartSetSerializer,
        responses=shapes.CartSerializer,
        description="Set the units of a variant that is in the cart.",
    )
    def patch(self, request: Request, variant_id: UUID) -> Response:
        body = shapes.CartSetSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        asked = body.validated_data
        change: dict[str, Any] = {
            "version": asked["version"],
            "variant_id": variant_id,
            "quantity": asked["quantity"],
            "stream_id": doors.stream_id(asked["stream"]),
            "now": timezone.now(),
        }
        if self.buyer_id is None:
            return self.kept(guests.update(**change, token=token_of(request._request)))
        return Response(contents.update(**change, buyer_id=self.buyer_id))

    @extend_schema(
        tags=["Cart"],
        operation_id="cart_remove",
        parameters=[shapes.CartRemoveSerializer],
        responses={200: shapes.CartSerializer},
        description="Take a variant out, and get the cart.",
    )
    def delete(self, request: Request, variant_id: UUID) -> Response:
        query = shapes.CartRemoveSerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        change: dict[str, Any] = {
            "version": asked["version"],
            "variant_id": variant_id,
            "stream_id": doors.stream_id(asked["stream"]),
            "now": timezone.now(),
        }
        if self.buyer_id is None:
            return self.kept(guests.remove(**change, token=token_of(request._request)))
        return Response(contents.remove(**change, buyer_id=self.buyer_id))


class CartMergeView(http.ShopperView):
    """What a guest collected before she came in."""

    @extend_schema(
        tags=["Cart"],
        operation_id="cart_merge",
        request=None,
        responses=shapes.CartSerializer,
        description=(
            "Move the guest's cart that the browser's cookie names into the shopper's own, and get that."
            " Signing in does it by itself; the same again moves nothing."
        ),
    )
    def post(self, request: Request) -> Response:
        buyer_id, now = doors.buyer_of(request), timezone.now()
        guests.merge(token=token_of(request._request), buyer_id=buyer_id, now=now)
        response = Response(contents.read(buyer_id=buyer_id, stream_id=None, now=now))
        forget(response)
        return response
