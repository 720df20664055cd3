"""Who waits to be charged is told her place, and about how long by the pace of the last seconds."""

import json
from datetime import timedelta

import pytest
import redis
from django.conf import settings
from django.utils import timezone

from commerce import ids
from orders import notifications
from orders.models import Payment, Purchase
from orders.settling import waiting
from streams import showlog
from tests.orders import make

pytestmark = pytest.mark.django_db


def rush(count: int, *, asked: int) -> list[Purchase]:
    """Have so many accepted ten seconds ago and more, of which the first were asked for since."""
    now = timezone.now()
    lipstick = make.variant(stocked=count)
    purchases = [make.basket((lipstick, 1), by=make.buyer()).go(now=now) for _ in range(count)]
    for n, purchase in enumerate(purchases):
        Purchase.objects.filter(pk=purchase.pk).update(updated_at=now - timedelta(seconds=60 - n / 10))
        if n < asked:
            make.sent(purchase)
    return purchases


def test_places_are_in_the_order_of_acceptance_and_seconds_by_the_pace() -> None:
    purchases = rush(50, asked=20)

    line = waiting.line()

    assert [each.purchase_id for each in line] == [each.id for each in purchases[20:]]
    assert [each.place for each in line] == list(range(1, 31))
    # Twenty in ten seconds are two a second.
    assert [each.about_seconds for each in line][:4] == [1, 1, 2, 2]
    assert line[-1].about_seconds == 15


def test_charges_of_long_ago_say_nothing_about_the_pace() -> None:
    rush(12, asked=10)
    for payment in Payment.objects.all():
        ago = f"{int((timezone.now() - timedelta(minutes=5)).timestamp() * 1000):012x}"
        aged = f"{ago[:8]}-{ago[8:]}{str(payment.id)[13:]}"
        Payment.objects.filter(pk=payment.pk).update(id=aged)
    assert [each.about_seconds for each in waiting.line()] == [None, None]


def places(*seconds: int | None) -> list[waiting.Waiting]:
    some = ids.new()
    return [waiting.Waiting(some, some, n, each) for n, each in enumerate(seconds, 1)]


def test_whose_turn_is_soon_is_told_often_and_others_in_turn() -> None:
    line = places(1, 3, 4, 15, *([100] * 10))
    looks = [{each.place for each in waiting.to_tell(line, look=look)} for look in range(5)]
    assert all({3, 4} <= look for look in looks)
    assert not any({1, 2} & look for look in looks)
    assert all(len(look) == 4 for look in looks)
    assert set().union(*looks) == set(range(3, 15))


def test_no_look_tells_more_than_so_many() -> None:
    assert len(waiting.to_tell(places(*([None] * 30_000)), look=1)) == waiting.MOST


def test_a_buyer_hears_her_place_on_her_lane(redis_server: redis.Redis) -> None:
    *_, last = rush(40, asked=10)
    ear = redis_server.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
    ear.subscribe(showlog.user_channel(last.buyer_id))
    ear.get_message(timeout=1)

    for look in range(waiting.FEWER):
        notifications.tell_waiting(look=look)

    told = ear.get_message(timeout=1)["data"].decode()
    assert ear.get_message(timeout=0.1) is None, "who waits long is told once in five looks"
    ear.close()
    body = json.loads(told[told.index("{") :])
    assert body["t"] == "payment.waiting"
    assert body["d"] == {"purchase": str(last.id), "place": 30, "about_seconds": 30}


def test_ten_thousand_who_wait_are_charged_long_before_their_units_go_back() -> None:
    seconds = 10_000 / settings.STRIPE_CALLS_PER_SECOND
    assert seconds < settings.HOLD_SECONDS / 3
