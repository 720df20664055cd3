"""The rule of the line, over plain data."""

from collections import Counter
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from orders.waitlist import turns
from orders.waitlist.turns import Waiter

V, W, A, B = (UUID(int=n) for n in range(1, 5))


def waiter(n: int, quantity: int = 1, *, offer: UUID | None = None, variant: UUID = V) -> Waiter:
    return Waiter(UUID(int=100 + n), UUID(int=200 + n), variant, offer, quantity)


def test_first_come_is_first_served() -> None:
    line = [waiter(1), waiter(2), waiter(3)]

    assert turns.next_turns(line, stock={V: 2}, offers={}) == line[:2]


def test_who_wants_more_than_there_is_keeps_her_place_and_who_fits_goes_before() -> None:
    line = [waiter(1, 3), waiter(2), waiter(3)]

    assert turns.next_turns(line, stock={V: 1}, offers={}) == [line[1]]
    assert turns.next_turns(line, stock={V: 4}, offers={}) == line[:2]


def test_an_offers_line_needs_units_of_both_the_offer_and_the_stock() -> None:
    line = [waiter(1, offer=A), waiter(2, offer=B), waiter(3)]

    assert turns.next_turns(line, stock={V: 3}, offers={B: 1}) == line[1:]
    assert turns.next_turns(line, stock={V: 1}, offers={A: 1, B: 1}) == line[:1]
    assert turns.next_turns(line, stock={}, offers={A: 1, B: 1}) == []


def test_who_may_have_no_more_of_an_offer_is_passed_over() -> None:
    line = [waiter(1, offer=A), waiter(2, offer=A)]

    assert turns.next_turns(line, stock={V: 2}, offers={A: 2}, rooms={(A, line[0].buyer_id): 0}) == [line[1]]


waiters = st.lists(
    st.tuples(st.integers(1, 4), st.sampled_from([None, A, B]), st.sampled_from([V, W])), max_size=12
).map(lambda rows: [waiter(n, q, offer=o, variant=v) for n, (q, o, v) in enumerate(rows)])


@given(
    waiters,
    st.dictionaries(st.sampled_from([V, W]), st.integers(0, 9)),
    st.dictionaries(st.sampled_from([A, B]), st.integers(0, 9)),
)
def test_never_more_than_there_is_and_nobody_who_fits_is_passed_over(
    line: list[Waiter], stock: dict[UUID, int], offers: dict[UUID, int]
) -> None:
    chosen = turns.next_turns(line, stock=stock, offers=offers)
    of_stock: Counter[UUID] = Counter()
    of_offers: Counter[UUID] = Counter()
    for one in line:
        fits = of_stock[one.variant_id] + one.quantity <= stock.get(one.variant_id, 0)
        if one.offer_id is not None:
            fits = fits and of_offers[one.offer_id] + one.quantity <= offers.get(one.offer_id, 0)
        assert (one in chosen) == fits
        if one in chosen:
            of_stock[one.variant_id] += one.quantity
            if one.offer_id is not None:
                of_offers[one.offer_id] += one.quantity
