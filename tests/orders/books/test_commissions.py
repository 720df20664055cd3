"""Commission of a show with several hosts: divided, earned, paid out and given back, each her part."""

from uuid import UUID

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from commerce import gateway, ledger, money
from commerce.models import Host
from commerce.money import Money
from orders import fulfilment, pricing
from orders.aftersales import disputes
from orders.books import commissions, earning, earnings, statements
from orders.models import Commission, CommissionBack, Dispute, Order, OrderLine, Payment, RefundLine
from orders.settling import payments, refunds
from streams import cohosts
from streams.models import Stream
from tests.orders import make
from tests.orders.make import NOW, after
from tests.streams.make import cohost

pytestmark = pytest.mark.django_db

DAY = 86_400


@pytest.fixture
def show() -> Stream:
    """A show that sells pieces of 19.99 each, 10 % of it for its hosts: a sale of three makes 6.00."""
    return make.show(make.variant(stocked=30, amount=1999))


def bought(show: Stream, at: float = 1) -> Payment:
    """Three pieces, not paid yet."""
    goods = show.items.get().product.variants.get()
    return make.sent(make.basket((goods, 3), stream=show).go(now=after(at)))


def sold(show: Stream, at: float = 1) -> Payment:
    payment = bought(show, at)
    payments.apply(intent=make.said(payment, "succeeded"), now=after(at + 1))
    payment.refresh_from_db()
    return payment


def parts(payment: Payment) -> dict[str, tuple[int, int]]:
    """Who has which part of a sale, and what of it was taken back."""
    rows = Commission.objects.filter(line__order__purchase=payment.purchase_id).select_related("host")
    return {row.host.name: (row.amount, row.reversed_amount) for row in rows}


def refund(payment: Payment, amount: int) -> None:
    refunds.owe(payment=payment, amount=amount, reason="scratched", now=after(20))


def contest(payment: Payment, *, back: int = 0) -> None:
    told = gateway.Dispute(
        id="dp_1",
        status="won" if back == payment.amount else "under_review",
        reason="general",
        amount=Money(payment.amount, payment.currency),
        charge_id=payment.charge_id,
        intent_id=payment.provider_id,
        due_at=None,
        withdrawn=payment.amount,
        reinstated=back,
    )
    disputes.take_in(told=told, now=after(30))


def shipped(payment: Payment, at: float) -> None:
    order = Order.objects.get(purchase=payment.purchase_id)
    parcel = {"carrier": "DHL", "tracking_number": "1", "tracking_url": ""}
    fulfilment.ship(merchant_id=order.merchant_id, order_id=order.id, now=after(at), **parcel)


def owed(host_id: UUID) -> tuple[int, int]:
    """What a host is owed: not earned yet, and to be paid out."""
    account = ledger.host(host_id)
    pending, payable = (ledger.balance(each, "EUR").amount for each in (account, ledger.payable(account)))
    return -pending, -payable


# --- at the sale ---


def test_each_host_has_her_share_of_a_lines_commission_to_the_last_cent(show: Stream) -> None:
    one, two = cohost(show, 3_333, name="Yuki"), cohost(show, 1_000, name="Ava")

    payment = sold(show)

    # 340.02, 199.98 and 60.00 cents.
    assert parts(payment) == {"Mira": (340, 0), "Yuki": (200, 0), "Ava": (60, 0)}
    assert [owed(each) for each in (show.host_id, one.host_id, two.host_id)] == [(340, 0), (200, 0), (60, 0)]
    assert set(Commission.objects.values_list("host__name", "share_bp")) == {
        ("Mira", 5_667),
        ("Yuki", 3_333),
        ("Ava", 1_000),
    }
    assert make.broken() == []


def test_whoever_only_was_invited_has_nothing(show: Stream) -> None:
    guest = make.host("Yuki")
    cohosts.invite(host_id=show.host_id, stream_id=show.id, whom=guest.slug, share_bp=5_000, now=NOW)

    assert parts(sold(show)) == {"Mira": (600, 0)}


def test_shares_are_those_in_force_when_it_was_bought_whenever_it_is_paid(show: Stream) -> None:
    before = bought(show, at=1)
    row = cohost(show, 5_000, now=after(10))
    during = bought(show, at=10)
    cohosts.leave(host_id=row.host_id, cohost_id=row.id, now=after(60))
    later = bought(show, at=60)

    for payment in (later, during, before):
        payments.apply(intent=make.said(payment, "succeeded"), now=after(70))

    assert parts(before) == parts(later) == {"Mira": (600, 0)}
    assert parts(during) == {"Mira": (300, 0), "Yuki": (300, 0)}
    assert make.broken() == []


def test_shares_of_one_show_are_not_those_of_another(show: Stream) -> None:
    cohost(show, 5_000)
    other = make.show(make.variant(amount=1999))

    assert set(parts(sold(other))) == {"Mira"}
    assert set(parts(sold(show))) == {"Mira", "Yuki"}


def test_what_is_bought_outside_of_a_show_is_nobodys_commission() -> None:
    payment = make.sent(make.basket((make.variant(), 1)).go())
    payments.apply(intent=make.said(payment, "succeeded"), now=after(2))

    assert parts(payment) == {}


# --- back again ---


def test_a_refund_is_borne_by_each_in_proportion_and_in_full_by_all(show: Stream) -> None:
    row = cohost(show, 2_500)
    payment = sold(show)

    refund(payment, 2_000)
    # Of 200 cents: 150.25 and 49.75 rounded by largest remainder.
    assert parts(payment) == {"Mira": (450, 150), "Yuki": (150, 50)}
    assert (owed(show.host_id), owed(row.host_id)) == ((300, 0), (100, 0))
    assert make.broken() == []

    refund(payment, 3_997)
    assert parts(payment) == {"Mira": (450, 450), "Yuki": (150, 150)}
    assert set(Commission.objects.values_list("status", flat=True)) == {"reversed"}
    assert (owed(show.host_id), owed(row.host_id)) == ((0, 0), (0, 0))
    assert make.broken() == []


def test_what_was_earned_is_given_back_by_each_of_what_may_be_paid_out(show: Stream) -> None:
    """The co-host's time is over sooner: what she has is earned, the host's is not yet."""
    row = cohost(show, 2_500)
    Host.objects.filter(pk=row.host_id).update(risk_tier="low")
    payment = sold(show)
    shipped(payment, 5)

    assert earning.sweep(now=after(4 * DAY)) == 1
    assert (owed(show.host_id), owed(row.host_id)) == ((450, 0), (0, 150))
    refund(payment, 2_000)

    assert (owed(show.host_id), owed(row.host_id)) == ((300, 0), (0, 100))
    assert earning.sweep(now=after(8 * DAY)) == 1
    assert (owed(show.host_id), owed(row.host_id)) == ((0, 300), (0, 100))
    assert make.broken() == []


def test_what_a_bank_takes_and_gives_back_is_each_hosts_again(show: Stream) -> None:
    row = cohost(show, 2_500)
    payment = sold(show)
    refund(payment, 1_999)
    before = parts(payment)

    contest(payment)
    assert parts(payment) == {"Mira": (450, 450), "Yuki": (150, 150)}
    assert make.broken() == []
    contest(payment, back=Dispute.objects.get().withdrawn_amount)

    assert parts(payment) == before
    assert set(Commission.objects.values_list("status", flat=True)) == {"pending"}
    assert owed(row.host_id) == (before["Yuki"][0] - before["Yuki"][1], 0)
    assert make.broken() == []


@pytest.mark.parametrize("share_bp", [1, 2_500, 3_333, 9_900])
def test_what_a_bank_gives_back_in_part_goes_to_each_host_in_proportion(show: Stream, share_bp: int) -> None:
    cohost(show, share_bp)
    payment = sold(show)
    refund(payment, 1_001)
    before = parts(payment)
    contest(payment)
    whole = Dispute.objects.get().withdrawn_amount

    contest(payment, back=whole // 3)
    assert make.broken() == []
    part = parts(payment)
    assert all(before[name][1] <= part[name][1] <= before[name][0] for name in before)

    contest(payment, back=whole)
    assert parts(payment) == before
    assert make.broken() == []


# --- what each sees ---


def test_each_host_sees_her_own_part_and_what_was_sold_since_she_agreed(show: Stream) -> None:
    sold(show, at=1)
    row = cohost(show, 2_500, now=after(10))
    refund(sold(show, at=11), 2_000)

    hers = earnings.of_host(host_id=row.host_id)[str(show.id)]
    its = earnings.of_host(host_id=show.host_id)[str(show.id)]

    assert (hers["units"], hers["commission"]) == (3, [{"amount": 100, "currency": "EUR"}])
    assert (its["units"], its["commission"]) == (6, [{"amount": 900, "currency": "EUR"}])
    assert earnings.of_host(host_id=make.host("Eve").id) == {}


def test_each_hosts_statement_is_of_her_part(show: Stream) -> None:
    row = cohost(show, 2_500)
    sold(show)

    def closing(host_id: UUID) -> list[str]:
        text = statements.of_host(host_id=host_id, since=after(-30 * 365 * DAY), until=after(DAY))
        return [line for line in text.splitlines() if ",sale," in line]

    assert ",1.50,1.50,EUR,pending" in closing(row.host_id)[0]
    assert ",4.50,4.50,EUR,pending" in closing(show.host_id)[0]


# --- what the database refuses ---


def refused(row: Commission | CommissionBack) -> str:
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        row.save(force_insert=True)
    return str(error.value.__cause__.diag.constraint_name)  # type: ignore[union-attr]


def test_rows_that_make_no_sense_are_refused(show: Stream) -> None:
    payment = sold(show)
    refund(payment, 2_000)
    row, back = Commission.objects.get(), RefundLine.objects.get()
    line = OrderLine.objects.get()

    def another(**more: object) -> Commission:
        fields = {"line": line, "host": make.host(), "stream": show, "rate_bp": 1_000, "share_bp": 1_000}
        return Commission(**{**fields, "base_amount": 5_997, "amount": 1, "currency": "EUR", **more})

    assert refused(another(host=show.host)) == "commission_once_per_host"
    assert refused(another(share_bp=0)) == "commission_share_of_something"
    assert refused(another(reversed_amount=2)) == "commission_reversal_capped"
    given = {"commission": row, "refund_line": back}
    assert refused(CommissionBack(amount=1, **given)) == "commission_back_once_per_refund"
    assert refused(CommissionBack(amount=1, commission=row)) == "commission_back_by_one"
    CommissionBack.objects.all().delete()
    assert refused(CommissionBack(amount=0, **given)) == "commission_back_of_something"


# --- the sums ---

SHARES = st.lists(st.integers(1, 9_900), max_size=8).filter(lambda found: sum(found) <= 9_900)


@given(base=st.integers(0, 10**8), rate=st.integers(0, 10_000), shares=SHARES)
def test_parts_are_always_all_of_the_commission_and_each_is_the_nearest(
    base: int, rate: int, shares: list[int]
) -> None:
    line = OrderLine(amount=base, host_commission_bp=rate, platform_fee_bp=0, currency="EUR")
    others = [cohosts.Part(UUID(int=n), share) for n, share in enumerate(shares, start=1)]

    found = commissions._divided(line, UUID(int=0), UUID(int=99), others)

    whole = pricing.shares(base, host_bp=rate, platform_bp=0).host
    assert sum(each.amount for each in found) == whole
    assert sum(each.share_bp for each in found) == 10_000
    assert all(each.share_bp > 0 for each in found)
    assert all(abs(each.amount * 10_000 - whole * each.share_bp) < 10_000 for each in found)


@given(shares=SHARES, whole=st.integers(1, 10**6), data=st.data())
def test_in_whatever_steps_it_goes_back_nobody_gives_more_than_she_has_and_all_in_proportion(
    shares: list[int], whole: int, data: st.DataObject
) -> None:
    parts = money.share(whole, [pricing.rest_bp(shares), *shares])
    left, steps = list(parts), 0
    while rest := sum(left):
        amount = data.draw(st.integers(1, rest)) if steps < 12 else rest
        taken = money.share(amount, left)
        assert all(0 <= part <= had for part, had in zip(taken, left, strict=True))
        left = [had - part for part, had in zip(taken, left, strict=True)]
        steps += 1
        back = whole - sum(left)
        # What the audit allows: each step may round each part by less than one.
        for part, had in zip(parts, left, strict=True):
            assert abs((part - had) * whole - back * part) <= steps * whole


def test_small_refunds_one_after_the_other_leave_the_books_in_order(show: Stream) -> None:
    for share in (3_333, 3_333, 1):
        cohost(show, share)
    payment = sold(show)

    for amount in (1, 7, 333, 1, 2_000, 3_655):
        refund(payment, amount)
        assert make.broken() == []

    assert all(row.reversed_amount == row.amount for row in Commission.objects.all())
