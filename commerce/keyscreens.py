"""Operations screens of merchants' API keys: made, changed, rotated and revoked here, and told once."""

from datetime import timedelta
from typing import Any, cast

import orjson
from django.contrib import admin, messages
from django.db.models import Max, OuterRef, QuerySet, Subquery
from django.forms import CharField, Form, ModelForm, SplitDateTimeField
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action, display
from unfold.widgets import (
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextInputWidget,
)

from commerce import errors, keyforms, merchantkeys, screens
from commerce.models import MerchantKey, MerchantKeyEvent, MerchantKeySecret

OVERLAP = timedelta(days=1)


class KeyForm(keyforms.KeyFields, ModelForm):  # type: ignore[type-arg]
    """What a key is, and whose."""

    class Meta:
        model = MerchantKey
        fields = ("merchant", "name", "scopes", "networks", "expires_at")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.networks and "networks" in self.fields:
            self.initial["networks"] = keyforms.lines(self.instance.networks)


class RotateForm(Form):
    """Until when the secret that is replaced still opens, and which one that is."""

    replaced = CharField(widget=UnfoldAdminTextInputWidget(attrs={"readonly": True}), label="Old secret")
    until = SplitDateTimeField(
        widget=UnfoldAdminSplitDateTimeWidget,
        label="Valid until (UTC)",
        help_text="Until then both open. A moment that is over is now: for a secret that leaked.",
    )


class SecretInline(screens.ReadOnly, TabularInline):  # type: ignore[misc]
    model = MerchantKeySecret
    fields = ("prefix", "created_at", "valid_until", "last_used_at")
    readonly_fields = fields
    ordering = ("-created_at",)
    extra = 0


class EventInline(screens.ReadOnly, TabularInline):  # type: ignore[misc]
    model = MerchantKeyEvent
    fields = ("at", "action", "person", "address", "said")
    readonly_fields = fields
    ordering = ("-id",)
    extra = 0

    @display(description="What")  # type: ignore[untyped-decorator]
    def said(self, event: MerchantKeyEvent) -> str:
        """Write the details on one line."""
        return orjson.dumps(event.details).decode()


class KeyInline(screens.ReadOnly, TabularInline):  # type: ignore[misc]
    model = MerchantKey
    fields = ("name", "scopes", "created_at", "expires_at", "revoked_at")
    readonly_fields = fields
    show_change_link = True
    extra = 0


@admin.register(MerchantKey)
class MerchantKeyAdmin(screens.Kept, ModelAdmin):  # type: ignore[misc]
    """Merchants' API keys. A secret is shown once, when it is made; afterwards only its prefix is known."""

    form = KeyForm
    list_display = ("name", "merchant", "prefix", "state", "scopes", "created_at", "expires_at", "last_used")
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    list_select_related = ("merchant",)
    search_fields = ("name", "secrets__prefix", "merchant__name")
    fields = ("merchant", "name", "scopes", "networks", "expires_at")
    autocomplete_fields = ("merchant",)
    inlines = (SecretInline, EventInline)
    actions = ("revoke_chosen",)
    actions_detail = ("rotate",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[MerchantKey]:
        """Bring along the current secret's prefix, and when any of them was last used."""
        current = MerchantKeySecret.objects.filter(key=OuterRef("pk"), valid_until=None).values("prefix")
        latest = (
            MerchantKeySecret.objects.filter(key=OuterRef("pk"))
            .values("key")
            .values(latest=Max("last_used_at"))
        )
        found: QuerySet[MerchantKey] = super().get_queryset(request)
        return found.annotate(prefix=Subquery(current), last_used_at=Subquery(latest))

    @display(description="Prefix")  # type: ignore[untyped-decorator]
    def prefix(self, key: MerchantKey) -> str:
        """Return the beginning of the current secret."""
        return str(cast(Any, key).prefix)

    @display(description="Last use", ordering="last_used_at")  # type: ignore[untyped-decorator]
    def last_used(self, key: MerchantKey) -> Any:
        """Return when one of its secrets was last used."""
        return cast(Any, key).last_used_at

    @display(description="State", label={"valid": "success", "expired": "warning", "revoked": "danger"})  # type: ignore[untyped-decorator]
    def state(self, key: MerchantKey) -> str:
        """Say whether it opens anything."""
        if key.revoked_at is not None:
            return "revoked"
        return "expired" if key.expires_at is not None and key.expires_at <= timezone.now() else "valid"

    def get_readonly_fields(self, request: HttpRequest, obj: MerchantKey | None = None) -> tuple[str, ...]:
        """A key stays its merchant's."""
        return () if obj is None else ("merchant",)

    def has_change_permission(self, request: HttpRequest, obj: MerchantKey | None = None) -> bool:
        """Nothing is changed any more of a key that was revoked."""
        return bool(super().has_change_permission(request, obj)) and (obj is None or obj.revoked_at is None)

    def get_inlines(self, request: HttpRequest, obj: MerchantKey | None = None) -> Any:
        """A key that is being made has neither secrets nor a history."""
        return self.inlines if obj is not None else ()

    def save_model(
        self, request: HttpRequest, obj: MerchantKey, form: "ModelForm[Any]", change: bool
    ) -> None:
        """Make the key and show its secret, this once; or change it."""
        said = {name: form.cleaned_data[name] for name in ("name", "scopes", "networks", "expires_at")}
        if change:
            merchantkeys.change(key_id=obj.pk, by=screens.by_of(request), **said)
            return
        made, text = merchantkeys.make(merchant_id=obj.merchant_id, by=screens.by_of(request), **said)
        obj.pk, obj._state.adding = made.pk, False
        messages.warning(request, f"The key for {obj.merchant}: {text} - copy it now, it is not shown again.")

    @admin.action(description="Revoke, at once and for good", permissions=["change"])
    def revoke_chosen(self, request: HttpRequest, chosen: QuerySet[MerchantKey]) -> None:
        """End the chosen keys."""
        now = timezone.now()
        done = sum(merchantkeys.revoke(key_id=key.pk, now=now, by=screens.by_of(request)) for key in chosen)
        messages.success(request, f"{done} keys are revoked.")

    @action(description="Rotate", url_path="rotate", permissions=["rotate"])  # type: ignore[untyped-decorator]
    def rotate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask until when the old secret still opens, and show the new one, this once."""
        key = self.get_object(request, object_id)
        if key is None:
            raise Http404
        now = timezone.now()
        back = reverse("admin:commerce_merchantkey_change", args=[object_id])
        if key.revoked_at is not None:
            messages.error(request, merchantkeys.KeyRevoked.message)
            return redirect(back)
        form = RotateForm(request.POST or None, initial={"replaced": key.prefix, "until": now + OVERLAP})
        context = {
            **self.admin_site.each_context(request),
            "title": f"Rotate {key.name} of {key.merchant}",
            "form": form,
            "back": back,
        }
        if request.method == "POST" and form.is_valid():
            asked = form.cleaned_data
            try:
                context["text"] = merchantkeys.rotate(
                    key_id=key.pk,
                    prefix=asked["replaced"],
                    until=max(asked["until"], now),
                    now=now,
                    by=screens.by_of(request),
                )
            except errors.Refusal as refusal:
                form.add_error(None, refusal.text)
        return render(request, "commerce/admin_rotate.html", context)

    def has_rotate_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Rotating is for those who may change keys."""
        return bool(request.user.has_perm("commerce.change_merchantkey"))


@admin.register(MerchantKeyEvent)
class MerchantKeyEventAdmin(screens.ReadOnly, ModelAdmin):  # type: ignore[misc]
    """Who did what to which key, and from where."""

    list_display = ("at", "action", "key", "merchant", "person", "address", "details")
    list_filter = ("action", "merchant")
    list_select_related = ("key", "merchant", "person")
    search_fields = ("key__name", "merchant__name", "person__email", "=address")
    ordering = ("-id",)
    show_full_result_count = False
