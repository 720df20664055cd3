"""Operations screens of merchants' members: changed by the verbs, so that all of it is written down."""

from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.forms import ModelForm
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline

from commerce import errors, members, screens
from commerce.models import MemberEvent, MemberInvitation, MerchantMember


class MemberForm(ModelForm):  # type: ignore[type-arg]
    """A member's role; a membership stays its person's."""

    class Meta:
        model = MerchantMember
        fields = ("user", "role")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding and "user" in self.fields:
            self.fields["user"].disabled = True


class MemberInline(TabularInline):  # type: ignore[misc]
    model = MerchantMember
    form = MemberForm
    autocomplete_fields = ("user",)
    extra = 0


def save(request: HttpRequest, formset: Any) -> None:
    """Carry out what the operator asked of a merchant's members, all of it or nothing."""
    formset.save(commit=False)
    by, merchant_id = screens.by_of(request), formset.instance.pk
    changed = [row for row, _ in formset.changed_objects]
    # Who becomes an owner comes first, so that a merchant can be handed over.
    changed.sort(key=lambda row: row.role != members.OWNER)
    try:
        with transaction.atomic():
            for row in formset.new_objects:
                members.add(merchant_id=merchant_id, user_id=row.user_id, role=row.role, by=by)
            for row in changed:
                members.change(
                    merchant_id=merchant_id, user_id=row.user_id, role=row.role, by=by, as_owner=False
                )
            for row in formset.deleted_objects:
                members.remove(merchant_id=merchant_id, user_id=row.user_id, by=by, as_owner=False)
    except errors.Refusal as refusal:
        messages.error(request, f"The members stay as they were. {refusal.text}")


@admin.register(MemberEvent)
class MemberEventAdmin(screens.ReadOnly, ModelAdmin):  # type: ignore[misc]
    """Who did what to a merchant's members, and from where."""

    list_display = ("at", "action", "email", "merchant", "person", "address", "details")
    list_filter = ("action", "merchant")
    list_select_related = ("merchant", "person")
    search_fields = ("email", "merchant__name", "person__email", "=address")
    ordering = ("-id",)
    show_full_result_count = False


@admin.register(MemberInvitation)
class MemberInvitationAdmin(screens.ReadOnly, ModelAdmin):  # type: ignore[misc]
    """Invitations of merchants' members. Owners make and withdraw them."""

    list_display = ("email", "merchant", "role", "invited_by", "created_at", "expires_at", "ending")
    list_filter = ("ending", "merchant")
    list_select_related = ("merchant", "invited_by")
    search_fields = ("email", "merchant__name")
    fields = ("merchant", "email", "role", "invited_by", "created_at", "expires_at", "ending", "ended_at")
    show_full_result_count = False
