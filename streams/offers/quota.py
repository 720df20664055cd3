"""Units of an offer: taking them and letting them be sold again."""

from datetime import datetime
from uuid import UUID

from django.db import connection

from streams.models import Offer, Stream
from streams.offers import floor, rows
from streams.offers.rules import CustomerLimit, OfferSoldOut, check_window


def take(*, offer_id: UUID, buyer_id: UUID, units: int, now: datetime) -> Offer:
    """Take units of an offer for a buyer, inside the caller's transaction; the last unit ends the offer.

    Several offers are taken in the order of their ids. Raises UnknownOffer, OfferNotStarted, OfferEnded,
    OfferSoldOut, CustomerLimit.
    """
    offer = rows.locked(offer_id)
    check_window(offer, now)
    if units > offer.left:
        raise OfferSoldOut(offer=str(offer.id), left=offer.left)
    if not _grant(offer=offer, buyer_id=buyer_id, units=units):
        raise CustomerLimit(offer=str(offer.id), per_buyer=offer.per_buyer)
    offer.left -= units
    if offer.left == 0:
        rows.end(offer, reason=Offer.Reason.SOLD_OUT, at=now)
    else:
        rows.save(offer, "left")
    return offer


def count(*, offer_id: UUID, buyer_id: UUID, units: int) -> None:
    """Count units for a buyer that were set aside for her, inside the caller's transaction.

    Raises UnknownOffer, CustomerLimit.
    """
    offer = rows.locked(offer_id)
    if not _grant(offer=offer, buyer_id=buyer_id, units=units):
        raise CustomerLimit(offer=str(offer.id), per_buyer=offer.per_buyer)


def put_back(*, offer_id: UUID, units: int, now: datetime) -> Offer:
    """Let units of an offer be sold again that nobody has any more, inside the caller's transaction.

    An offer that had sold out opens again while its window and its show still run and its price is not below
    the merchant's floor, and the room is told.
    Raises UnknownOffer.
    """
    offer = rows.locked(offer_id)
    offer.left += units
    rows.save(offer, "left")
    if offer.status == Offer.Status.ENDED and may_sell_again(offer, now=now) and not floor.forbids(offer):
        rows.reopen(offer, now=now)
    return offer


def set_aside(*, offer_id: UUID, units: int, now: datetime) -> Offer:
    """Take units of an offer for nobody yet, inside the caller's transaction: they are held for a shopper in
    line. The last unit ends the offer.

    Raises UnknownOffer, OfferSoldOut.
    """
    offer = rows.locked(offer_id)
    if units > offer.left:
        raise OfferSoldOut(offer=str(offer.id), left=offer.left)
    offer.left -= units
    if offer.left == 0 and offer.status != Offer.Status.ENDED:
        rows.end(offer, reason=Offer.Reason.SOLD_OUT, at=now)
    else:
        rows.save(offer, "left")
    return offer


def may_sell_again(offer: Offer, *, now: datetime) -> bool:
    """Say whether an offer sells, or would if units came back: its window and its show run."""
    return (
        (offer.status != Offer.Status.ENDED or offer.reason == Offer.Reason.SOLD_OUT)
        and offer.opens_at <= now < offer.closes_at
        and Stream.objects.filter(pk=offer.stream_id, status=Stream.Status.LIVE).exists()
    )


def _grant(*, offer: Offer, buyer_id: UUID, units: int) -> bool:
    """Add units to the buyer's row within her limit; the row's constraint stands behind this condition."""
    if not 1 <= units <= offer.per_buyer:
        return False
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO streams_offerbuyer AS had (offer_id, buyer_id, units, cap) VALUES (%s, %s, %s, %s)
            ON CONFLICT (offer_id, buyer_id) DO UPDATE SET units = had.units + EXCLUDED.units
            WHERE had.units + EXCLUDED.units <= had.cap
            """,
            [offer.id, buyer_id, units, offer.per_buyer],
        )
        return bool(cursor.rowcount == 1)
