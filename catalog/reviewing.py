"""How products come to be sold: merchants submit, withdraw, retire and bring back, operators review.

Every change of a status is conditional on the old one, and leaves a row of history and an event with it.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction

from catalog import queries, states, taxonomy
from catalog.models import Product, ProductReview
from commerce import errors, outbox
from commerce.models import Merchant

Status = Product.Status
MAX_REASON = 500


class BadMove(errors.Conflict):
    """A product of this status cannot be moved so."""

    code = "PRODUCT_STATE"
    message = "A product of this status cannot be moved so."


class ChangedMeanwhile(errors.Conflict):
    """The merchant has changed the product since the operator read it."""

    code = "PRODUCT_CHANGED"
    message = "The merchant has changed it meanwhile. Read it once more."


class ReasonMissing(errors.Invalid):
    """Nobody said why."""

    code = "REASON_MISSING"
    message = "Say why."


@dataclass(frozen=True, slots=True)
class Actor:
    """Who moves a product; of operators, which user."""

    by: ProductReview.By
    person_id: UUID | None = None


MERCHANT: Final = Actor(ProductReview.By.MERCHANT)


@dataclass(frozen=True, slots=True)
class _Move:
    product_id: UUID
    old: str
    new: str


def submit(*, merchant_id: UUID, product_id: UUID, now: datetime) -> None:
    """Ask for a draft's sale: it waits for an operator, or is approved at once where nobody reviews.

    Again is fine. Raises queries.UnknownProduct, BadMove, taxonomy.MissingAttributes.
    """
    new = _sale(merchant_id)
    sources = {Status.DRAFT, Status.IN_REVIEW} if new == Status.APPROVED else {Status.DRAFT}
    _move(merchant_id, product_id, sources, new, at_home=states.WANTS_SALE, now=now)


def withdraw(*, merchant_id: UUID, product_id: UUID, now: datetime) -> None:
    """Make a draft of what is on sale or waits for it; raises queries.UnknownProduct, BadMove."""
    _move(merchant_id, product_id, states.WANTS_SALE, Status.DRAFT, now=now)


def retire(
    *, merchant_id: UUID, product_id: UUID, reason: str = "", actor: Actor = MERCHANT, now: datetime
) -> None:
    """Take a product off sale; what was sold stays sold. Raises queries.UnknownProduct."""
    sources = frozenset(Status.values) - {Status.RETIRED}
    _move(merchant_id, product_id, sources, Status.RETIRED, reason=reason, actor=actor, now=now)


def restore(*, merchant_id: UUID, product_id: UUID, now: datetime) -> None:
    """Ask for the sale of a retired product anew.

    Raises queries.UnknownProduct, BadMove, taxonomy.MissingAttributes.
    """
    new = _sale(merchant_id)
    _move(merchant_id, product_id, {Status.RETIRED}, new, at_home=states.WANTS_SALE, now=now)


def put_on_sale(*, merchant_id: UUID, product_id: UUID, actor: Actor, now: datetime) -> None:
    """Approve a product whatever it is, as an operator; raises queries.UnknownProduct."""
    sources = frozenset(Status.values) - {Status.APPROVED}
    _move(merchant_id, product_id, sources, Status.APPROVED, actor=actor, now=now)


def approve(
    *, merchant_id: UUID, product_id: UUID, actor: Actor, now: datetime, seen: int | None = None
) -> None:
    """Let what waits be sold, or go on being sold with its changes.

    `seen` is the version that the operator read. Raises queries.UnknownProduct, BadMove, ChangedMeanwhile.
    """
    _decide(merchant_id, product_id, Status.APPROVED, "", actor, now, seen)


def send_back(
    *,
    merchant_id: UUID,
    product_id: UUID,
    reason: str,
    actor: Actor,
    now: datetime,
    seen: int | None = None,
) -> None:
    """Make a draft of what waits, and say why.

    Raises ReasonMissing, queries.UnknownProduct, BadMove, ChangedMeanwhile.
    """
    if not reason.strip():
        raise ReasonMissing
    _decide(merchant_id, product_id, Status.DRAFT, reason.strip(), actor, now, seen)


def write(*, merchant_id: UUID, wanted: Iterable[tuple[Product, str]], now: datetime) -> set[UUID]:
    """Give products, which the caller has locked, the statuses that their merchant writes; all in one go.

    Returns the ids of those that have another one now. Raises taxonomy.MissingAttributes.
    """
    pairs = [(product, status) for product, status in wanted if product.status != status]
    if not pairs:
        return set()
    reviewed = is_reviewed(merchant_id)
    moves = [
        _Move(product.pk, product.status, new)
        for product, status in pairs
        if (new := states.asked(product.status, status, reviewed=reviewed)) != product.status
    ]
    on_sale = {each.product_id for each in moves if each.new in states.WANTS_SALE}
    for product, _ in pairs:
        if product.pk in on_sale and product.category_id is not None:
            taxonomy.check_ready(product)
    for old, new in {(each.old, each.new) for each in moves}:
        ids = [each.product_id for each in moves if (each.old, each.new) == (old, new)]
        Product.objects.filter(pk__in=ids, merchant_id=merchant_id, status=old).update(**_as(new, now))
    fresh = {each.product_id: each.new for each in moves}
    for product, _ in pairs:
        product.status = fresh.get(product.pk, product.status)
    _tell(merchant_id, moves, MERCHANT, "", now)
    return fresh.keys() | set()


def begun(*, merchant_id: UUID, products: Collection[Product], now: datetime) -> None:
    """Write down which new products were submitted as they were made."""
    moves = [_Move(one.pk, Status.DRAFT, one.status) for one in products if one.status == Status.IN_REVIEW]
    _tell(merchant_id, moves, MERCHANT, "", now)


def changed(*, merchant_id: UUID, product_ids: Collection[UUID], now: datetime, than: int = 0) -> None:
    """Have an operator look at what changed on sale, where somebody reviews; it stays on sale.

    Of these products those count whose version is greater `than` it was.
    """
    if product_ids:
        Product.objects.filter(
            pk__in=product_ids,
            merchant_id=merchant_id,
            merchant__goods_reviewed=True,
            status=Status.APPROVED,
            waits_since=None,
            version__gt=than,
        ).update(waits_since=now)


def is_reviewed(merchant_id: UUID) -> bool:
    """Say whether operators look at a merchant's goods before they are sold."""
    return Merchant.objects.filter(pk=merchant_id, goods_reviewed=True).exists()


def _sale(merchant_id: UUID) -> Status:
    return Status.IN_REVIEW if is_reviewed(merchant_id) else Status.APPROVED


def _as(new: str, now: datetime) -> dict[str, object]:
    return {"status": new, "waits_since": now if new == Status.IN_REVIEW else None}


def _move(
    merchant_id: UUID,
    product_id: UUID,
    sources: Collection[str],
    new: str,
    *,
    now: datetime,
    reason: str = "",
    actor: Actor = MERCHANT,
    at_home: Collection[str] = (),
) -> None:
    """Move a product; nothing is to be done where it is `new` or `at_home` already."""
    with transaction.atomic():
        # Locked: what its category asks for it still says when it is put on sale.
        mine = Product.objects.select_for_update(no_key=True).filter(merchant_id=merchant_id, pk=product_id)
        product = mine.first()
        if product is None:
            raise queries.UnknownProduct
        old = product.status
        if old not in sources or not states.may_move(old, new):
            if old == new or old in at_home:
                return
            raise BadMove(status=old)
        if new in states.WANTS_SALE and actor.by == ProductReview.By.MERCHANT:
            taxonomy.check_ready(product)
        mine.filter(status=old).update(**_as(new, now))
        _tell(merchant_id, [_Move(product_id, old, new)], actor, reason, now)


def _decide(
    merchant_id: UUID,
    product_id: UUID,
    new: str,
    reason: str,
    actor: Actor,
    now: datetime,
    seen: int | None,
) -> None:
    mine = Product.objects.filter(merchant_id=merchant_id, pk=product_id)
    with transaction.atomic():
        while True:
            row = mine.values_list("status", "waits_since", "version").first()
            if row is None:
                raise queries.UnknownProduct
            old, waits_since, version = row
            if waits_since is None:
                raise BadMove("It does not wait for a review any more.", status=old)
            if seen is not None and seen != version:
                raise ChangedMeanwhile
            if mine.filter(status=old, waits_since=waits_since, version=version).update(**_as(new, now)):
                break
        _tell(merchant_id, [_Move(product_id, old, new)], actor, reason, now)


def _tell(merchant_id: UUID, moves: Sequence[_Move], actor: Actor, reason: str, now: datetime) -> None:
    if not moves:
        return
    rows = ProductReview.objects.bulk_create(
        ProductReview(
            merchant_id=merchant_id,
            product_id=each.product_id,
            old=each.old,
            new=each.new,
            by=actor.by,
            person_id=actor.person_id,
            reason=reason[:MAX_REASON],
            at=now,
        )
        for each in moves
    )
    outbox.record(name="product.moved", payload={"reviews": [row.pk for row in rows]})
