"""The operations admin of shows: everything may be read, and an operator may step in as the host could."""

from typing import Any, cast

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display

from commerce import errors, screens
from commerce.models import User
from commerce.money import Money
from streams import chat, coupons, offers, shows
from streams.models import (
    ChatMessage,
    CoHost,
    Coupon,
    Offer,
    Pin,
    ShowcaseItem,
    ShowEvent,
    Stream,
    StreamMove,
)
from streams.moderation import lines


class Intervening(screens.ReadOnly):
    """Read-only, with actions for operators who may change such rows."""

    def has_step_in_permission(self, request: HttpRequest) -> bool:
        name = self.opts.model_name  # type: ignore[attr-defined]
        return bool(request.user.has_perm(f"streams.change_{name}"))


class ItemInline(screens.ReadOnly, TabularInline):  # type: ignore[misc]
    model = ShowcaseItem
    fields = ("position", "product", "removed_at")
    extra = 0


class MoveInline(screens.ReadOnly, TabularInline):  # type: ignore[misc]
    model = StreamMove
    fields = ("old", "new", "by", "at")
    extra = 0


@admin.register(Stream)
class StreamAdmin(Intervening, ModelAdmin):  # type: ignore[misc]
    """Shows of all hosts."""

    list_display = ("title", "host", "state", "starts_at", "live_at", "ended_at")
    list_filter = ("status",)
    list_select_related = ("host",)
    search_fields = ("title", "slug", "host__name")
    date_hierarchy = "starts_at"
    ordering = ("-starts_at",)
    inlines = (ItemInline, MoveInline)
    actions = ("end", "cancel")

    @display(  # type: ignore[untyped-decorator]
        description="Status",
        label={"scheduled": "warning", "live": "success", "ended": "info", "cancelled": "danger"},
    )
    def state(self, stream: Stream) -> str:
        """Return the status for its label."""
        return stream.status

    @admin.action(description="End the show", permissions=["step_in"])
    def end(self, request: HttpRequest, streams: QuerySet[Stream]) -> None:
        """End live shows."""
        _each(request, streams, shows.end)

    @admin.action(description="Cancel the show", permissions=["step_in"])
    def cancel(self, request: HttpRequest, streams: QuerySet[Stream]) -> None:
        """Cancel planned shows."""
        _each(request, streams, shows.cancel)


@admin.register(CoHost)
class CoHostAdmin(screens.ReadOnly, ModelAdmin):  # type: ignore[misc]
    """Hosts who were invited to others' shows, for which share of the commission, and what came of it."""

    list_display = ("stream", "inviter", "host", "share_bp", "status", "agreed_at", "ended_at")
    list_filter = ("status",)
    list_select_related = ("stream", "inviter", "host")
    search_fields = ("stream__title", "host__name", "inviter__name")
    ordering = ("-id",)


def _each(request: HttpRequest, streams: QuerySet[Stream], verb: Any) -> None:
    done = 0
    for stream in streams:
        try:
            verb(host_id=stream.host_id, stream_id=stream.id, now=timezone.now(), by_id=request.user.pk)
            done += 1
        except errors.Refusal as refusal:
            messages.error(request, f"{stream}: {refusal.text}")
    if done:
        messages.success(request, f"Done for {done}.")


@admin.register(Offer)
class OfferAdmin(Intervening, ModelAdmin):  # type: ignore[misc]
    """Offers with what is left of them."""

    list_display = ("item", "stream", "price", "left", "quota", "per_buyer", "status", "reason", "opens_at")
    list_filter = ("status", "reason")
    list_select_related = ("item__product", "stream")
    search_fields = ("stream__title", "item__product__title")
    ordering = ("-id",)
    actions = ("end",)

    @admin.display(description="Price")
    def price(self, offer: Offer) -> str:
        """Write minor units as money."""
        return str(Money(offer.amount, offer.currency))

    @admin.action(description="End the offer", permissions=["step_in"])
    def end(self, request: HttpRequest, chosen: QuerySet[Offer]) -> None:
        """End open and announced offers in their host's name."""
        for offer in chosen.select_related("stream"):
            offers.end(host_id=offer.stream.host_id, offer_id=offer.id, now=timezone.now())


@admin.register(Coupon)
class CouponAdmin(Intervening, ModelAdmin):  # type: ignore[misc]
    """Coupons with what is left of them."""

    list_display = ("code", "stream", "merchant", "takes_off", "left", "quota", "status", "closes_at")
    list_filter = ("status",)
    list_select_related = ("stream", "merchant")
    search_fields = ("code", "stream__title", "merchant__name")
    ordering = ("-id",)
    actions = ("end",)

    @admin.display(description="Takes off")
    def takes_off(self, coupon: Coupon) -> str:
        """Write basis points as a percentage and minor units as money."""
        if coupon.percent_bp is not None:
            return f"{coupon.percent_bp / 100:g}%"
        return str(Money(coupon.amount_off or 0, coupon.currency))

    @admin.action(description="End the coupon", permissions=["step_in"])
    def end(self, request: HttpRequest, chosen: QuerySet[Coupon]) -> None:
        """End open coupons in their host's name."""
        for coupon in chosen.select_related("stream"):
            coupons.end(host_id=coupon.stream.host_id, coupon_id=coupon.id, now=timezone.now())


@admin.register(ChatMessage)
class ChatAdmin(Intervening, ModelAdmin):  # type: ignore[misc]
    """Chat lines, also those that were taken down."""

    list_display = ("text", "author", "stream", "at", "status", "decision", "removed_by")
    list_filter = ("status",)
    list_select_related = ("author", "stream", "decision", "removed_by")
    search_fields = ("text", "author__email", "stream__title")
    ordering = ("-id",)
    actions = ("take_down", "put_back")
    show_full_result_count = False

    @admin.action(description="Take down", permissions=["step_in"])
    def take_down(self, request: HttpRequest, rows: QuerySet[ChatMessage]) -> None:
        """Take lines down in their shows."""
        for line in rows.select_related("stream"):
            by_id = cast(User, request.user).id
            chat.remove(host_id=line.stream.host_id, message_id=line.id, by_id=by_id, now=timezone.now())

    @admin.action(description="Put back", permissions=["step_in"])
    def put_back(self, request: HttpRequest, rows: QuerySet[ChatMessage]) -> None:
        """Show removed lines again, and held ones after this look at them."""
        by_id, now = cast(User, request.user).id, timezone.now()
        for line in rows:
            if line.status == ChatMessage.Status.HELD:
                lines.decide(stream_id=line.stream_id, message_id=line.id, by_id=by_id, show=True, now=now)
            else:
                lines.restore(stream_id=line.stream_id, message_id=line.id, by_id=by_id, now=now)


@admin.register(Pin)
class PinAdmin(screens.ReadOnly, ModelAdmin):  # type: ignore[misc]
    """Product moments: what was explained from when to when on the stream clock."""

    list_display = ("item", "stream", "from_ms", "to_ms", "pinned_at", "unpinned_at")
    list_select_related = ("item__product", "stream")
    search_fields = ("stream__title", "item__product__title")
    ordering = ("-id",)


@admin.register(ShowEvent)
class ShowEventAdmin(screens.ReadOnly, ModelAdmin):  # type: ignore[misc]
    """What viewers were told, in its order: the evidence of a show."""

    list_display = ("stream", "epoch", "offset", "type", "at")
    list_select_related = ("stream",)
    search_fields = ("stream__title", "key")
    ordering = ("-id",)
    show_full_result_count = False

    @admin.display(description="Frame")
    def type(self, event: ShowEvent) -> str:
        """Return the frame's type."""
        return str(event.frame.get("t", ""))
