"""HTTP doors of the trade: purchases for shoppers, the provider's webhook."""

from typing import cast
from uuid import UUID

import orjson
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from commerce import errors, gateway, http, schema
from commerce.money import Money
from orders import contacts, doors, queries
from orders.models import Purchase
from orders.reconciling import notices
from orders.serializers import asked, shown
from orders.settling import charging
from orders.till import asking, counter, quoting
from streams.moderation import standing

MAX_NOTICE_BYTES = 256 * 1024

# --- shoppers ---


class PurchasesView(http.ShopperView):
    """The shopper's purchases."""

    @extend_schema(
        tags=["Purchases"],
        operation_id="purchase_list",
        parameters=http.CursorPagination.parameters(),
        responses=shown.PurchasePageSerializer,
        description="Newest first.",
    )
    def get(self, request: Request) -> Response:
        pages = http.CursorPagination()
        page = pages.paginate_queryset(
            queries.purchases_of(buyer_id=doors.buyer_of(request)), request, view=self
        )
        rows = cast("list[Purchase]", page or [])
        return pages.get_paginated_response([queries.render_purchase(row) for row in rows])

    @extend_schema(
        tags=["Purchases"],
        operation_id="purchase_create",
        parameters=[
            OpenApiParameter(
                "Idempotency-Key",
                type=UUID,
                location=OpenApiParameter.HEADER,
                required=True,
                description="A UUID that stays the same when it is sent again, here or on the socket.",
            )
        ],
        request=asked.BuySerializer,
        responses={201: shown.PurchaseSerializer, 200: shown.PurchaseSerializer},
        description="Accepted means that the units are held and the card is being charged. 200: sent before.",
        extensions=schema.MAY_BE_MISSING,
    )
    def post(self, request: Request) -> Response:
        key = http.idempotency_key(request, uuid=True)
        if key is None:
            raise http.BadIdempotencyKey("Send an Idempotency-Key: a UUID that stays the same on a retry.")
        body = asked.BuySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        wish = body.validated_data
        seen, buyer_id, stream_id = wish["seen"], doors.buyer_of(request), doors.stream_id(wish["stream"])
        refused = None
        if stream_id is not None:
            refused = standing.ban(stream_id=stream_id, user_id=buyer_id, now=timezone.now())
        receipt = counter.here().buy(
            asking.ask(
                buyer_id=buyer_id,
                key=UUID(key),
                lines=[
                    asking.Wanted(line["variant"], line["quantity"], line["offer"]) for line in wish["lines"]
                ],
                expect_total=Money(wish["expect_total"]["amount"], wish["expect_total"]["currency"]),
                card_id=wish["card"],
                stream_id=stream_id,
                coupon_id=wish["coupon"],
                seen=(seen["epoch"], seen["offset"]) if seen else None,
            ),
            refused=refused,
        )
        return Response(orjson.loads(receipt.body), status=200 if receipt.replayed else 201)


class QuoteView(http.ShopperView):
    """What a purchase would cost."""

    @extend_schema(
        tags=["Purchases"],
        operation_id="purchase_quote",
        request=asked.QuoteAskSerializer,
        responses=shown.QuoteSerializer,
        description="At today's prices, with shipping and tax to the default address. Nothing is bought.",
        extensions=schema.MAY_BE_MISSING,
    )
    def post(self, request: Request) -> Response:
        body = asked.QuoteAskSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        wish = body.validated_data
        wondered = asking.wonder(
            buyer_id=doors.buyer_of(request),
            lines=[asking.Wanted(line["variant"], line["quantity"], line["offer"]) for line in wish["lines"]],
            stream_id=doors.stream_id(wish["stream"]),
            coupon_id=wish["coupon"],
        )
        return Response(quoting.quote(wondered))


class PurchaseView(http.ShopperView):
    """One of the shopper's purchases."""

    @extend_schema(tags=["Purchases"], operation_id="purchase_get", responses=shown.PurchaseSerializer)
    def get(self, request: Request, purchase_id: UUID) -> Response:
        row = queries.purchase_of(buyer_id=doors.buyer_of(request), purchase_id=purchase_id)
        return Response(queries.render_purchase(row))


class PayView(http.ShopperView):
    """Another card for a declined purchase."""

    @extend_schema(
        tags=["Purchases"],
        operation_id="purchase_pay",
        request=asked.PaySerializer,
        responses=shown.PurchaseSerializer,
        description="Take the units again, if there are any, and charge another card.",
    )
    def post(self, request: Request, purchase_id: UUID) -> Response:
        body = asked.PaySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        purchase = charging.retry(
            purchase_id=purchase_id,
            buyer_id=doors.buyer_of(request),
            card_id=body.validated_data["card"],
            now=timezone.now(),
        )
        return Response(queries.purchase_body(purchase.id))


class EraseContactView(http.ShopperView):
    """Have her contact erased."""

    @extend_schema(
        tags=["Account"],
        operation_id="contact_erase",
        request=None,
        responses=shown.ErasedSerializer,
        description="The shopper's addresses, and her name, address, phone and words in all that she bought."
        " What it cost stays in the books. Refused while an order is on its way (`ORDER_ON_ITS_WAY`).",
    )
    def post(self, request: Request) -> Response:
        count = contacts.erase_of_buyer(buyer_id=doors.buyer_of(request), now=timezone.now())
        return Response({"purchases": count})


# --- the payment provider ---


class BadSignature(errors.Invalid):
    code = "BAD_SIGNATURE"
    message = "The signature does not match."


class StripeWebhookView(APIView):
    """The provider's notices: verified, kept once, answered at once, and read later."""

    authentication_classes = []
    permission_classes = []

    @extend_schema(
        tags=["Webhooks"],
        operation_id="webhook_stripe",
        request={"application/json": {"type": "object"}},
        responses={
            200: OpenApiResponse(description="Kept."),
            400: OpenApiResponse(description="Not signed."),
        },
    )
    def post(self, request: Request) -> Response:
        raw = request._request
        announced = str(raw.META.get("CONTENT_LENGTH") or 0)
        if announced.isdigit() and int(announced) > MAX_NOTICE_BYTES:
            raise errors.TooLarge(limit=MAX_NOTICE_BYTES)
        # The bytes as they came: signed is what was sent, not what a parser makes of it.
        if len(raw.body) > MAX_NOTICE_BYTES:
            raise errors.TooLarge(limit=MAX_NOTICE_BYTES)
        try:
            notice = gateway.read_notice(
                raw.body, raw.headers.get("Stripe-Signature", ""), now=timezone.now()
            )
        except gateway.BadSignature as error:
            raise BadSignature from error
        fresh = notices.record(notice=notice, now=timezone.now())
        return Response({"received": True, "fresh": fresh})
