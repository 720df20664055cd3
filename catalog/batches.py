"""Rows by the merchant's own ids, many at a time: each is taken for itself, and told what became of it.

Rows are locked in the order of their ids, and batches of products of one merchant go one after the other, as
two of them could each make what the other is about to.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

import structlog
from django.db import DataError, IntegrityError, OperationalError, connection, transaction

from catalog import claims, conflicts
from catalog.feeds import intake
from catalog.feeds.drafts import Piece, Problem, ProductDraft
from catalog.feeds.formats import rows
from catalog.models import Product, Variant
from catalog.pricing import floors, prices, schedules
from catalog.shelf import locations, movements, places, stock
from commerce import errors

log = structlog.get_logger(__name__)

TRIES = 3

Written = TypeVar("Written")
Spot = tuple[UUID, str]
"""A variant, and the code of the location that its row names, if any."""
_OF_LOCATION = (locations.UnknownLocation, locations.LocationClosed)


class Became(StrEnum):
    """What became of a row."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(slots=True)
class Result:
    """What became of one row, by the merchant's own id of it, and what of it was not taken and why."""

    key: str
    became: Became
    id: UUID | None = None
    problems: list[Problem] = field(default_factory=list)


def put_products(
    *,
    merchant_id: UUID,
    currency: str,
    sent: Sequence[tuple[str, Piece]],
    now: datetime,
    by: movements.Who = movements.SOMEBODY,
    versions: Mapping[int, int] | None = None,
) -> list[Result]:
    """Make and change products as a feed would; `sent` are the rows by their handles, in their order.

    A row whose number is in `versions` is taken only if its product has that version.

    What the database refuses is written in ever smaller parts, so that it takes no other row with it.
    """
    drafts = [piece.draft for _, piece in sent if piece.draft is not None]

    def write(some: list[ProductDraft]) -> intake.Outcome:
        claims.turn(f"goods of {merchant_id}")
        named = {draft.handle: versions[draft.line] for draft in some if versions and draft.line in versions}
        wrong = _of_other_versions(merchant_id, named, among=[draft.handle for draft in some])
        stale.update((draft.line, wrong[draft.handle]) for draft in some if draft.handle in wrong)
        some = [draft for draft in some if draft.handle not in wrong]
        return intake.write(
            merchant_id=merchant_id, currency=currency, drafts=some, note="batch", now=now, by=by
        )

    stale: dict[int, str] = {}
    outcomes = _written(drafts, write)
    return [
        Result(key, Became.REFUSED, problems=[_mismatch(piece.last_row, stale[piece.last_row])])
        if piece.last_row in stale
        else _result(key, piece, outcomes.get(piece.last_row))
        for key, piece in sent
    ]


def _of_other_versions(
    merchant_id: UUID, named: Mapping[str, int], *, among: Collection[str]
) -> dict[str, str]:
    """Lock the products `among` which are those named, in their order.

    Returns the versions of those named that have another one; "" where there is none.
    """
    if not named:
        return {}
    rows = Product.objects.select_for_update(no_key=True).filter(merchant_id=merchant_id, handle__in=among)
    now = dict(rows.order_by("pk").values_list("handle", "version"))
    return {
        handle: str(now.get(handle, "")) for handle, version in named.items() if now.get(handle) != version
    }


def _mismatch(row: int, now: str) -> Problem:
    message = f"It is version {now} by now." if now else "There is no such product."
    return Problem(row, "version", "VERSION_MISMATCH", now, message)


def _written(
    drafts: list[ProductDraft], write: Callable[[list[ProductDraft]], intake.Outcome]
) -> dict[int, intake.Outcome]:
    """Write drafts; returns what writing came to by the drafts' rows, without those that could not be."""
    if not drafts:
        return {}
    try:
        outcome = _again(lambda: write(drafts))
    except (IntegrityError, DataError, OperationalError) as error:
        if isinstance(error, OperationalError) and not conflicts.is_too_much(error):
            raise
        if len(drafts) == 1:
            log.warning("batch.refused", handle=drafts[0].handle[:80], exc_info=error)
            return {}
        middle = len(drafts) // 2
        # Both or neither: who is told that it failed finds nothing done.
        with transaction.atomic():
            return _written(drafts[:middle], write) | _written(drafts[middle:], write)
    return dict.fromkeys((draft.line for draft in drafts), outcome)


def _result(key: str, piece: Piece, outcome: intake.Outcome | None) -> Result:
    if piece.draft is None:
        return Result(key, Became.REFUSED, problems=piece.problems)
    if outcome is None:
        message = "It could not be stored; another product may have been given its SKU at the same time."
        problem = Problem(piece.draft.line, "", "NOT_STORED", "", message)
        return Result(key, Became.REFUSED, problems=[*piece.problems, problem])
    problems = [*piece.problems, *(one for one in outcome.problems if one.line == piece.draft.line)]
    for became, ids in (
        (Became.CREATED, outcome.created),
        (Became.UPDATED, outcome.updated),
        (Became.UNCHANGED, outcome.unchanged),
    ):
        if (id := ids.get(piece.draft.handle)) is not None:
            return Result(key, became, id, problems)
    raise AssertionError(key)


def set_stock(
    *, merchant_id: UUID, sent: Sequence[rows.Level], now: datetime, by: movements.Who = movements.SOMEBODY
) -> list[Result]:
    """Say how many units can be promised from now on, by SKU, or lie at a location."""

    def write() -> list[Result]:
        known = _known(merchant_id, sent)
        taken = [row for row in sent if not row.trouble and row.key in known]
        levels = {known[row.key]: row.available for row in taken if not row.location}
        there = {(known[row.key], row.location): row.available for row in taken if row.location}
        if there:
            # Locations first, and the stock of all in one order.
            locations.shared(merchant_id, {code for _, code in there})
            stock.locked(merchant_id, [*levels, *(pk for pk, _ in there)])
        moved, bundles = stock.set_levels(
            merchant_id=merchant_id, levels=levels, reason=movements.Reason.SET, note="batch", now=now, by=by
        )
        refused = {
            pk: _problem("available", stock.StockOfBundle.code, stock.StockOfBundle.message) for pk in bundles
        }
        found = (
            places.set_levels(merchant_id=merchant_id, levels=there, note="batch", by=by, now=now)
            if there
            else {}
        )
        spots = {(pk, "") for pk in moved} | {spot for spot, one in found.items() if one is True}
        troubles = {(pk, ""): trouble for pk, trouble in refused.items()}
        for spot, one in found.items():
            if isinstance(one, errors.Refusal):
                field = "location" if isinstance(one, _OF_LOCATION) else "available"
                troubles[spot] = _problem(field, one.code, one.text)
        return _results(sent, known, spots, troubles)

    return _again(write)


def set_prices(
    *, merchant_id: UUID, currency: str, sent: Sequence[rows.Price], now: datetime
) -> list[Result]:
    """Give variants new prices, by SKU; those without a currency are in the merchant's.

    A row with a moment announces one, a row without sets it from now on.
    """

    def write() -> list[Result]:
        known = _known(merchant_id, sent)
        quotes: dict[UUID, prices.Quote] = {}
        announced: dict[UUID, schedules.Plan] = {}
        refused: dict[UUID, Problem] = {}
        for row in sent:
            if row.trouble or (pk := known.get(row.key)) is None:
                continue
            quote = prices.Quote(row.amount, row.compare_at, row.currency or currency)
            try:
                prices.check(quote)
            except errors.Refusal as refusal:
                field = next(iter(refusal.data.keys() & {"compare_at", "currency"}), "amount")
                refused[pk] = _problem(field, refusal.code, refusal.text)
            else:
                if row.starts_at or row.ends_at:
                    announced[pk] = schedules.Plan(quote, row.starts_at, row.ends_at)
                else:
                    quotes[pk] = quote
        # All of them are locked here, in order.
        both = quotes | {pk: plan.quote for pk, plan in announced.items()}
        for pk, floor in prices.below_floor(merchant_id=merchant_id, quotes=both).items():
            quotes.pop(pk, None)
            announced.pop(pk, None)
            refused[pk] = _problem("amount", floors.PriceBelowFloor.code, f"Your floor for it is {floor}.")
        moved = prices.move(merchant_id=merchant_id, quotes=quotes, now=now)
        made = schedules.make_many(merchant_id=merchant_id, plans=announced, now=now) if announced else {}
        for pk, one in made.items():
            if isinstance(one, errors.Refusal):
                refused[pk] = _problem("starts_at", one.code, one.text)
            elif one.is_new:
                moved.add(pk)
        troubles = {(pk, ""): trouble for pk, trouble in refused.items()}
        return _results(sent, known, {(pk, "") for pk in moved}, troubles)

    return _again(write)


def _known(merchant_id: UUID, sent: Sequence[rows.Row]) -> dict[str, UUID]:
    skus = [row.key for row in sent if not row.trouble]
    return dict(Variant.objects.filter(merchant_id=merchant_id, sku__in=skus).values_list("sku", "pk"))


def _results(
    sent: Sequence[rows.Row], known: dict[str, UUID], moved: set[Spot], refused: dict[Spot, Problem]
) -> list[Result]:
    results = []
    for row in sent:
        pk = None if row.trouble else known.get(row.key)
        trouble = row.trouble or (refused.get((pk, row.location)) if pk else None)
        if trouble is None and pk is None:
            trouble = _problem("sku", "UNKNOWN_SKU", "There is no variant of this SKU.")
        if trouble is not None:
            results.append(Result(row.key, Became.REFUSED, pk, [trouble]))
        else:
            results.append(
                Result(row.key, Became.UPDATED if (pk, row.location) in moved else Became.UNCHANGED, pk)
            )
    return results


def _problem(field: str, code: str, message: str) -> Problem:
    return Problem(0, field, code, "", message)


def _again(write: Callable[[], Written]) -> Written:
    """Write in a transaction, and again when somebody else was at the same rows at the same moment."""
    for attempt in range(1, TRIES):
        try:
            with transaction.atomic():
                return write()
        except IntegrityError:
            # Whoever was first has committed, so this time it is seen.
            log.info("batch.again", attempt=attempt)
        except OperationalError as error:
            if conflicts.is_too_much(error) or not connection.is_usable():
                raise
    with transaction.atomic():
        return write()
