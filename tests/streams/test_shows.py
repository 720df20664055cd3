from typing import Any

import pytest
from django.db import IntegrityError, transaction

from streams import offers, pins, queries, shows
from streams.models import Offer, Stream, StreamMove
from tests.streams import make
from tests.streams.make import NOW, after

pytestmark = pytest.mark.django_db


def test_a_planned_show_gets_its_address_from_its_title() -> None:
    stream = shows.plan(host_id=make.host().id, title="  Évening glow: live! ", starts_at=NOW)

    assert (stream.title, stream.slug, stream.status) == (
        "Évening glow: live!",
        "evening-glow-live",
        "scheduled",
    )


def test_a_second_show_of_the_same_title_gets_another_address() -> None:
    first = shows.plan(host_id=make.host().id, title="Evening glow", starts_at=NOW)
    second = shows.plan(host_id=make.host().id, title="Evening glow", starts_at=NOW)

    assert first.slug == "evening-glow"
    assert second.slug.startswith("evening-glow-")


def test_a_title_without_letters_still_gets_an_address() -> None:
    assert shows.plan(host_id=make.host().id, title="★★★", starts_at=NOW).slug.startswith("show-")


def test_a_chosen_address_that_is_taken_is_refused() -> None:
    shows.plan(host_id=make.host().id, title="One", slug="glow", starts_at=NOW)

    with pytest.raises(shows.SlugTaken):
        shows.plan(host_id=make.host().id, title="Two", slug="glow", starts_at=NOW)


@pytest.mark.parametrize(
    "fields", [{"title": " "}, {"title": "x" * 121}, {"slug": "Not a slug"}, {"slug": "x" * 81}]
)
def test_a_show_with_bad_details_is_refused(fields: dict[str, str]) -> None:
    with pytest.raises(shows.BadShow):
        shows.plan(host_id=make.host().id, starts_at=NOW, **{"title": "Glow", **fields})


def test_an_inactive_host_plans_nothing() -> None:
    host = make.host()
    host.is_active = False
    host.save()

    with pytest.raises(shows.UnknownHost):
        shows.plan(host_id=host.id, title="Glow", starts_at=NOW)


def test_going_live_starts_the_clock_writes_history_and_tells_the_room() -> None:
    host = make.host()
    stream = make.show(host, live=False)

    live = shows.go_live(host_id=host.id, stream_id=stream.id, now=NOW, by_id=host.user_id)

    assert (live.status, live.live_at) == ("live", NOW)
    assert list(StreamMove.objects.values_list("old", "new", "by_id", "at")) == [
        ("scheduled", "live", host.user_id, NOW)
    ]
    assert make.told(stream) == [
        ("stream.status", {"status": "live", "live_at": int(NOW.timestamp() * 1000)})
    ]


def test_going_live_twice_is_once() -> None:
    stream = make.show()

    again = shows.go_live(host_id=stream.host_id, stream_id=stream.id, now=after(9))

    assert again.live_at == NOW
    assert make.told_types(stream) == ["stream.status"]
    assert StreamMove.objects.count() == 1


def test_a_host_has_one_live_show() -> None:
    host = make.host()
    make.show(host)
    other = make.show(host, live=False)

    with pytest.raises(shows.AlreadyLive):
        shows.go_live(host_id=host.id, stream_id=other.id, now=NOW)

    assert make.told(other) == []


def test_the_database_refuses_a_second_live_show_of_a_host() -> None:
    host = make.host()
    make.show(host)
    other = make.show(host, live=False)

    with pytest.raises(IntegrityError, match="stream_one_live_per_host"), transaction.atomic():
        Stream.objects.filter(pk=other.pk).update(status="live", live_at=NOW)


def test_ending_a_show_ends_its_offers_and_its_pin_and_tells_the_room_in_that_order() -> None:
    stream = make.show(products=(make.product(), make.product()))
    running = make.offer(stream)
    overdue = make.offer(stream, of=make.item(stream, 1), seconds=5)
    pins.pin(host_id=stream.host_id, stream_id=stream.id, item_id=make.item(stream).id, now=NOW)
    before = len(make.told(stream))

    ended = shows.end(host_id=stream.host_id, stream_id=stream.id, now=after(30))

    running.refresh_from_db()
    overdue.refresh_from_db()
    assert (ended.status, ended.ended_at) == ("ended", after(30))
    assert (running.status, running.reason, running.ended_at) == ("ended", "host", after(30))
    assert (overdue.status, overdue.reason, overdue.ended_at) == ("ended", "time", after(5))
    assert pins.current(stream_id=stream.id) is None
    assert make.told_types(stream)[before:] == [
        "offer.ended",
        "offer.ended",
        "product.unpinned",
        "stream.status",
    ]


def test_an_ended_show_stays_ended() -> None:
    stream = make.show()
    shows.end(host_id=stream.host_id, stream_id=stream.id, now=after(30))

    assert shows.end(host_id=stream.host_id, stream_id=stream.id, now=after(60)).ended_at == after(30)
    with pytest.raises(shows.IllegalMove):
        shows.go_live(host_id=stream.host_id, stream_id=stream.id, now=after(60))
    with pytest.raises(queries.ShowOver):
        shows.change(host_id=stream.host_id, stream_id=stream.id, title="Again")


def test_a_planned_show_can_be_cancelled_and_a_live_one_not() -> None:
    planned, live = make.show(live=False), make.show()

    assert shows.cancel(host_id=planned.host_id, stream_id=planned.id, now=NOW).status == "cancelled"
    with pytest.raises(shows.IllegalMove):
        shows.cancel(host_id=live.host_id, stream_id=live.id, now=NOW)


def test_a_live_show_keeps_its_address_and_time_but_may_change_its_title() -> None:
    stream = make.show()

    assert shows.change(host_id=stream.host_id, stream_id=stream.id, title="Late glow").title == "Late glow"
    with pytest.raises(shows.IllegalMove):
        shows.change(host_id=stream.host_id, stream_id=stream.id, slug="other")
    stream.refresh_from_db()
    assert (stream.title, stream.slug) == ("Late glow", "evening-glow")


def test_only_known_fields_can_be_changed() -> None:
    stream = make.show()

    with pytest.raises(TypeError):
        shows.change(host_id=stream.host_id, stream_id=stream.id, status="ended")


def test_another_hosts_show_does_not_exist() -> None:
    stream, stranger = make.show(products=(make.product(),)), make.host("Eve")
    offer = make.offer(stream)
    hers: dict[str, Any] = {"host_id": stranger.id, "stream_id": stream.id}

    for act in (
        lambda: shows.change(**hers, title="Mine"),
        lambda: shows.go_live(**hers, now=NOW),
        lambda: shows.end(**hers, now=NOW),
        lambda: shows.cancel(**hers, now=NOW),
        lambda: pins.pin(**hers, item_id=make.item(stream).id, now=NOW),
        lambda: pins.unpin(**hers, now=NOW),
        lambda: offers.open(**hers, item_id=make.item(stream).id, amount=1, quota=1, seconds=9, now=NOW),
    ):
        with pytest.raises(queries.UnknownShow):
            act()
    with pytest.raises(offers.UnknownOffer):
        offers.end(host_id=stranger.id, offer_id=offer.id, now=NOW)
    with pytest.raises(offers.UnknownOffer):
        offers.extend(host_id=stranger.id, offer_id=offer.id, seconds=30, now=NOW)
    stream.refresh_from_db()
    assert (stream.status, stream.title) == ("live", "Evening glow")
    assert Offer.objects.get().status == "open"
