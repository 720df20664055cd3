"""Many at once for few coupons: exactly the quota is claimed. The controls show that the guards do it."""

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import F

from commerce.models import User
from streams import coupons, grants
from streams.models import Coupon, CouponClaim
from tests.orders.threads import at_once
from tests.streams import make
from tests.streams.make import NOW, after

pytestmark = pytest.mark.django_db(transaction=True)


def coupon(*, quota: int, per_buyer: int = 1) -> Coupon:
    seller = make.merchant()
    stream = make.show(products=(make.product(seller=seller),))
    new = coupons.New(seller.id, "MIRA", 1000, None, 0, quota, per_buyer, 60)
    return coupons.create(host_id=stream.host_id, stream_id=stream.id, new=new, now=NOW)


def claiming(one: Coupon, buyer: User) -> Callable[[], CouponClaim]:
    return lambda: coupons.claim(stream_id=one.stream_id, user_id=buyer.id, coupon_id=one.id, now=after(1))


def test_of_eight_for_three_coupons_three_get_one() -> None:
    one = coupon(quota=3)
    outcomes = at_once([claiming(one, make.user()) for _ in range(8)])

    assert sum(isinstance(each, CouponClaim) for each in outcomes) == 3
    assert sum(isinstance(each, coupons.CouponGone) for each in outcomes) == 5
    one.refresh_from_db()
    assert (one.left, CouponClaim.objects.count()) == (0, 3)


def test_control_without_the_condition_in_the_update_more_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    both_have_read = threading.Barrier(2)

    def careless(coupon_id: UUID, now: datetime) -> bool:
        left = Coupon.objects.get(pk=coupon_id).left
        both_have_read.wait(10)
        Coupon.objects.filter(pk=coupon_id).update(left=left - 1, version=F("version") + 1)
        return left > 0

    one = coupon(quota=1)
    monkeypatch.setattr(coupons, "_take_one", careless)
    outcomes = at_once([claiming(one, make.user()) for _ in range(2)])

    assert sum(isinstance(each, CouponClaim) for each in outcomes) == 2


def test_behind_the_condition_the_check_keeps_the_quota(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_condition(coupon_id: UUID, now: datetime) -> bool:
        Coupon.objects.filter(pk=coupon_id).update(left=F("left") - 1)
        return True

    one = coupon(quota=2)
    monkeypatch.setattr(coupons, "_take_one", no_condition)
    outcomes = at_once([claiming(one, make.user()) for _ in range(5)])

    assert sum(isinstance(each, IntegrityError) for each in outcomes) == 3
    assert CouponClaim.objects.count() == 2


def test_one_shopper_on_four_devices_claims_once() -> None:
    one, noa = coupon(quota=9), make.user()
    outcomes = at_once([claiming(one, noa) for _ in range(4)])

    assert {each.pk for each in outcomes} == {CouponClaim.objects.get().pk}
    one.refresh_from_db()
    assert one.left == 8


def test_control_without_the_unique_key_one_shopper_takes_four() -> None:
    one, noa = coupon(quota=9), make.user()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE streams_couponclaim DROP CONSTRAINT coupon_claim_once")
    try:

        def careless() -> None:
            with transaction.atomic():
                CouponClaim.objects.create(coupon=one, buyer=noa, cap=1)
                coupons._take_one(one.id, after(1))

        at_once([careless for _ in range(4)])
        one.refresh_from_db()
        assert one.left == 5
    finally:
        CouponClaim.objects.all().delete()
        with connection.cursor() as cursor:
            cursor.execute(
                "ALTER TABLE streams_couponclaim ADD CONSTRAINT coupon_claim_once"
                " UNIQUE (coupon_id, buyer_id)"
            )


def _use(one: Coupon, buyer: User, *, lock: bool, meet: threading.Barrier | None = None) -> Callable[[], Any]:
    def use() -> bool:
        pair = (one.id, buyer.id)
        with transaction.atomic():
            hers = (
                grants.lock_claims([pair], skip_locked=False)[pair]
                if lock
                else CouponClaim.objects.get(coupon=one, buyer=buyer)
            )
            if meet is not None:
                meet.wait(10)
            if hers.used >= hers.cap:
                return False
            grants.spend({pair: 1})
            return True

    return use


def test_a_claim_is_used_as_often_as_it_may_be_and_the_check_stands_behind_the_lock() -> None:
    one, noa = coupon(quota=9, per_buyer=2), make.user()
    claiming(one, noa)()

    assert sorted(at_once([_use(one, noa, lock=True) for _ in range(5)])) == [False] * 3 + [True] * 2

    CouponClaim.objects.update(used=1)
    outcomes = at_once([_use(one, noa, lock=False, meet=threading.Barrier(2))] * 2)
    assert sum(isinstance(each, IntegrityError) for each in outcomes) in (1, 2)
    assert CouponClaim.objects.get().used <= 2
