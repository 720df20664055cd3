"""A sold-out offer with a line, for tests of the waitlist."""

from dataclasses import dataclass
from typing import Any

from commerce.models import User
from orders.models import WaitlistEntry
from orders.waitlist import places
from streams.models import Offer, Stream
from tests.orders import make
from tests.orders.make import NOW


@dataclass
class Drop:
    """A live show with one variant under an offer."""

    variant: Any
    stream: Stream
    offer: Offer

    def join(self, buyer: User | None = None, *, quantity: int = 1, listed: bool = False) -> WaitlistEntry:
        """Let a buyer line up and return her entry."""
        body = places.join(
            buyer_id=(buyer or make.buyer()).id,
            stream_id=self.stream.id,
            variant_id=self.variant.id,
            offer_id=None if listed else self.offer.id,
            quantity=quantity,
            now=NOW,
        )
        return WaitlistEntry.objects.get(pk=body["id"])

    def buy(self, buyer: User | None = None, *, quantity: int = 1, listed: bool = False) -> Any:
        """Buy at the offer's price, or the list price."""
        wanted = (self.variant, quantity) if listed else (self.variant, quantity, self.offer)
        return make.basket(wanted, by=buyer, stream=self.stream).go()

    def left(self) -> tuple[int, int]:
        """Return what is left of the stock and of the offer."""
        return make.left(self.variant), Offer.objects.get(pk=self.offer.pk).left


def drop(*, stocked: int = 2, quota: int = 2, per_buyer: int = 2, seconds: int = 60, **more: Any) -> Drop:
    """Return a drop in which everything can be had."""
    variant = make.variant(stocked=stocked)
    stream = make.show(variant)
    offer = make.offer(stream, variant, quota=quota, per_buyer=per_buyer, seconds=seconds)
    Offer.objects.filter(pk=offer.pk).update(**more)
    return Drop(variant, stream, Offer.objects.get(pk=offer.pk))


def status(entry: WaitlistEntry) -> str:
    """Return an entry's status as it is now."""
    return str(WaitlistEntry.objects.values_list("status", flat=True).get(pk=entry.pk))


def sold_out(**more: Any) -> tuple[Drop, Any]:
    """Return a drop whose units are all bought, and the purchase."""
    made = drop(**more)
    return made, made.buy(quantity=made.offer.quota)


def told(name: str) -> list[dict[str, Any]]:
    """Return the bodies of the frames of that type that users were told."""
    return [each["d"] for each in make.events("user.told") if each["t"] == name]
