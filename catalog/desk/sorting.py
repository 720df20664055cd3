"""What a product is sorted by: category with what it asks for, brand, type, tags; the lists of these."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from catalog import names, products, queries, taxonomy
from catalog.limits import MAX_TAGS, MAX_TEXT
from catalog.models import Category, CategoryAttribute, Product
from commerce import errors
from commerce.merchantsite import desk, member_of

MOST_NAMES = 200
Kind = CategoryAttribute.Kind


class SortingForm(forms.Form):
    """Brand, type, tags and category, and a field for each thing that the category asks for."""

    category = forms.CharField(
        max_length=40,
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"list": "categories", "autocomplete": "off"}),
        help_text="Its code. Save it to see what the category asks for.",
    )
    vendor = forms.CharField(
        label="Brand", max_length=255, required=False, widget=UnfoldAdminTextInputWidget()
    )
    product_type = forms.CharField(
        label="Type",
        max_length=255,
        required=False,
        widget=UnfoldAdminTextInputWidget(),
        help_text="Your own word for what it is.",
    )
    tags = forms.CharField(
        required=False,
        max_length=20_000,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "summer, new"}),
        help_text="With commas between them.",
    )
    more = forms.CharField(
        label="Other attributes",
        required=False,
        max_length=20_000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3, "placeholder": "washable: yes"}),
        help_text="One a line, such as material: linen.",
    )

    def __init__(
        self,
        written: QueryDict | None,
        *,
        known: taxonomy.Definitions,
        said: dict[str, Any],
        had: list[str],
        initial: dict[str, Any],
    ) -> None:
        super().__init__(written, initial={**initial, "tags": ", ".join(had)})
        self.known, self.had = known, had
        self.kept = {code: value for code, value in said.items() if code not in known and _has_lines(value)}
        self.asked = [f"attr-{code}" for code in known]
        for code, one in known.items():
            self.fields[f"attr-{code}"] = field = _field(one, lines=_has_lines(said.get(code)))
            field.initial = _text(said.get(code))
        if self.kept:
            told = f"These have several lines, and stay as they are: {', '.join(self.kept)}."
            self.fields["more"].help_text = f"{self.fields['more'].help_text} {told}"

    def clean_tags(self) -> list[str]:
        """Return the tags, each once; those it has where nobody wrote others, as they may have commas."""
        if self.cleaned_data["tags"] == self.initial["tags"].strip():
            return self.had
        tags = list(dict.fromkeys(each.strip() for each in self.cleaned_data["tags"].split(",")))
        tags = [each for each in tags if each]
        if len(tags) > MAX_TAGS or any(len(each) > MAX_TEXT for each in tags):
            raise forms.ValidationError(f"At most {MAX_TAGS} tags of {MAX_TEXT} characters.")
        return tags

    def clean_more(self) -> dict[str, str]:
        """Return what stands in the lines."""
        found: dict[str, str] = {}
        for line in self.cleaned_data["more"].splitlines():
            code, colon, value = (part.strip() for part in line.partition(":"))
            if not (code or colon):
                continue
            if not value or code in found or code in self.known:
                raise forms.ValidationError(
                    f"Write each as name: value, and once. This is not so: {line[:80]}"
                )
            found[code] = value
        return found

    def changes(self) -> dict[str, Any]:
        """Return what was written as the verb takes it."""
        given = self.cleaned_data
        asked = {code: _value(one, given.get(f"attr-{code}", "")) for code, one in self.known.items()}
        return {
            "category": given["category"] or None,
            "vendor": given["vendor"],
            "product_type": given["product_type"],
            "tags": given["tags"],
            "attributes": {
                **self.kept,
                **given["more"],
                **{code: value for code, value in asked.items() if value is not None},
            },
        }


@desk.screen(
    "products/<uuid:product_id>/sorting/", name="sorting", see="catalog:read", change="catalog:write"
)
def sorting(request: HttpRequest, product_id: UUID) -> HttpResponse:
    """Show and change what a product is sorted by."""
    merchant_id = member_of(request).merchant_id
    row = Product.objects.filter(merchant_id=merchant_id, pk=product_id).select_related("category").first()
    if row is None:
        raise queries.UnknownProduct
    known = taxonomy.definitions([row.category])[row.category.pk] if row.category else {}
    form = SortingForm(
        request.POST if request.method == "POST" else None,
        known=known,
        said=row.attributes,
        had=row.tags,
        initial={
            "category": row.category.code if row.category else "",
            "vendor": row.vendor,
            "product_type": row.product_type,
            "more": "\n".join(
                f"{code}: {_text(value)}"
                for code, value in row.attributes.items()
                if code not in known and not _has_lines(value)
            ),
        },
    )
    if request.method == "POST" and form.is_valid():
        changes = form.changes()
        # Values stay what they were where nobody wrote anything else: a number stays a number.
        changes["attributes"] = {
            code: row.attributes[code] if _words(row.attributes.get(code)) == _words(value) else value
            for code, value in changes["attributes"].items()
        }
        try:
            products.change(
                merchant_id=merchant_id, product_id=product_id, changes=changes, now=timezone.now()
            )
        except errors.NotFound:
            raise
        except taxonomy.BadAttributes as refusal:
            for code, text in (refusal.data.get("attributes") or {"": refusal.text}).items():
                name = f"attr-{code}" if code in known else "more"
                form.add_error(name, text if code in known or not code else f"{code}: {text}")
        except errors.Refusal as refusal:
            form.add_error("category", refusal.text)
        else:
            messages.success(request, "Saved.")
            return HttpResponseRedirect(reverse("desk:sorting", args=[product_id]))
    return desk.render(
        request,
        "catalog_desk/sorting.html",
        title=row.title,
        status=400 if form.errors else 200,
        product=row,
        form=form,
        asked=[form[name] for name in form.asked],
        missing=[known[code].name for code in taxonomy.missing(row.attributes, known)],
        categories=Category.objects.order_by("path").values_list("code", "path")[:1_000],
    )


@desk.screen("categories/", name="categories", see="catalog:read")
@require_safe
def categories(request: HttpRequest) -> HttpResponse:
    """List the shop's categories with what each asks of products, and the merchant's brands and tags."""
    merchant_id = member_of(request).merchant_id
    top = request.GET.get("below", "").replace("\0", "")
    rows = list((taxonomy.below(top) if top else taxonomy.categories()).order_by("path")[: MOST_NAMES + 1])
    known = taxonomy.definitions(rows[:MOST_NAMES])
    brands, tags = (
        names.page(kind, merchant_id=merchant_id, after="", text="", most=MOST_NAMES)
        for kind in (names.BRANDS, names.TAGS)
    )
    return desk.render(
        request,
        "catalog_desk/categories.html",
        title="Categories, brands, tags",
        rows=[(row, row.path.count("/"), list(known[row.pk].values())) for row in rows[:MOST_NAMES]],
        more=len(rows) > MOST_NAMES,
        top=top,
        most=MOST_NAMES,
        lists=[
            ("Your brands", brands, "No product names its brand yet."),
            ("Your tags", tags, "No product has a tag yet."),
        ],
    )


def _field(one: CategoryAttribute, *, lines: bool) -> forms.Field:
    label = f"{one.name}, in {one.unit}" if one.unit else one.name
    if one.kind in (Kind.CHOICE, Kind.BOOLEAN):
        said = ["yes", "no"] if one.kind == Kind.BOOLEAN else one.choices
        return forms.ChoiceField(
            label=label,
            required=False,
            choices=[("", "–"), *((each, each) for each in said)],
            widget=UnfoldAdminSelectWidget,
            help_text="Needed for the sale." if one.required else "",
        )
    attrs = {"inputmode": "decimal"} if one.kind == Kind.NUMBER else {}
    # A browser takes ends of lines out of the one widget, and sends two letters for each from the other.
    widget = UnfoldAdminTextareaWidget(attrs={"rows": 3}) if lines else UnfoldAdminTextInputWidget(attrs)
    return forms.CharField(
        label=label,
        required=False,
        max_length=taxonomy.MAX_VALUE * (2 if lines else 1),
        widget=widget,
        help_text="Needed for the sale." if one.required else "",
    )


def _has_lines(value: Any) -> bool:
    return len(_text(value).splitlines()) > 1


def _words(value: Any) -> str:
    """Return a value without what a form changes about it: the ends of lines, and blanks around it."""
    return "\n".join(_text(value).splitlines()).strip()


def _text(value: Any) -> str:
    if value is None:
        return ""
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _value(one: CategoryAttribute, text: str) -> Any:
    """Return what was written as the attribute's kind has it; what cannot be read stays a text."""
    if not text:
        return None
    text = text.replace("\r\n", "\n")
    if one.kind == Kind.BOOLEAN:
        return {"yes": True, "no": False}.get(text, text)
    if one.kind == Kind.NUMBER:
        try:
            number = float(text.replace(",", "."))
        except ValueError:
            return text
        return int(number) if number.is_integer() and abs(number) < 1e15 else number
    return text
