"""Operations screens of merchants' shipping zones and tax rates."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin, TabularInline
from unfold.widgets import UnfoldAdminTextInputWidget

from commerce import errors
from orders.models import ShippingRate, ShippingZone, TaxPolicy, TaxRate
from orders.tariffs import keeping


class RateRows(BaseInlineFormSet):  # type: ignore[type-arg]  # Django's own takes no parameters
    """One rate per currency, and one at least: as everywhere else."""

    rates: list[keeping.Rate]  # What the rows say, once they are valid.

    def clean(self) -> None:
        """Hold the rows against the rules of the API."""
        super().clean()
        if any(form.errors for form in self.forms):
            return
        kept = [form.cleaned_data for form in self.forms if form.cleaned_data.get("currency")]
        kept = [each for each in kept if not each.get("DELETE")]
        names = ("name", "currency", "amount", "free_from", "days_min", "days_max")
        self.rates = [keeping.Rate(**{name: row[name] for name in names}) for row in kept]
        try:
            keeping.check_rates(self.rates)
        except errors.Refusal as refusal:
            raise ValidationError(refusal.text) from refusal


class RateInline(TabularInline):  # type: ignore[misc]  # the package ships no types
    model = ShippingRate
    formset = RateRows
    fields = ("name", "currency", "amount", "free_from", "days_min", "days_max")
    extra = 0
    min_num = 1


class ZoneForm(forms.ModelForm):  # type: ignore[type-arg]
    """A zone with its countries as text."""

    countries = forms.CharField(
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="Codes such as DE, AT. Empty for the rest of the world.",
    )

    class Meta:
        model = ShippingZone
        fields = ("merchant", "name", "countries", "rest_of_world")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if not self.instance._state.adding:
            codes = self.instance.countries.order_by("country").values_list("country", flat=True)
            self.initial["countries"] = ", ".join(codes)

    def clean(self) -> dict[str, Any]:
        """Hold the zone against the rules of the API."""
        sent = super().clean() or self.cleaned_data
        codes = sorted({each.upper() for each in sent.get("countries", "").replace(",", " ").split()})
        sent["codes"] = codes
        merchant = sent.get("merchant") or getattr(self.instance, "merchant", None)
        if merchant is None:
            return sent
        other_than = None if self.instance._state.adding else self.instance.pk
        try:
            keeping.check_countries(
                merchant_id=merchant.pk,
                countries=codes,
                rest_of_world=bool(sent.get("rest_of_world")),
                other_than=other_than,
            )
        except errors.Refusal as refusal:
            raise ValidationError(refusal.text) from refusal
        return sent


@admin.register(ShippingZone)
class ShippingZoneAdmin(ModelAdmin):  # type: ignore[misc]
    """Where merchants ship and for how much. What an order was charged stays with the order."""

    form = ZoneForm
    inlines = (RateInline,)
    autocomplete_fields = ("merchant",)
    list_display = ("name", "merchant", "where", "rest_of_world", "updated_at")
    list_filter = ("merchant", "rest_of_world")
    list_select_related = ("merchant",)
    search_fields = ("name", "merchant__name", "=countries__country")
    ordering = ("merchant__name", "name")

    @admin.display(description="countries")
    def where(self, row: ShippingZone) -> str:
        return ", ".join(sorted(each.country for each in row.countries.all()))

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("countries")

    def get_readonly_fields(self, request: HttpRequest, obj: ShippingZone | None = None) -> tuple[str, ...]:
        """Return what cannot be changed: a zone stays its merchant's."""
        return () if obj is None else ("merchant",)

    def save_model(self, request: HttpRequest, obj: ShippingZone, form: Any, change: bool) -> None:
        """Save the zone and its countries."""
        obj.updated_at = timezone.now()
        obj.save()
        keeping.set_countries(obj, form.cleaned_data["codes"])

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Give the zone the rates that its rows say."""
        formset.save(commit=False)  # Only what the screen's own log tells.
        keeping.set_rates(form.instance, formset.rates)


class TaxForm(forms.ModelForm):  # type: ignore[type-arg]
    """A tax rate."""

    class Meta:
        model = TaxRate
        fields = ("merchant", "country", "category", "name", "bp", "valid_from", "valid_to")

    def clean(self) -> dict[str, Any]:
        """Hold the rate against the rules of the API."""
        sent = super().clean() or self.cleaned_data
        merchant = sent.get("merchant") or getattr(self.instance, "merchant", None)
        names = ("country", "category", "name", "bp", "valid_from", "valid_to")
        if self.errors or merchant is None:
            return sent
        other_than = None if self.instance._state.adding else self.instance.pk
        new = keeping.Tax(**{name: sent.get(name) for name in names})  # type: ignore[arg-type]
        try:
            keeping.check_tax(merchant_id=merchant.pk, new=new, other_than=other_than)
        except errors.Refusal as refusal:
            raise ValidationError(refusal.text) from refusal
        sent["category"] = new.category.strip().lower()
        return sent


@admin.register(TaxRate)
class TaxRateAdmin(ModelAdmin):  # type: ignore[misc]
    """How merchants' sales are taxed. What an order was taxed stays with the order."""

    form = TaxForm
    autocomplete_fields = ("merchant",)
    list_display = ("name", "merchant", "country", "category", "rate", "valid_from", "valid_to")
    list_filter = ("merchant", "country")
    list_select_related = ("merchant",)
    search_fields = ("name", "merchant__name", "=country", "category")
    ordering = ("merchant__name", "country", "category", "-valid_from")

    @admin.display(description="rate", ordering="bp")
    def rate(self, row: TaxRate) -> str:
        return f"{row.bp / 100:g} %"

    def get_readonly_fields(self, request: HttpRequest, obj: TaxRate | None = None) -> tuple[str, ...]:
        """Return what cannot be changed: a rate stays its merchant's."""
        return () if obj is None else ("merchant",)


@admin.register(TaxPolicy)
class TaxPolicyAdmin(ModelAdmin):  # type: ignore[misc]
    """Merchants who have said whether their prices contain tax; those of all others do."""

    fields = ("merchant", "prices_include_tax")
    autocomplete_fields = ("merchant",)
    list_display = ("merchant", "prices_include_tax", "updated_at")
    list_select_related = ("merchant",)
    ordering = ("merchant__name",)

    def get_readonly_fields(self, request: HttpRequest, obj: TaxPolicy | None = None) -> tuple[str, ...]:
        """Return what cannot be changed: a policy stays its merchant's."""
        return () if obj is None else ("merchant",)

    def save_model(self, request: HttpRequest, obj: TaxPolicy, form: Any, change: bool) -> None:
        """Set the policy by the verb."""
        keeping.set_policy(
            merchant_id=obj.merchant_id, prices_include_tax=obj.prices_include_tax, now=timezone.now()
        )
