"""The machine's rules of the show: offers, coupons, stock that comes and goes, time, and sweeps."""

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from commerce import errors
from orders import expiry
from orders.carts import lapsing
from orders.models import CartHold, Purchase, WaitlistEntry
from orders.waitlist import keeping, queue
from streams import coupons, offers, shows
from tests.orders.machine.world import OFFER_AMOUNT, PER_BUYER, PER_HOUSEHOLD, World


class Hosting(RuleBasedStateMachine):
    """Rules of what host, merchant and the clock do."""

    world: World

    @rule(
        quota=st.integers(1, 5), seconds=st.sampled_from([60, 400, 2000]), ahead=st.sampled_from([0, 0, 30])
    )
    def begin_an_offer(self, quota: int, seconds: int, ahead: int) -> None:
        """Open one now, or announce one."""
        world = self.world
        asked: offers.Asked = {
            "item_id": world.item.id,
            "amount": OFFER_AMOUNT,
            "quota": quota,
            "seconds": seconds,
            "per_buyer": PER_BUYER,
            "per_household": PER_HOUSEHOLD,
            "turn_seconds": 60,
        }
        where: dict[str, Any] = {"host_id": world.stream.host_id, "now": world.clock}
        where["stream_id"] = world.stream.id
        try:
            if ahead:
                made = offers.announce(**where, opens_at=world.clock + timedelta(seconds=ahead), **asked)
            else:
                made = offers.open(**where, **asked)
        except errors.Refusal:
            return
        world.offers.append(made.id)

    @rule(what=st.sampled_from(["extend", "extend", "end", "open_now"]))
    def change_the_offer(self, what: str) -> None:
        """Let the last offer run longer, end it, or open it early."""
        if not self.world.offers:
            return
        world = self.world
        where: dict[str, Any] = {"host_id": world.stream.host_id, "now": world.clock}
        where["offer_id"] = world.offers[-1]
        try:
            if what == "extend":
                offers.extend(**where, seconds=100)
            elif what == "end":
                offers.end(**where)
            else:
                offers.open_now(**where)
        except errors.Refusal:
            return

    @rule(number=st.integers(0, 3))
    def claim(self, number: int) -> None:
        """Claim the coupon, while there are any."""
        world = self.world
        try:
            coupons.claim(
                stream_id=world.stream.id,
                user_id=world.buyers[number].id,
                coupon_id=world.coupon.id,
                now=world.clock,
            )
        except errors.Refusal:
            return

    @rule(name=st.sampled_from(["hot", "brush", "soap"]), delta=st.integers(-2, 3))
    def restock(self, name: str, delta: int) -> None:
        """The merchant adds units, which the line gets, or takes some away."""
        world, variant = self.world, self.world.goods[name]
        try:
            world.restock(name, delta)
        except errors.Refusal:
            return
        world.put_in[name] += delta
        queue.serve(variant_ids=[variant.id], offer_ids=[], now=world.clock)

    @rule(really=st.integers(0, 40))
    def end_the_show(self, really: int) -> None:
        """Now and then the show ends; turns and purchases go on."""
        world = self.world
        if really == 17:
            shows.end(host_id=world.stream.host_id, stream_id=world.stream.id, now=world.clock)

    @rule(seconds=st.sampled_from([1, 20, 70, 300, 700]), swept=st.booleans())
    def time_goes_on(self, seconds: int, swept: bool) -> None:
        """What is over stays as it is until a sweep comes."""
        self.world.pass_by(seconds)
        if swept:
            self.sweep()

    @rule()
    def sweep(self) -> None:
        """All sweeps, after which nothing is late."""
        now = self.world.clock
        offers.close_due(now=now)
        offers.open_due(now=now)
        coupons.close_due(now=now)
        lapsing.sweep(now=now)
        keeping.end_turns(now=now)
        keeping.end_waits(now=now)
        expiry.sweep(now=now)
        assert not CartHold.objects.filter(until__lte=now).exists()
        assert not WaitlistEntry.objects.filter(status="offered", turn_until__lte=now).exists()
        late = Purchase.objects.filter(status__in=["accepted", "action_required"], hold_until__lte=now)
        assert not late.exclude(payments__status__in=expiry.IN_FLIGHT).exists()
