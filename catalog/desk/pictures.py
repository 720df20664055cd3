"""Pictures of a product: uploaded or named by address, in order, and why some could not be had."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminTextInputWidget

from catalog import bodies, uploads
from catalog.feeds import cells
from catalog.limits import MAX_IMAGES
from catalog.media import images, rendering
from catalog.models import Product, ProductImage
from commerce import deskforms, errors
from commerce.leafing import leaf
from commerce.merchantsite import Waiting, desk, member_of

State = ProductImage.State
STATES = {"waiting": ("Being fetched", "scheduled"), "ready": ("There", "good"), "failed": ("Failed", "bad")}


class PictureForm(forms.Form):
    """A picture: a file, or where it is."""

    file = forms.FileField(
        label="Picture",
        required=False,
        widget=UnfoldAdminFileFieldWidget(
            attrs={"accept": "image/jpeg,image/png,image/webp,image/gif,image/avif"}
        ),
        help_text=f"JPEG, PNG, WebP, GIF or AVIF, at most {rendering.MOST_BYTES // 1_000_000} MB.",
        error_messages={"empty": "The file is empty."},
    )
    url = forms.CharField(
        label="Or its address",
        required=False,
        max_length=1_000,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "https://shop.example.com/mug.jpg"}),
        help_text="It is fetched once, and kept by us.",
    )
    alt = forms.CharField(
        label="What is seen on it",
        required=False,
        max_length=500,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "Blue mug from the side"}),
        help_text="Read out to who cannot see it.",
    )

    def clean_url(self) -> str:
        """Refuse what is no address of a picture."""
        try:
            return cells.address(self.cleaned_data["url"]) if self.cleaned_data["url"] else ""
        except cells.Unreadable as error:
            raise forms.ValidationError(str(error)) from None

    def clean(self) -> dict[str, Any]:
        """Refuse neither and both."""
        given = super().clean() or {}
        if not self.errors and bool(given["file"]) == bool(given["url"]):
            self.add_error("file", "Choose a file, or write an address.")
        return given


@desk.screen(
    "products/<uuid:product_id>/pictures/", name="pictures", see="catalog:read", change="catalog:write"
)
def of_product(request: HttpRequest, product_id: UUID) -> HttpResponse:
    """Show a product's pictures in their order; add one."""
    merchant_id = member_of(request).merchant_id
    images.check_product(merchant_id=merchant_id, product_id=product_id)
    product = Product.objects.get(merchant_id=merchant_id, pk=product_id)
    posted = request.method == "POST"
    form = PictureForm(request.POST, request.FILES) if posted else PictureForm()
    if posted and form.is_valid():
        try:
            is_new = _take(form, merchant_id, product_id)
        except errors.NotFound:
            raise
        except errors.Refusal as refusal:
            form.add_error("file" if form.cleaned_data["file"] else "url", refusal.text)
        else:
            messages.success(request, "It is looked at now." if is_new else "The product has this picture.")
            return HttpResponseRedirect(reverse("desk:pictures", args=[product_id]))
    rows = list(
        images.of_merchant(merchant_id=merchant_id).filter(product=product_id).order_by("position", "id")
    )
    return desk.render(
        request,
        "catalog_desk/pictures.html",
        title=f"Pictures of {product.title}",
        status=400 if form.errors else 200,
        product=product,
        form=form,
        rows=[(bodies.listed_image(row), row, STATES[row.state]) for row in rows],
        waits=any(row.state == State.WAITING and not row.code for row in rows),
        most=MAX_IMAGES,
        key=uuid4(),
    )


@desk.screen(
    "products/<uuid:product_id>/pictures/<uuid:image_id>/",
    name="picture",
    see="catalog:read",
    change="catalog:write",
)
@require_POST
def act(request: HttpRequest, product_id: UUID, image_id: UUID) -> HttpResponse:
    """Move a picture, describe it, try it again, or take it away."""
    run = ACTS.get(request.POST.get("verb", ""))
    if run is None:
        raise errors.NotFound
    of = {"merchant_id": member_of(request).merchant_id, "product_id": product_id, "image_id": image_id}
    images.one(**of)
    to = reverse("desk:pictures", args=[product_id])
    verb, told = run
    return deskforms.done(request, lambda **named: verb(request, **named), told, to, **of)


@desk.screen("pictures/", name="failed_pictures", see="catalog:read")
@require_safe
def failed(request: HttpRequest) -> HttpResponse:
    """List pictures that could not be had, newest first."""
    rows = images.of_merchant(merchant_id=member_of(request).merchant_id).filter(state=State.FAILED)
    found = leaf(request, rows.select_related("product"))
    return desk.render(
        request,
        "catalog_desk/failed_pictures.html",
        title="Pictures that failed",
        leaf=found,
        rows=found.rows,
    )


def failing(merchant_id: UUID) -> Waiting | None:
    """Return how many pictures could not be had."""
    count = images.of_merchant(merchant_id=merchant_id).filter(state=State.FAILED).count()
    text = "picture could not be had" if count == 1 else "pictures could not be had"
    return Waiting(count, text, reverse("desk:failed_pictures"))


def _take(form: PictureForm, merchant_id: UUID, product_id: UUID) -> bool:
    given = form.cleaned_data
    of: dict[str, Any] = {"merchant_id": merchant_id, "product_id": product_id, "now": timezone.now()}
    if given["url"]:
        return images.add(image=images.Image(given["url"], given["alt"]), **of)[1]
    file = uploads.limited(given["file"], rendering.MOST_BYTES)
    return images.upload(file=file, alt=given["alt"], position=None, **of)[1]


def _place(request: HttpRequest, **of: UUID) -> object:
    text = deskforms.written(request, "position", 4)
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 1_000):
        raise errors.Invalid("Write its place, from 1.")
    return images.change(alt=None, position=int(text), now=timezone.now(), **of)


def _describe(request: HttpRequest, **of: UUID) -> object:
    alt = deskforms.written(request, "alt", 500)
    return images.change(alt=alt, position=None, now=timezone.now(), **of)


def _retry(request: HttpRequest, **of: UUID) -> object:
    return images.retry(now=timezone.now(), **of)


def _remove(request: HttpRequest, **of: UUID) -> None:
    images.remove(now=timezone.now(), **of)


ACTS: dict[str, tuple[Callable[..., object], str]] = {
    "place": (_place, "Moved."),
    "describe": (_describe, "Described."),
    "retry": (_retry, "It is tried again."),
    "remove": (_remove, "Removed."),
}
