"""Pictures of products as merchants name and order them: by address, or uploaded."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from catalog import content, queries, reviewing
from catalog.limits import MAX_IMAGES
from catalog.media import shelved
from catalog.models import Product, ProductImage
from commerce import errors

State = ProductImage.State


class UnknownImage(errors.NotFound):
    """The product has no such picture."""

    message = "There is no such picture."


class TooManyImages(errors.Conflict):
    """The product has as many pictures as it may have."""

    code = "TOO_MANY_IMAGES"
    message = f"A product has at most {MAX_IMAGES} pictures. Remove one first."


class ImageReady(errors.Conflict):
    """The picture is there already."""

    code = "IMAGE_READY"
    message = "This picture is there. Nothing is to be tried again."


class ImageGone(errors.Conflict):
    """What was uploaded was not taken, and is not kept."""

    code = "IMAGE_NOT_KEPT"
    message = "What was uploaded could not be taken, and is not kept. Upload another picture."


@dataclass(frozen=True, slots=True)
class Image:
    """A picture by address."""

    url: str
    alt: str = ""


def of_merchant(*, merchant_id: UUID) -> QuerySet[ProductImage]:
    """Return a merchant's pictures."""
    return ProductImage.objects.filter(merchant_id=merchant_id).select_related("picture")


def one(*, merchant_id: UUID, product_id: UUID, image_id: UUID) -> ProductImage:
    """Return a picture of a product; raises UnknownImage."""
    found = of_merchant(merchant_id=merchant_id).filter(product_id=product_id, pk=image_id).first()
    if found is None:
        raise UnknownImage
    return found


def check_product(*, merchant_id: UUID, product_id: UUID) -> None:
    """Refuse another merchant's product before its picture is read; raises queries.UnknownProduct."""
    if not Product.objects.filter(merchant_id=merchant_id, pk=product_id).exists():
        raise queries.UnknownProduct


def replace(product: Product, images: Iterable[Image]) -> None:
    """Let a product have these pictures in this order, and no others.

    One that it had stays the same one, with what we have of it. Needs the product's lock.
    Raises IntegrityError for one that is named twice.
    """
    had = {image.url: image for image in product.images.all()}
    named = list(images)
    product.images.exclude(url__in=[image.url for image in named]).delete()
    new, kept = [], []
    for position, image in enumerate(named, start=1):
        row = had.pop(image.url, None)
        if row is None:
            new.append(
                ProductImage(
                    merchant_id=product.merchant_id,
                    product=product,
                    url=image.url,
                    alt=image.alt,
                    position=position,
                )
            )
        elif (row.alt, row.position) != (image.alt, position):
            row.alt, row.position = image.alt, position
            kept.append(row)
    ProductImage.objects.bulk_update(kept, ["alt", "position"], batch_size=250)
    ProductImage.objects.bulk_create(new)


def add(*, merchant_id: UUID, product_id: UUID, image: Image, now: datetime) -> tuple[ProductImage, bool]:
    """Name one more picture by its address, the last one; returns it and whether it is new.

    Raises queries.UnknownProduct, TooManyImages.
    """
    with transaction.atomic():
        product = _locked(merchant_id, product_id)
        known = product.images.select_related("picture").filter(url=image.url).first()
        if known is not None:
            return known, False
        if product.images.count() >= MAX_IMAGES:
            raise TooManyImages
        made = ProductImage.objects.create(
            merchant_id=merchant_id,
            product=product,
            url=image.url,
            alt=image.alt,
            position=_last(product) + 1,
        )
        _changed(product, now)
    return one(merchant_id=merchant_id, product_id=product_id, image_id=made.pk), True


def upload(
    *,
    merchant_id: UUID,
    product_id: UUID,
    file: BinaryIO,
    alt: str,
    position: int | None,
    now: datetime,
) -> tuple[ProductImage, bool]:
    """Keep a picture, a seekable file, to be looked at by a worker; returns it and whether it is new.

    The same bytes again are the picture that the product has. `position` counts from 1; None is the end.
    Raises queries.UnknownProduct, TooManyImages.
    """
    sha256, _ = content.fingerprint(file)
    url = shelved.address(shelved.name(merchant_id, sha256))
    with transaction.atomic():
        product = _locked(merchant_id, product_id)
        row = product.images.select_related("picture").filter(url=url).first()
        if row is not None and row.state != State.FAILED:
            return row, False
        if row is not None:
            row.delete()
        if product.images.count() >= MAX_IMAGES:
            raise TooManyImages
        made = ProductImage.objects.create(
            merchant_id=merchant_id,
            product=product,
            url=url,
            alt=alt,
            uploaded=True,
            position=_last(product) + 1,
        )
        content.keep(made, file)
        if position is not None:
            _move(product, made, position)
        _changed(product, now)
    return one(merchant_id=merchant_id, product_id=product_id, image_id=made.pk), True


def change(
    *,
    merchant_id: UUID,
    product_id: UUID,
    image_id: UUID,
    alt: str | None,
    position: int | None,
    now: datetime,
) -> ProductImage:
    """Describe a picture anew or move it, the others making room; raises UnknownImage."""
    with transaction.atomic():
        product = _locked(merchant_id, product_id, UnknownImage)
        row = one(merchant_id=merchant_id, product_id=product_id, image_id=image_id)
        differs = alt is not None and alt != row.alt
        if differs:
            ProductImage.objects.filter(pk=row.pk).update(alt=alt)
        if position is not None:
            differs = _move(product, row, position) or differs
        if differs:
            _changed(product, now)
    return one(merchant_id=merchant_id, product_id=product_id, image_id=image_id)


def remove(*, merchant_id: UUID, product_id: UUID, image_id: UUID, now: datetime) -> None:
    """Take a picture away from a product; raises UnknownImage."""
    with transaction.atomic():
        product = _locked(merchant_id, product_id, UnknownImage)
        one(merchant_id=merchant_id, product_id=product_id, image_id=image_id).delete()
        _changed(product, now)


def retry(*, merchant_id: UUID, product_id: UUID, image_id: UUID, now: datetime) -> ProductImage:
    """Have a picture that failed, or waits as the last try did, fetched again now, as if for the first time.

    Raises UnknownImage, ImageReady, ImageGone.
    """
    with transaction.atomic():
        rows = ProductImage.objects.select_for_update(no_key=True)
        row = rows.filter(merchant_id=merchant_id, product_id=product_id, pk=image_id).first()
        if row is None:
            raise UnknownImage
        if row.state == State.READY:
            raise ImageReady
        if row.state == State.FAILED and row.uploaded:
            raise ImageGone
        if row.code:
            # Whoever is at it sees that it is not the same try any more.
            ProductImage.objects.filter(pk=row.pk).update(
                state=State.WAITING, tries=0, code="", reason="", due_at=now
            )
    return one(merchant_id=merchant_id, product_id=product_id, image_id=image_id)


def _locked(
    merchant_id: UUID, product_id: UUID, missing: type[errors.Refusal] = queries.UnknownProduct
) -> Product:
    rows = Product.objects.select_for_update(no_key=True)
    product = rows.filter(merchant_id=merchant_id, pk=product_id).first()
    if product is None:
        raise missing
    return product


def _changed(product: Product, now: datetime) -> None:
    """Have an operator look at what is on sale and looks otherwise, where somebody reviews."""
    reviewing.changed(merchant_id=product.merchant_id, product_ids=[product.pk], now=now)


def _last(product: Product) -> int:
    return max(product.images.values_list("position", flat=True), default=0)


def _move(product: Product, moved: ProductImage, position: int) -> bool:
    rows = [row for row in product.images.order_by("position", "id") if row.pk != moved.pk]
    rows.insert(position - 1, moved)
    changed = []
    for at, row in enumerate(rows, start=1):
        if row.position != at:
            row.position = at
            changed.append(row)
    ProductImage.objects.bulk_update(changed, ["position"], batch_size=250)
    return bool(changed)
