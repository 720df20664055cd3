"""Operations screens of webhooks: what merchants are sent, and what became of it. They show no secret."""

import orjson
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display

from commerce import errors, screens
from commerce.models import (
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookMessage,
    WebhookSecret,
)
from commerce.webhooks import deliveries, endpoints


class SecretInline(screens.ReadOnly, TabularInline):  # type: ignore[misc]
    model = WebhookSecret
    fields = ("created_at", "valid_until", "key")
    extra = 0


@admin.register(WebhookEndpoint)
class EndpointAdmin(screens.ReadOnly, ModelAdmin):  # type: ignore[misc]
    """Where merchants are told; operations may turn one off and on."""

    list_display = ("id", "merchant", "description", "state", "off_reason", "failing_since", "removed_at")
    list_filter = ("enabled", "off_reason", ("removed_at", admin.EmptyFieldListFilter))
    list_select_related = ("merchant",)
    search_fields = ("=id", "merchant__name", "description")
    ordering = ("-id",)
    inlines = (SecretInline,)
    actions = ("turn_off", "turn_on")
    show_full_result_count = False

    @display(description="State", label={"on": "success", "failing": "warning", "off": "danger"})  # type: ignore[untyped-decorator]
    def state(self, row: WebhookEndpoint) -> str:
        """Say whether it is sent to, and takes it."""
        return "off" if not row.enabled else "failing" if row.failing_since else "on"

    @admin.action(description="Turn off (its merchant is told)", permissions=["switch"])
    def turn_off(self, request: HttpRequest, chosen: QuerySet[WebhookEndpoint]) -> None:
        """Send nothing to the chosen endpoints; what happens meanwhile waits."""
        self._switch(request, chosen, enabled=False)

    @admin.action(description="Turn on: what waited is sent", permissions=["switch"])
    def turn_on(self, request: HttpRequest, chosen: QuerySet[WebhookEndpoint]) -> None:
        """Send to the chosen endpoints again."""
        self._switch(request, chosen, enabled=True)

    def has_switch_permission(self, request: HttpRequest) -> bool:
        """Switching is for those who may change these rows, which nobody does by hand."""
        return bool(request.user.has_perm("commerce.change_webhookendpoint"))

    def _switch(self, request: HttpRequest, chosen: QuerySet[WebhookEndpoint], *, enabled: bool) -> None:
        now = timezone.now()
        done = sum(endpoints.switch(endpoint_id=row.pk, enabled=enabled, now=now) for row in chosen)
        messages.success(request, f"{done} endpoints are turned {'on' if enabled else 'off'}.")


class AttemptInline(screens.ReadOnly, TabularInline):  # type: ignore[misc]
    model = WebhookAttempt
    fields = ("number", "started_at", "milliseconds", "status", "error", "answer")
    extra = 0


@admin.register(WebhookDelivery)
class DeliveryAdmin(screens.ReadOnly, ModelAdmin):  # type: ignore[misc]
    """Messages on their way, with every try."""

    list_display = (
        *("id", "message", "merchant", "endpoint", "status"),
        *("attempts", "last_status", "last_error", "due_at"),
    )
    list_filter = ("status", "last_error")
    list_select_related = ("merchant", "endpoint", "message")
    search_fields = ("=id", "=endpoint__id", "=message__public_id", "=object_id")
    ordering = ("-id",)
    inlines = (AttemptInline,)
    actions = ("send_again",)
    show_full_result_count = False

    @admin.action(description="Send again now", permissions=["send"])
    def send_again(self, request: HttpRequest, chosen: QuerySet[WebhookDelivery]) -> None:
        """Have the chosen deliveries sent again."""
        now, done = timezone.now(), 0
        for row in chosen:
            try:
                deliveries.retry(merchant_id=row.merchant_id, delivery_id=row.pk, now=now)
            except errors.Refusal as refusal:
                messages.warning(request, f"{row.pk}: {refusal.text}")
            else:
                done += 1
        messages.success(request, f"{done} deliveries are sent again.")

    def has_send_permission(self, request: HttpRequest) -> bool:
        """Sending again is for those who may change these rows, which nobody does by hand."""
        return bool(request.user.has_perm("commerce.change_webhookdelivery"))


@admin.register(WebhookMessage)
class MessageAdmin(screens.ReadOnly, ModelAdmin):  # type: ignore[misc]
    """What was told."""

    list_display = ("public_id", "type", "merchant", "object_id", "occurred_at")
    list_filter = ("type",)
    list_select_related = ("merchant",)
    search_fields = ("=public_id", "=object_id", "=key")
    ordering = ("-id",)
    fields = ("public_id", "merchant", "type", "object_id", "key", "occurred_at", "said")
    readonly_fields = ("said",)
    show_full_result_count = False

    @display(description="Payload")  # type: ignore[untyped-decorator]
    def said(self, row: WebhookMessage) -> str:
        """Return the payload, to be read by people."""
        return orjson.dumps(orjson.loads(row.body), option=orjson.OPT_INDENT_2).decode()
