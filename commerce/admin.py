"""The operations admin of the kernel: parties and keys may be changed, what happened may only be read."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html_join
from rest_framework_api_key.models import APIKey
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action, display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from commerce import accounts, keyscreens, ledger, memberscreens, outbox, screens
from commerce.models import (
    Address,
    Card,
    Event,
    Host,
    LedgerTransaction,
    Merchant,
    MerchantMember,
    Posting,
    User,
)
from commerce.money import Money
from commerce.webhooks import admin as webhook_screens

__all__ = ["webhook_screens"]  # Hung up by being imported.

admin.site.unregister(Group)
if admin.site.is_registered(APIKey):
    admin.site.unregister(APIKey)


# --- parties ---


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin):  # type: ignore[misc]
    """Groups of permissions."""


class AddressInline(screens.ReadOnly, TabularInline):  # type: ignore[misc]
    model = Address
    extra = 0


class CardInline(screens.ReadOnly, TabularInline):  # type: ignore[misc]
    model = Card
    fields = ("brand", "last4", "exp_month", "exp_year", "is_default", "removed_at")
    extra = 0


class PasswordChangeForm(AdminPasswordChangeForm):  # type: ignore[misc]
    """An operator's change of somebody's password, which ends that user's sessions and sockets."""

    def save(self, commit: bool = True) -> User:
        """Save the password."""
        with transaction.atomic():
            user = cast(User, super().save(commit))
            accounts.access_changed(user_id=user.id)
        return user


DECIDES = frozenset({"is_active", "is_staff", "is_superuser", "groups", "user_permissions"})


@admin.register(User)
class UserAdmin(screens.Kept, DjangoUserAdmin, ModelAdmin):  # type: ignore[misc, type-arg]
    """Everybody who can sign in."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = PasswordChangeForm
    list_display = ("email", "name", "is_active", "is_staff", "created_at")
    list_filter = ("is_active", "is_staff")
    search_fields = ("email", "name")
    ordering = ("-created_at",)
    readonly_fields = ("created_at", "last_login")
    fieldsets = (
        (None, {"fields": ("email", "name", "password", "is_active")}),
        ("Operations", {"fields": ("is_staff", "is_superuser", "groups", "user_permissions")}),
        ("Times", {"fields": ("created_at", "last_login")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "name", "password1", "password2")}),)
    inlines = (AddressInline, CardInline)

    def save_model(self, request: HttpRequest, obj: User, form: "ModelForm[User]", change: bool) -> None:
        """Save, and let live connections of a user who may now do more or less be looked at."""
        super().save_model(request, obj, form, change)
        if change and DECIDES.intersection(form.changed_data):
            accounts.access_changed(user_id=obj.id)


@admin.register(Host)
class HostAdmin(screens.Kept, screens.Stamped):
    """Hosts; one who is not active cannot enter the studio."""

    list_display = ("name", "user", "slug", "is_active", "created_at")
    list_filter = ("is_active",)
    list_select_related = ("user",)
    search_fields = ("name", "slug", "user__email")
    autocomplete_fields = ("user",)
    prepopulated_fields = {"slug": ("name",)}
    readonly_fields = ("created_at",)


@admin.register(Merchant)
class MerchantAdmin(screens.Kept, screens.Stamped):
    """Merchants; new rates count for sales from now on."""

    list_display = ("name", "currency", "commission", "fee", "is_active", "created_at")
    list_filter = ("is_active", "goods_reviewed", "currency")
    search_fields = ("name", "slug")
    prepopulated_fields = {"slug": ("name",)}
    readonly_fields = ("created_at",)
    inlines = (memberscreens.MemberInline, keyscreens.KeyInline)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Change members by their verbs."""
        if formset.model is MerchantMember:
            memberscreens.save(request, formset)
        else:
            super().save_formset(request, form, formset, change)

    @admin.display(description="Host's commission")
    def commission(self, merchant: Merchant) -> str:
        """Write basis points as per cent."""
        return f"{merchant.host_commission_bp / 100:g} %"

    @admin.display(description="Platform's fee")
    def fee(self, merchant: Merchant) -> str:
        """Write basis points as per cent."""
        return f"{merchant.platform_fee_bp / 100:g} %"


# --- what happened ---


@admin.register(Event)
class EventAdmin(screens.Quarantine, ModelAdmin):  # type: ignore[misc]
    """The outbox. What failed too often waits here, in quarantine, for somebody to look and try again."""

    list_display = ("id", "name", "key", "state", "attempts", "created_at", "due_at")
    list_filter = (
        ("quarantined_at", admin.EmptyFieldListFilter),
        ("delivered_at", admin.EmptyFieldListFilter),
        "name",
    )
    search_fields = ("key", "name")
    ordering = ("-id",)
    show_full_result_count = False

    @display(  # type: ignore[untyped-decorator]
        description="State", label={"delivered": "success", "waiting": "warning", "quarantined": "danger"}
    )
    def state(self, event: Event) -> str:
        """Say where the event is."""
        if event.quarantined_at:
            return "quarantined"
        return "delivered" if event.delivered_at else "waiting"

    def release(self, pk: int, now: datetime) -> bool:
        """Have a quarantined event told after all."""
        return outbox.release(event_id=pk, now=now)


class PostingInline(screens.ReadOnly, TabularInline):  # type: ignore[misc]
    model = Posting
    fields = ("account", "money")
    readonly_fields = ("money",)
    extra = 0

    @admin.display(description="Amount (debit +, credit -)")
    def money(self, posting: Posting) -> str:
        """Write minor units as money."""
        return str(Money(posting.amount, posting.currency))


@admin.register(LedgerTransaction)
class LedgerAdmin(screens.ReadOnly, ModelAdmin):  # type: ignore[misc]
    """The books. They are corrected by new transactions, never changed."""

    list_display = ("posted_at", "kind", "ref", "lines")
    list_filter = ("kind",)
    search_fields = ("=ref", "postings__account")
    ordering = ("-id",)
    inlines = (PostingInline,)
    show_full_result_count = False
    actions_list = ("trial_balance",)

    @action(description="Trial balance", url_path="trial-balance", permissions=["trial_balance"])  # type: ignore[untyped-decorator]
    def trial_balance(self, request: HttpRequest) -> HttpResponse:
        """Show debits and credits by kind of account, now or as of a moment."""
        text = request.GET.get("at", "")
        try:
            found = parse_datetime(text)
            if found is not None:
                # PostgreSQL takes offsets up to 15:59 only.
                found = (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            found = None
        if text and found is None:
            messages.error(request, "This is not a time that can be read; shown is now.")
        rows = ledger.trial_balance(at=found)
        currencies = []
        for currency in sorted({row.currency for row in rows}):
            of_it = [row for row in rows if row.currency == currency]
            shown = [
                {
                    "kind": row.kind,
                    "accounts": row.accounts,
                    "open": row.open,
                    "debit": Money(row.debit, currency),
                    "credit": Money(row.credit, currency),
                    "balance": Money(row.balance, currency),
                }
                for row in of_it
            ]
            currencies.append((currency, shown, Money(sum(row.balance for row in of_it), currency)))
        context = {
            **self.admin_site.each_context(request),
            "title": "Trial balance",
            "currencies": currencies,
            "clearing": ledger.standing_open("clearing:", limit=50),
            "at": text if found else "",
        }
        return render(request, "commerce/trial_balance.html", context)

    def has_trial_balance_permission(self, request: HttpRequest) -> bool:
        """It is for those who may see the books."""
        return bool(request.user.has_perm("commerce.view_ledgertransaction"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[LedgerTransaction]:
        """Bring the postings along."""
        found: QuerySet[LedgerTransaction] = super().get_queryset(request).prefetch_related("postings")
        return found

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Read once who the parties of the listed postings are."""
        listed = super().get_changelist_instance(request)
        rows = list(listed.result_list)
        names = _parties({each.account for row in rows for each in row.postings.all()})
        for row in rows:
            row.names = names
        listed.result_list = rows
        return listed

    @admin.display(description="Postings (debit +, credit -)")
    def lines(self, transaction: LedgerTransaction) -> str:
        """Write the postings a line each, parties by their names."""
        names = getattr(transaction, "names", {})
        return format_html_join(
            "",
            '<span class="block" title="{}">{} {}</span>',
            (
                (each.account, names.get(each.account, each.account), Money(each.amount, each.currency))
                for each in transaction.postings.all()
            ),
        )


def _parties(accounts: Collection[str]) -> dict[str, str]:
    """Return accounts of merchants and hosts with the name in place of the id."""
    found: dict[str, str] = {}
    for kind, model in (("merchant", Merchant), ("host", Host)):
        named = {name: name.rpartition(f"{kind}:")[2] for name in accounts if f"{kind}:" in name}
        who = {str(row.pk): str(row) for row in model.objects.filter(pk__in=set(named.values()))}
        found |= {name: name.replace(pk, who[pk]) for name, pk in named.items() if pk in who}
    return found
