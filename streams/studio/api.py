"""The control room's buttons: one request, one verb. Every id is looked for among the host's own shows."""

from typing import Any, cast
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import permissions, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from commerce import errors, http, sites
from commerce.models import User
from streams import bodies, goods, panels, pins, queries, showcase, shows
from streams.models import Stream

FOUND = 24  # Products per search.


class NotAHost(errors.Forbidden):
    message = "This is for hosts."


class IsHost(permissions.BasePermission):
    """Lets in users who are active hosts."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        if not request.user.is_authenticated:
            raise errors.Unauthenticated
        if sites.active_host(request.user) is None:
            raise NotAHost
        return True


@extend_schema(exclude=True)
class HostView(APIView):
    """A view for the host at her desk."""

    authentication_classes = [http.SessionAuthentication]
    permission_classes = [IsHost]

    @property
    def user(self) -> User:
        return cast(User, self.request.user)

    @property
    def host_id(self) -> UUID:
        return self.user.host.id

    def read(self, serializer: type[serializers.Serializer[Any]]) -> dict[str, Any]:
        """Return the body's fields, checked."""
        given = serializer(data=self.request.data)
        given.is_valid(raise_exception=True)
        return cast(dict[str, Any], given.validated_data)


# --- the show ---


class MoveView(HostView):
    """Take a show live, end it, cancel it."""

    verb: Any = None

    def post(self, request: Request, stream_id: UUID) -> Response:
        stream = type(self).verb(
            host_id=self.host_id, stream_id=stream_id, now=timezone.now(), by_id=self.user.id
        )
        return Response(_show(stream))


class GoLiveView(MoveView):
    verb = staticmethod(shows.go_live)


class EndShowView(MoveView):
    verb = staticmethod(shows.end)


class CancelShowView(MoveView):
    verb = staticmethod(shows.cancel)


class SalesView(HostView):
    """What the show has sold so far."""

    def get(self, request: Request, stream_id: UUID) -> Response:
        queries.show(host_id=self.host_id, stream_id=stream_id)
        return Response(panels.sales(host_id=self.host_id, stream_id=stream_id))


# --- the showcase ---


class ProductsView(HostView):
    """Products that may be added."""

    def get(self, request: Request, stream_id: UUID) -> Response:
        queries.show(host_id=self.host_id, stream_id=stream_id)
        text = request.query_params.get("q", "")[:100].replace("\x00", "")
        products = goods.find(
            text=text,
            host_id=self.host_id,
            stream_id=stream_id,
            limit=FOUND,
            now=timezone.now(),
            by_plan=request.query_params.get("plan") == "yes",
        )
        return Response({"products": products})


class ProductSerializer(serializers.Serializer[Any]):
    product = serializers.UUIDField()


class ShowcaseView(HostView):
    """The items in order; adding one."""

    def get(self, request: Request, stream_id: UUID) -> Response:
        queries.show(host_id=self.host_id, stream_id=stream_id)
        return Response({"items": bodies.showcase(stream_id=stream_id)})

    def post(self, request: Request, stream_id: UUID) -> Response:
        product_id = self.read(ProductSerializer)["product"]
        showcase.add(host_id=self.host_id, stream_id=stream_id, product_id=product_id, now=timezone.now())
        return Response({"items": bodies.showcase(stream_id=stream_id)}, status=status.HTTP_201_CREATED)


class OrderSerializer(serializers.Serializer[Any]):
    items = serializers.ListField(child=serializers.UUIDField(), max_length=showcase.MAX_ITEMS)


class ShowcaseOrderView(HostView):
    """Another order of the items."""

    def put(self, request: Request, stream_id: UUID) -> Response:
        item_ids = self.read(OrderSerializer)["items"]
        showcase.reorder(host_id=self.host_id, stream_id=stream_id, item_ids=item_ids)
        return Response({"items": bodies.showcase(stream_id=stream_id)})


class ShowcaseItemView(HostView):
    """Removing an item."""

    def delete(self, request: Request, stream_id: UUID, item_id: UUID) -> Response:
        showcase.remove(host_id=self.host_id, stream_id=stream_id, item_id=item_id, now=timezone.now())
        return Response({"items": bodies.showcase(stream_id=stream_id)})


# --- on air ---


class ItemSerializer(serializers.Serializer[Any]):
    item = serializers.UUIDField()


class PinView(HostView):
    """Pinning an item, and taking the pin away."""

    def post(self, request: Request, stream_id: UUID) -> Response:
        item_id = self.read(ItemSerializer)["item"]
        pin = pins.pin(host_id=self.host_id, stream_id=stream_id, item_id=item_id, now=timezone.now())
        return Response({"pinned": str(pin.item_id), "from_ms": pin.from_ms})

    def delete(self, request: Request, stream_id: UUID) -> Response:
        pins.unpin(host_id=self.host_id, stream_id=stream_id, now=timezone.now())
        return Response({"pinned": None})


def _show(stream: Stream) -> dict[str, Any]:
    return {
        "id": str(stream.id),
        "status": stream.status,
        "live_at": bodies.unix_ms(stream.live_at) if stream.live_at else None,
        "ended_at": bodies.unix_ms(stream.ended_at) if stream.ended_at else None,
    }
