"""Goods: found by words and state, and one with its variants: words, state, stock and prices changed."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from catalog import bodies, products, queries, reviewing, search
from catalog.desk import words
from catalog.models import Product, ProductReview, StockMovement
from catalog.pricing import prices
from catalog.shelf import movements, stock
from commerce import errors, money
from commerce.leafing import leaf
from commerce.merchantsite import Waiting, desk, member_of

REVIEWS = 20
# Press -> what it does, and from which states it is offered.
MOVES: dict[str, tuple[str, Callable[..., None], tuple[str, ...]]] = {
    "submit": ("Put on sale", reviewing.submit, ("draft",)),
    "withdraw": ("Take off sale, as a draft", reviewing.withdraw, ("in_review", "approved")),
    "restore": ("Bring back", reviewing.restore, ("retired",)),
    "retire": ("Retire", reviewing.retire, ("draft", "in_review", "approved")),
}


# Where operators look at goods before they are sold.
REVIEWED = {"submit": "Hand in for review", "restore": "Hand in again"}


class ProductForm(forms.Form):
    """What a product is called and how it is described."""

    title = forms.CharField(max_length=products.MAX_TITLE, widget=UnfoldAdminTextInputWidget())
    description = forms.CharField(
        max_length=100_000, required=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": 6})
    )

    def clean_description(self) -> str:
        """Return the text with its own ends of lines: a form sends others."""
        return str(self.cleaned_data["description"]).replace("\r\n", "\n")


@desk.screen("products/", name="products", see="catalog:read")
@require_safe
def goods(request: HttpRequest) -> HttpResponse:
    """List products, newest first, of a state and with certain words."""
    merchant_id = member_of(request).merchant_id
    asked, state = request.GET.get("q", "").replace("\0", "").strip()[:255], request.GET.get("status", "")
    rows = queries.products(merchant_id=merchant_id)
    if state in Product.Status.values:
        rows = rows.filter(status=state)
    if asked:
        rows = search.matching(rows, merchant_id=merchant_id, text=asked)
    found = leaf(request, rows)
    return desk.render(
        request,
        "catalog_desk/products.html",
        title="Products",
        leaf=found,
        rows=[(body, words.standing(body)) for body in map(_counted, map(bodies.product, found.rows))],
        q=asked,
        state=state,
        states=[(name, words.status(name)[0]) for name in Product.Status.values],
    )


@desk.screen("products/<uuid:product_id>/", name="product", see="catalog:read", change="catalog:write")
def product(request: HttpRequest, product_id: UUID) -> HttpResponse:
    """Show a product with its variants; change its title and description."""
    merchant_id = member_of(request).merchant_id
    row = queries.product(merchant_id=merchant_id, product_id=product_id)
    said = {"title": row.title, "description": row.description}
    form = ProductForm(request.POST if request.method == "POST" else None, initial=said)
    if request.method == "POST" and form.is_valid():
        products.change(
            merchant_id=merchant_id, product_id=row.pk, changes=form.cleaned_data, now=timezone.now()
        )
        messages.success(request, "Saved.")
        return HttpResponseRedirect(reverse("desk:product", args=[row.pk]))
    body = bodies.product(row)
    ids = [each["id"] for each in body["variants"]]
    bundles, coming_back = stock.bundles(ids), prices.coming_back(ids)
    reviewed = reviewing.is_reviewed(merchant_id)
    latest = list(
        ProductReview.objects.filter(product=row).select_related("person").order_by("-id")[:REVIEWS]
    )
    return desk.render(
        request,
        "catalog_desk/product.html",
        title=row.title,
        status=400 if form.errors else 200,
        product=body,
        form=form,
        status_words=words.standing(body),
        variants=[
            (each, _field(each["price"], coming_back.get(each["id"])), each["id"] in bundles)
            for each in body["variants"]
        ],
        moves=[
            (name, REVIEWED.get(name, text) if reviewed else text)
            for name, (text, _, of) in MOVES.items()
            if row.status in of
        ],
        looked_at=reviewed and row.waits_since is not None,
        sent_back=latest[0] if latest and _is_sent_back(latest[0]) else None,
        reviews=latest,
    )


@desk.screen(
    "products/<uuid:product_id>/move/", name="product_move", see="catalog:read", change="catalog:write"
)
@require_POST
def move(request: HttpRequest, product_id: UUID) -> HttpResponse:
    """Put a product on sale, take it off, retire it or bring it back."""
    merchant_id = member_of(request).merchant_id
    queries.product(merchant_id=merchant_id, product_id=product_id)
    asked = MOVES.get(request.POST.get("move", ""))
    if asked is None:
        messages.error(request, "There is no such move.")
    else:
        try:
            asked[1](merchant_id=merchant_id, product_id=product_id, now=timezone.now())
        except errors.Conflict as refusal:
            messages.error(request, refusal.text)
        else:
            now_is = Product.objects.values_list("status", flat=True).get(pk=product_id)
            messages.success(request, f"It is now: {words.status(now_is)[0]}.")
    return HttpResponseRedirect(reverse("desk:product", args=[product_id]))


@desk.screen(
    "variants/<uuid:variant_id>/stock/", name="variant_stock", see="catalog:read", change="stock:write"
)
@require_POST
def set_stock(request: HttpRequest, variant_id: UUID) -> HttpResponse:
    """Say how many units of a variant can be promised."""
    member = member_of(request)
    row = queries.variant(merchant_id=member.merchant_id, variant_id=variant_id)
    given = request.POST.get("available", "").strip()
    try:
        if not (given.isascii() and given.isdigit() and len(given) <= 10):
            raise stock.TooMuchStock
        stock.set_level(
            merchant_id=member.merchant_id,
            variant_id=variant_id,
            available=int(given),
            note="merchant admin",
            now=timezone.now(),
            by=movements.Who(StockMovement.By.MEMBER, str(member.user)[:150]),
        )
    except (errors.Invalid, errors.Conflict) as refusal:
        messages.error(request, f"{row.title or row.sku or 'Stock'}: {refusal.text}")
    else:
        messages.success(request, f"{given} of {row.title or row.product.title} can be promised.")
    return HttpResponseRedirect(reverse("desk:product", args=[row.product_id]))


@desk.screen(
    "variants/<uuid:variant_id>/price/", name="variant_price", see="catalog:read", change="catalog:write"
)
@require_POST
def set_price(request: HttpRequest, variant_id: UUID) -> HttpResponse:
    """Give a variant another price; its comparison price stays where it is still above it."""
    merchant = member_of(request).merchant
    row = queries.variant(merchant_id=merchant.pk, variant_id=variant_id)
    known = prices.settled([variant_id]).get(variant_id)
    currency = known.currency if known else merchant.currency
    try:
        given = _read(request.POST.get("price", ""), currency)
        runs = prices.change_amount(
            merchant_id=merchant.pk,
            variant_id=variant_id,
            amount=given.amount,
            currency=currency,
            now=timezone.now(),
        )
    except (errors.Invalid, errors.Conflict) as refusal:
        messages.error(request, f"{row.title or row.sku or 'Price'}: {refusal.text}")
    else:
        when = f"when the announced {money.Money(runs.amount, runs.currency)} ends" if runs else "now"
        messages.success(request, f"{row.title or row.product.title} costs {given} {when}.")
    return HttpResponseRedirect(reverse("desk:product", args=[row.product_id]))


def sent_back(merchant_id: UUID) -> Waiting | None:
    """Return how many of the merchant's drafts an operator has sent back, and nobody has touched since."""
    later = ProductReview.objects.filter(product=OuterRef("product"), pk__gt=OuterRef("pk"))
    rows = ProductReview.objects.filter(
        ~Exists(later),
        merchant_id=merchant_id,
        by=ProductReview.By.OPERATOR,
        new=Product.Status.DRAFT,
        product__status=Product.Status.DRAFT,
    )
    count = rows.count()
    text = "product was sent back to you" if count == 1 else "products were sent back to you"
    return Waiting(count, text, f"{reverse('desk:products')}?status=draft", is_bad=True)


def _counted(body: bodies.Body) -> bodies.Body:
    return {**body, "units": sum(each["available"] for each in body["variants"])}


def _is_sent_back(review: ProductReview) -> bool:
    return review.by == ProductReview.By.OPERATOR and review.new == Product.Status.DRAFT


def _read(text: str, currency: str) -> money.Money:
    try:
        return money.written(text, currency)
    except ValueError:
        raise prices.BadPrice("Write the price as in 19.90.") from None


def _field(price: dict[str, Any] | None, back: prices.Quote | None) -> dict[str, Any]:
    """Return what the field of a price shows, such as "19.90": what is set there comes back after a sale."""
    known = back or (prices.Quote(price["amount"], None, price["currency"]) if price else None)
    if known is None:
        return {"text": "", "waits": False}
    digits = money.exponent_of(known.currency)
    return {
        "text": f"{known.amount / 10**digits:.{digits}f}",
        "currency": known.currency,
        "waits": back is not None,
    }
