"""The machine's rules of carts and lines."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from commerce import errors
from orders.carts import contents, guests, policies
from orders.models import Cart, CartHold, CartLine, WaitlistEntry
from orders.waitlist import places
from tests.orders.machine.world import World

who = st.integers(0, 3)
few = st.sampled_from([1, 1, 1, 2, 2, 3])
goods = st.sampled_from(["hot", "kit", "soap", "soap"])


class Shopping(RuleBasedStateMachine):
    """Rules of carts, which one merchant holds, and of the line for what is sold out."""

    world: World

    @rule(number=who, name=goods, quantity=few)
    def add(self, number: int, name: str, quantity: int) -> None:
        """Put something into a cart."""
        world, buyer = self.world, self.world.buyers[number]
        self._changed(
            buyer.id,
            lambda: contents.add(
                buyer_id=buyer.id,
                variant_id=world.goods[name].id,
                quantity=quantity,
                stream_id=world.stream.id,
                now=world.clock,
            ),
        )

    @rule(number=st.integers(0, 9), quantity=st.integers(0, 3))
    def change(self, number: int, quantity: int) -> None:
        """Set the units of a line; none takes it out."""
        rows = list(CartLine.objects.order_by("id"))
        if not rows:
            return
        line = rows[number % len(rows)]
        version = Cart.objects.get(pk=line.cart_id).version
        where: dict[str, Any] = {"buyer_id": line.cart_id, "version": version, "variant_id": line.variant_id}
        if quantity:
            self._changed(
                line.cart_id,
                lambda: contents.update(**where, quantity=quantity, stream_id=None, now=self.world.clock),
            )
        else:
            contents.remove(**where, stream_id=None, now=self.world.clock)
            assert not CartHold.objects.filter(buyer_id=line.cart_id, variant_id=line.variant_id).exists(), (
                "what is taken out is not held"
            )

    def _changed(self, buyer_id: UUID, change: Callable[[], object]) -> None:
        before = self._held(buyer_id), self._lines(buyer_id)
        try:
            change()
        except errors.Refusal:
            assert (self._held(buyer_id), self._lines(buyer_id)) == before, "refused is not done"

    def _held(self, buyer_id: UUID) -> dict[UUID, int]:
        rows = CartHold.objects.filter(buyer_id=buyer_id, until__gt=self.world.clock)
        return dict(rows.values_list("variant_id", "quantity"))

    def _lines(self, buyer_id: UUID) -> dict[UUID, int]:
        return dict(CartLine.objects.filter(cart_id=buyer_id).values_list("variant_id", "quantity"))

    @rule(name=goods, quantity=few)
    def collect_as_a_guest(self, name: str, quantity: int) -> None:
        """Somebody who is not signed in; nothing is held for her."""
        world = self.world
        try:
            world.guest = guests.add(
                token=world.guest,
                variant_id=world.goods[name].id,
                quantity=quantity,
                stream_id=None,
                network="x",
                now=world.clock,
            ).token
        except errors.Refusal:
            return

    @rule(number=who)
    def come_in(self, number: int) -> None:
        """The guest turns out to be one of the buyers; her cart moves once."""
        if not self.world.guest:
            return
        world = self.world
        guests.merge(token=world.guest, buyer_id=world.buyers[number].id, now=world.clock)
        assert not guests.merge(token=world.guest, buyer_id=world.buyers[number].id, now=world.clock)
        world.guest = None

    @rule(what=st.sampled_from(["drop", "set", "bar", "pardon"]), number=who)
    def the_policy_changes(self, what: str, number: int) -> None:
        """The merchant holds, or does not, for everybody or for one."""
        world = self.world
        merchant_id, buyer_id = world.goods["soap"].merchant_id, world.buyers[number].id
        if what == "drop":
            policies.drop_policy(merchant_id=merchant_id)
        elif what == "set":
            policies.set_policy(merchant_id=merchant_id, hold_seconds=60, now=world.clock)
        elif what == "pardon":
            policies.pardon(merchant_id=merchant_id, buyer_id=buyer_id)
        else:
            try:
                policies.bar(
                    merchant_id=merchant_id, buyer_id=buyer_id, reason="", by_id=None, now=world.clock
                )
            except policies.UnknownShopper:
                return

    # --- lines ---

    @rule(
        people=st.lists(who, min_size=1, max_size=3),
        name=st.sampled_from(["hot", "hot", "soap"]),
        live=st.booleans(),
        quantity=few,
    )
    def line_up(self, people: list[int], name: str, live: bool, quantity: int) -> None:
        """Wait for what is sold out, at the last offer's or the list price."""
        if not self.world.sold_out:
            return
        for number in people:
            self._line_up(number, name, live, quantity)

    def everybody_lines_up(self, *, live: bool) -> None:
        """All of them want one piece of what may be sold out."""
        for number in range(4):
            self._line_up(number, "hot", live, 1)

    def _line_up(self, number: int, name: str, live: bool, quantity: int) -> None:
        world = self.world
        offer_id = world.offers[-1] if live and world.offers and name == "hot" else None
        try:
            places.join(
                buyer_id=world.buyers[number].id,
                stream_id=world.stream.id,
                variant_id=world.goods[name].id,
                offer_id=offer_id,
                quantity=quantity,
                now=world.clock,
            )
        except errors.Refusal:
            return

    @rule(number=st.integers(0, 9))
    def leave(self, number: int) -> None:
        """Leave a line; in her turn, her units go on."""
        if not self.world.in_line:
            return
        rows = list(WaitlistEntry.objects.filter(status__in=["waiting", "offered"]).order_by("id"))
        if not rows:
            return
        row = rows[number % len(rows)]
        places.leave(
            buyer_id=row.buyer_id, variant_id=row.variant_id, offer_id=row.offer_id, now=self.world.clock
        )
