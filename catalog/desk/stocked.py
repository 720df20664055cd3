"""Stock: what can be promised and where it lies, set, counted up or down, moved, and the log of all that."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from catalog import queries, search
from catalog.models import StockMovement, Variant
from catalog.serializers.places import low, movement, there
from catalog.shelf import movements, places, stock, thresholds
from commerce import deskforms, errors
from commerce.leafing import leaf
from commerce.merchantsite import desk, member_of

MAIN = ""  # In place of a location's code: as long as none is named, all lies in one place.
REASONS = {
    "import": "By a feed",
    "set": "Set",
    "adjust": "Counted",
    "return": "Came back",
    "transfer": "Moved",
    "sent": "Sent",
}


class BadUnits(errors.Invalid):
    """What was written is no number of units."""

    message = "Write a whole number."


@desk.screen("stock/", name="stock", see="catalog:read")
@require_safe
def levels(request: HttpRequest) -> HttpResponse:
    """List what can be promised and where it lies, newest variants first."""
    merchant_id = member_of(request).merchant_id
    asked = request.GET.get("q", "").replace("\0", "").strip()[:255]
    below = _below(request.GET.get("below", ""))
    only_low = request.GET.get("low") == "1"
    rows = queries.levels(merchant_id=merchant_id)
    if asked:
        products = search.matching(
            queries.products(merchant_id=merchant_id), merchant_id=merchant_id, text=asked
        )
        rows = rows.filter(variant__product__in=products.values("pk"))
    if below is not None:
        rows = rows.filter(available__lt=below)
    if only_low:
        rows = thresholds.low(rows, merchant_id=merchant_id)
    found = leaf(request, rows)
    bundles = stock.bundles([row.pk for row in found.rows])
    return desk.render(
        request,
        "catalog_desk/stock.html",
        title="Stock",
        leaf=found,
        rows=[(row, there(row), row.pk in bundles, low(row)) for row in found.rows],
        placed=any(there(row) for row in found.rows),
        q=asked,
        below="" if below is None else below,
        low=only_low,
    )


@desk.screen("stock/<uuid:variant_id>/", name="stock_of", see="catalog:read")
@require_safe
def one(request: HttpRequest, variant_id: UUID) -> HttpResponse:
    """Show what lies where of a variant, what may be done with it, and its log."""
    merchant_id = member_of(request).merchant_id
    row = queries.stock(merchant_id=merchant_id, variant_id=variant_id)
    lying = {each["location"]: each for each in there(row)}
    known = list(queries.locations(merchant_id=merchant_id).order_by("-is_main", "code"))
    log = queries.movement_log(merchant_id=merchant_id).filter(variant_id=variant_id)
    return desk.render(
        request,
        "catalog_desk/stock_of.html",
        title=str(row.variant),
        row=row,
        is_bundle=bool(stock.bundles([variant_id])),
        **low(row),
        places=[
            (place, lying.get(place.code, {}).get("on_hand", 0))
            for place in known
            if place.is_active or lying.get(place.code, {}).get("on_hand")
        ],
        leaf=(found := leaf(request, log)),
        log=_logged(found.rows),
        key=uuid4(),
    )


@desk.screen("stock/<uuid:variant_id>/set/", name="stock_set", see="catalog:read", change="stock:write")
@require_POST
def set_there(request: HttpRequest, variant_id: UUID) -> HttpResponse:
    """Say how many units lie at a location, or can be promised where none is named."""
    place = deskforms.written(request, "location", 50)

    def act(*, merchant_id: UUID, variant_id: UUID) -> object:
        units = _units(request, "units")
        if place == MAIN:
            return stock.set_level(
                merchant_id=merchant_id, variant_id=variant_id, available=units, **_said(request)
            )
        places.set_level(
            merchant_id=merchant_id, variant_id=variant_id, location=place, units=units, **_said(request)
        )
        return None

    return _done(request, variant_id, act, "Set.")


@desk.screen("stock/<uuid:variant_id>/adjust/", name="stock_adjust", see="catalog:read", change="stock:write")
@require_POST
def adjust(request: HttpRequest, variant_id: UUID) -> HttpResponse:
    """Add units or take them away, whatever is sold meanwhile."""
    place = deskforms.written(request, "location", 50)

    def act(*, merchant_id: UUID, variant_id: UUID) -> object:
        delta = _units(request, "delta", signed=True)
        if place == MAIN:
            return stock.adjust(merchant_id=merchant_id, variant_id=variant_id, delta=delta, **_said(request))
        places.adjust(
            merchant_id=merchant_id, variant_id=variant_id, location=place, delta=delta, **_said(request)
        )
        return None

    return _done(request, variant_id, act, "Counted.")


@desk.screen("stock/<uuid:variant_id>/move/", name="stock_move", see="catalog:read", change="stock:write")
@require_POST
def move(request: HttpRequest, variant_id: UUID) -> HttpResponse:
    """Move units from one location to another."""

    def act(*, merchant_id: UUID, variant_id: UUID) -> None:
        units = _units(request, "units")
        if not units:
            raise BadUnits("Write how many units are moved.")
        places.transfer(
            merchant_id=merchant_id,
            origin=deskforms.written(request, "origin", 50),
            target=deskforms.written(request, "target", 50),
            units={variant_id: units},
            **_said(request),
        )

    return _done(request, variant_id, act, "Moved.")


@desk.screen("stock/<uuid:variant_id>/low/", name="stock_low", see="catalog:read", change="stock:write")
@require_POST
def set_low_at(request: HttpRequest, variant_id: UUID) -> HttpResponse:
    """Say from how few units on little is left of a variant; with nothing written it is never told."""

    def act(*, merchant_id: UUID, variant_id: UUID) -> None:
        low_at = _units(request, "low_at") if deskforms.written(request, "low_at", 12) else None
        thresholds.set_threshold(
            merchant_id=merchant_id, variant_id=variant_id, low_at=low_at, now=timezone.now()
        )

    return _done(request, variant_id, act, "Saved.")


@desk.screen("stock/log/", name="stock_log", see="catalog:read")
@require_safe
def log(request: HttpRequest) -> HttpResponse:
    """List all changes of stock other than sales, newest first, for a reason and of an SKU."""
    merchant_id = member_of(request).merchant_id
    reason = request.GET.get("reason", "")
    sku = request.GET.get("sku", "").replace("\0", "").strip()[:255]
    rows = queries.movement_log(merchant_id=merchant_id).select_related("variant__product")
    if reason in REASONS:
        rows = rows.filter(reason=reason)
    if sku:
        known = Variant.objects.filter(merchant_id=merchant_id, sku=sku).values_list("pk", flat=True).first()
        rows = rows.filter(variant_id=known) if known else rows.none()
    found = leaf(request, rows, at="at")
    return desk.render(
        request,
        "catalog_desk/stock_log.html",
        title="Changes of stock",
        leaf=found,
        log=_logged(found.rows),
        reason=reason,
        reasons=REASONS.items(),
        sku=sku,
    )


def _logged(rows: list[StockMovement]) -> list[tuple[StockMovement, str, str, UUID | None]]:
    """Return movements with why and by whom in words, and the import that made them."""
    return [
        (row, REASONS.get(row.reason, row.reason), _by(movement(row)["by"]), _import_of(row)) for row in rows
    ]


def _import_of(row: StockMovement) -> UUID | None:
    if row.reason != StockMovement.Reason.IMPORT:
        return None
    try:
        return UUID(row.note.removeprefix("import "))
    except ValueError:
        return None


def _by(who: dict[str, Any] | None) -> str:
    if who is None:
        return "–"
    named = str(who["name"])
    return {"operator": "Yellowcart", "import": f"feed {named}".strip(), "key": f"key {named}".strip()}.get(
        who["kind"], named
    )


def _below(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and 0 < len(text) <= 9 else None


def _units(request: HttpRequest, name: str, *, signed: bool = False) -> int:
    text = deskforms.written(request, name, 12).replace("−", "-")
    digits = text.removeprefix("-") if text.startswith("-") else text.removeprefix("+")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 10):
        raise BadUnits
    units = int(digits) * (-1 if text.startswith("-") else 1)
    if units < 0 and not signed:
        raise stock.TooMuchStock
    if signed and not units:
        raise BadUnits("Write how many come or go, such as 5 or -2.")
    return units


def _said(request: HttpRequest) -> dict[str, Any]:
    who = str(member_of(request).user)[:150]
    return {
        "note": deskforms.written(request, "note", 200),
        "now": timezone.now(),
        "by": movements.Who(StockMovement.By.MEMBER, who),
    }


def _done(request: HttpRequest, variant_id: UUID, act: Callable[..., object], told: str) -> HttpResponse:
    merchant_id = member_of(request).merchant_id
    queries.variant(merchant_id=merchant_id, variant_id=variant_id)
    to = reverse("desk:stock_of", args=[variant_id])
    return deskforms.done(request, act, told, to, merchant_id=merchant_id, variant_id=variant_id)
