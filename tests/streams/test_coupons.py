"""Coupons: opened for a merchant of the showcase, claimed once each, ended by the host or the clock."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from commerce.models import Event, Merchant, User
from streams import coupons, queries, shows, snapshot
from streams.models import Coupon, CouponClaim, Stream
from tests.streams import make
from tests.streams.make import NOW, after

pytestmark = pytest.mark.django_db


@pytest.fixture
def seller() -> Merchant:
    return make.merchant()


@pytest.fixture
def stream(seller: Merchant) -> Stream:
    return make.show(products=(make.product(seller=seller),))


def new(seller: Merchant, **more: Any) -> coupons.New:
    usual = coupons.New(
        merchant_id=seller.id,
        code="mira-10",
        percent_bp=1000,
        amount_off=None,
        min_amount=0,
        quota=2,
        per_buyer=1,
        seconds=60,
    )
    return replace(usual, **more)


def created(stream: Stream, seller: Merchant, **more: Any) -> Coupon:
    return coupons.create(host_id=stream.host_id, stream_id=stream.id, new=new(seller, **more), now=NOW)


def claim(coupon: Coupon, user: User, *, seconds: float = 1) -> CouponClaim:
    return coupons.claim(stream_id=coupon.stream_id, user_id=user.id, coupon_id=coupon.id, now=after(seconds))


def left(coupon: Coupon) -> int:
    return Coupon.objects.get(pk=coupon.pk).left


def test_a_coupon_is_told_whole_and_late_joiners_see_it(stream: Stream, seller: Merchant) -> None:
    coupon = created(stream, seller, min_amount=2500)

    body = {
        "id": str(coupon.id),
        "merchant": {"id": str(seller.id), "name": seller.name},
        "code": "MIRA-10",
        "percent_bp": 1000,
        "amount_off": None,
        "min_amount": {"amount": 2500, "currency": "EUR"},
        "quota": 2,
        "left": 2,
        "per_buyer": 1,
        "starts_at": int(NOW.timestamp() * 1000),
        "ends_at": int(after(60).timestamp() * 1000),
        "status": "open",
    }
    assert make.told(stream)[-1] == ("coupon.opened", body)
    assert snapshot.public(stream=stream)["coupons"] == [body]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("code", "no"), ("code", "with space"), ("code", "x" * 41), ("percent_bp", 99)),
        *(("percent_bp", 9001), ("min_amount", -1), ("quota", 0), ("quota", 1_000_001)),
        *(("per_buyer", 0), ("per_buyer", 100), ("seconds", 4), ("seconds", 86_401)),
    ],
)
def test_nonsense_is_refused_naming_the_field(
    stream: Stream, seller: Merchant, field: str, value: object
) -> None:
    with pytest.raises(coupons.BadCoupon) as refused:
        created(stream, seller, **{field: value})
    assert list(refused.value.data["errors"]) == [field]


@pytest.mark.parametrize(("percent_bp", "amount_off"), [(None, None), (1000, 500), (None, 0)])
def test_it_takes_off_a_share_or_an_amount(
    stream: Stream, seller: Merchant, percent_bp: int | None, amount_off: int | None
) -> None:
    with pytest.raises(coupons.BadCoupon):
        created(stream, seller, percent_bp=percent_bp, amount_off=amount_off)
    assert created(stream, seller, percent_bp=None, amount_off=500).amount_off == 500


def test_only_for_a_merchant_with_goods_in_her_own_live_showcase(stream: Stream, seller: Merchant) -> None:
    with pytest.raises(coupons.UnknownMerchant):
        created(stream, make.merchant())
    with pytest.raises(queries.UnknownShow):
        coupons.create(host_id=make.host().id, stream_id=stream.id, new=new(seller), now=NOW)
    with pytest.raises(queries.StreamNotLive):
        created(make.show(live=False, products=(make.product(seller=seller),)), seller)
    assert not Coupon.objects.exists()


def test_a_code_is_taken_once_in_a_show(stream: Stream, seller: Merchant) -> None:
    created(stream, seller)
    with pytest.raises(coupons.CodeTaken):
        created(stream, seller, code="Mira-10")
    created(make.show(products=(make.product(seller=seller),)), seller)


def test_a_claim_is_hers_told_to_her_alone_and_the_room_hears_what_is_left(
    stream: Stream, seller: Merchant
) -> None:
    coupon, noa = created(stream, seller, per_buyer=3), make.user()
    claimed = claim(coupon, noa)

    assert (claimed.used, claimed.cap, left(coupon)) == (0, 3, 1)
    told = Event.objects.get(name="user.told").payload
    assert (told["user"], told["t"], told["d"]["coupon"]["left"]) == (str(noa.id), "coupon.claimed", 1)
    state = Event.objects.get(name="room.state").payload
    assert (state["t"], state["n"], state["d"]["left"]) == ("coupon.updated", 1, 1)
    assert snapshot.own(stream_id=stream.id, user_id=noa.id)["claims"] == [coupons.claim_body(claimed)]
    assert snapshot.own(stream_id=stream.id, user_id=make.user().id)["claims"] == []


def test_a_claim_again_is_the_same_claim_also_when_none_are_left(stream: Stream, seller: Merchant) -> None:
    coupon, noa = created(stream, seller, quota=1), make.user()

    assert claim(coupon, noa) == claim(coupon, noa)
    assert left(coupon) == 0
    assert Event.objects.filter(name="user.told").count() == 1


def test_when_all_are_claimed_the_next_is_refused_and_has_nothing(stream: Stream, seller: Merchant) -> None:
    coupon = created(stream, seller, quota=1)
    claim(coupon, make.user())

    with pytest.raises(coupons.CouponGone):
        claim(coupon, make.user())
    assert CouponClaim.objects.count() == 1


def test_the_clock_decides_when_it_is_over_though_no_sweep_has_run(stream: Stream, seller: Merchant) -> None:
    coupon = created(stream, seller)
    claim(coupon, make.user(), seconds=59.9)
    with pytest.raises(coupons.CouponEnded):
        claim(coupon, make.user(), seconds=60)

    assert coupons.close_due(now=after(59.9)) == 0
    assert coupons.close_due(now=after(60)) == 1
    assert coupons.close_due(now=after(60)) == 0
    assert make.told(stream)[-1] == ("coupon.ended", {"id": str(coupon.id), "reason": "time"})
    assert snapshot.public(stream=stream)["coupons"] == []


def test_a_coupon_that_cannot_end_keeps_no_other_open(stream: Stream, seller: Merchant) -> None:
    first, bad, last = (created(stream, seller, code=f"MIRA{n}") for n in range(3))
    make.closed_to_change(bad, while_="status = 'open'")

    assert coupons.close_due(now=after(60)) == 2

    statuses = dict(Coupon.objects.values_list("pk", "status"))
    assert [statuses[each.pk] for each in (first, bad, last)] == ["ended", "open", "ended"]


def test_the_host_ends_it_once_and_nobody_claims_it_after(stream: Stream, seller: Merchant) -> None:
    coupon = created(stream, seller)
    with pytest.raises(coupons.UnknownCoupon):
        coupons.end(host_id=make.host().id, coupon_id=coupon.id, now=after(1))
    for _ in range(2):
        assert (
            coupons.end(host_id=stream.host_id, coupon_id=coupon.id, now=after(2)).status
            == Coupon.Status.ENDED
        )

    with pytest.raises(coupons.CouponEnded):
        claim(coupon, make.user(), seconds=3)
    assert make.told_types(stream).count("coupon.ended") == 1


def test_it_ends_with_its_show_and_is_claimed_in_no_other(stream: Stream, seller: Merchant) -> None:
    coupon = created(stream, seller)
    other = make.show(products=(make.product(seller=seller),))
    with pytest.raises(coupons.UnknownCoupon):
        coupons.claim(stream_id=other.id, user_id=make.user().id, coupon_id=coupon.id, now=after(1))
    with pytest.raises(coupons.UnknownCoupon):
        coupons.claim(stream_id=stream.id, user_id=make.user().id, coupon_id=uuid4(), now=after(1))

    shows.end(host_id=stream.host_id, stream_id=stream.id, now=after(5))

    with pytest.raises(queries.StreamNotLive):
        claim(coupon, make.user(), seconds=6)
    assert Coupon.objects.get(pk=coupon.pk).status == "ended"
    assert not CouponClaim.objects.exists()


def test_uses_are_told_to_whoever_used_it(stream: Stream, seller: Merchant) -> None:
    coupon, noa = created(stream, seller), make.user()
    claim(coupon, noa)
    claim(coupon, make.user())
    CouponClaim.objects.update(used=1)

    with transaction.atomic():
        coupons.tell_used([(coupon.id, noa.id)])

    last = Event.objects.filter(name="user.told").latest("id").payload
    assert (last["user"], last["d"]["used"]) == (str(noa.id), 1)
    assert Event.objects.filter(name="user.told").count() == 3


def test_the_database_holds_quota_and_limit_itself(stream: Stream, seller: Merchant) -> None:
    coupon = created(stream, seller)
    claim(coupon, make.user())
    for table, change, constraint in (
        (Coupon, {"left": -1}, "coupon_quota_holds"),
        (Coupon, {"left": 3}, "coupon_quota_holds"),
        (CouponClaim, {"used": 2}, "coupon_claim_limit_holds"),
        (CouponClaim, {"used": -1}, "coupon_claim_limit_holds"),
        (Coupon, {"amount_off": 5}, "coupon_percent_or_amount"),
    ):
        with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
            table.objects.update(**change)
