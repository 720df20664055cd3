"""What is live now, and in which shows and moments a product appeared."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from catalog.models import Product
from commerce.models import Host
from streams import discovery, listing, offers, pins, showcase, shows
from streams.models import Offer, Stream
from tests.streams import make

pytestmark = pytest.mark.django_db


def live(product: Product, *, at: float = 1) -> list[Any]:
    return discovery.live_now([product.pk], now=make.after(at))[product.pk]


def shown(product: Product) -> list[dict[str, Any]]:
    answer = Client().get(f"/api/v1/shop/products/{product.pk}/shows")
    assert answer.status_code == 200
    return list(answer.json()["results"])


def planned(stream: Stream, *, hours: float) -> None:
    Stream.objects.filter(pk=stream.pk).update(starts_at=timezone.now() + timedelta(hours=hours))


# --- live now ---


def test_a_product_is_live_from_the_shows_begin_to_its_end() -> None:
    one = make.product()
    stream = make.show(products=(one,), live=False)
    assert live(one) == []
    shows.go_live(host_id=stream.host_id, stream_id=stream.id, now=make.NOW)
    [now] = live(one)
    assert (now["stream"], now["address"], now["since"]) == (stream.id, f"/live/{stream.slug}", make.NOW)
    assert (now["title"], now["host"]) == (stream.title, stream.host.name)
    assert (now["pinned_since"], now["offer"]) == (None, None)
    shows.end(host_id=stream.host_id, stream_id=stream.id, now=make.after(9))
    assert live(one) == []


def test_a_product_that_is_pinned_says_since_when() -> None:
    one, two = make.product(), make.product()
    stream = make.show(products=(one, two))
    for item, at in ((make.item(stream), 1), (make.item(stream, 1), 2)):
        pins.pin(host_id=stream.host_id, stream_id=stream.id, item_id=item.id, now=make.after(at))
    assert live(one)[0]["pinned_since"] is None
    assert live(two)[0]["pinned_since"] == make.after(2)
    pins.unpin(host_id=stream.host_id, stream_id=stream.id, now=make.after(3))
    assert live(two)[0]["pinned_since"] is None


def test_the_show_that_is_showing_it_comes_first() -> None:
    one = make.product()
    first, second = make.show(products=(one,)), make.show(products=(one,))
    for stream in (first, second):
        pins.pin(host_id=stream.host_id, stream_id=stream.id, item_id=make.item(stream).id, now=make.after(1))
        assert live(one)[0]["stream"] == stream.id
        assert len(live(one)) == 2
        pins.unpin(host_id=stream.host_id, stream_id=stream.id, now=make.after(2))


def test_an_offer_is_told_while_it_sells() -> None:
    one = make.product()
    stream = make.show(products=(one,))
    make.offer(stream, amount=1234, opens_at=make.after(5), seconds=10)
    assert live(one)[0]["offer"] is None
    offers.open_due(now=make.after(5))
    running = live(one, at=6)[0]["offer"]
    assert running["price"] == {"amount": 1234, "currency": "EUR"}
    assert (running["reference"], running["ends_at"]) == ({"amount": 1999, "currency": "EUR"}, make.after(15))
    # Its time is over, though nobody has ended it yet.
    assert live(one, at=15)[0]["offer"] is None
    make.offer(make.show(products=(make.product(),)))
    assert Offer.objects.filter(status="open").count() == 2


def test_what_is_off_the_showcase_or_of_a_closed_host_is_not_live() -> None:
    one, two = make.product(), make.product()
    stream = make.show(products=(one,))
    showcase.remove(
        host_id=stream.host_id, stream_id=stream.id, item_id=make.item(stream).id, now=make.after(1)
    )
    assert live(one) == []
    other = make.show(products=(two,))
    assert live(two)
    Host.objects.filter(pk=other.host_id).update(is_active=False)
    assert live(two) == []
    assert list(discovery.live_items()) == []


# --- shows and moments ---


def test_every_moment_is_told_on_the_stream_clock_and_on_the_wall() -> None:
    one, two = make.product(), make.product()
    stream = make.show(products=(one, two))
    planned(stream, hours=-1)
    mine, other = make.item(stream), make.item(stream, 1)
    for item, at in ((mine, 10), (other, 20), (mine, 30)):
        pins.pin(host_id=stream.host_id, stream_id=stream.id, item_id=item.id, now=make.after(at))
    make.offer(stream, of=mine, amount=1500, now=make.after(31))
    [show] = shown(one)
    wall = ["2030-05-01T18:00:10Z", "2030-05-01T18:00:20Z", "2030-05-01T18:00:30Z"]
    assert show["moments"] == [
        {"from_ms": 10_000, "to_ms": 20_000, "from_at": wall[0], "to_at": wall[1]},
        {"from_ms": 30_000, "to_ms": None, "from_at": wall[2], "to_at": None},
    ]
    [had] = show["offers"]
    assert (had["price"]["amount"], had["reference"]["amount"], had["status"]) == (1500, 1999, "open")
    assert shown(two)[0]["moments"][0]["from_ms"] == 20_000
    assert shown(two)[0]["offers"] == []


def test_a_product_that_came_back_to_the_showcase_has_all_its_moments_once() -> None:
    one = make.product()
    stream = make.show(products=(one,))
    for at in (1, 3):
        pins.pin(
            host_id=stream.host_id, stream_id=stream.id, item_id=make.item(stream).id, now=make.after(at)
        )
        showcase.remove(
            host_id=stream.host_id, stream_id=stream.id, item_id=make.item(stream).id, now=make.after(at + 1)
        )
        showcase.add(host_id=stream.host_id, stream_id=stream.id, product_id=one.pk, now=make.after(at + 1))
    [show] = shown(one)
    assert [each["from_ms"] for each in show["moments"]] == [1000, 3000]


def test_what_was_taken_out_counts_only_where_it_was_shown() -> None:
    one, two, three = make.product(), make.product(), make.product()
    stream = make.show(products=(one, two, three))
    items = [make.item(stream, n) for n in range(3)]
    pins.pin(host_id=stream.host_id, stream_id=stream.id, item_id=items[0].id, now=make.after(1))
    sold = make.offer(stream, of=items[1], now=make.after(1))
    offers.end(host_id=stream.host_id, offer_id=sold.id, now=make.after(2))
    for item in items:
        showcase.remove(host_id=stream.host_id, stream_id=stream.id, item_id=item.id, now=make.after(3))
    assert [len(shown(each)) for each in (one, two, three)] == [1, 1, 0]


def test_an_offer_that_was_taken_back_before_it_opened_never_was() -> None:
    one = make.product()
    stream = make.show(products=(one,))
    told = make.offer(stream, opens_at=make.after(60))
    assert [each["status"] for each in shown(one)[0]["offers"]] == ["announced"]
    offers.end(host_id=stream.host_id, offer_id=told.id, now=make.after(5))
    assert shown(one)[0]["offers"] == []


@pytest.mark.parametrize("what", ["cancelled", "overdue", "closed host"])
def test_shows_that_are_not_public_are_not_told(what: str) -> None:
    one = make.product()
    stream = make.show(products=(one,), live=False)
    planned(stream, hours=1)
    assert [each["status"] for each in shown(one)] == ["scheduled"]
    if what == "cancelled":
        shows.cancel(host_id=stream.host_id, stream_id=stream.id, now=timezone.now())
    elif what == "overdue":
        Stream.objects.filter(pk=stream.pk).update(
            starts_at=timezone.now() - listing.OVERDUE - timedelta(minutes=1)
        )
    else:
        Host.objects.filter(pk=stream.host_id).update(is_active=False)
    assert shown(one) == []
    for query in (f"product={one.pk}", f"merchant={one.merchant.slug}", f"host={stream.host.slug}"):
        assert Client().get(f"/api/v1/shop/streams?{query}").json()["results"] == []


def test_shows_are_found_by_what_they_sell_and_who_hosts_them() -> None:
    one, two = make.product(), make.product()
    mira = make.host("Mira")
    past, now, soon = (make.show(mira, products=(one,), live=False) for _ in range(3))
    other = make.show(products=(two,), live=False)
    for stream, hours in ((past, -30), (now, -1), (soon, 5), (other, 6)):
        planned(stream, hours=hours)
    for stream in (past, now):
        shows.go_live(host_id=mira.id, stream_id=stream.id, now=make.NOW)
        if stream is past:
            shows.end(host_id=mira.id, stream_id=stream.id, now=make.after(5))

    def found(query: str) -> list[UUID]:
        answer = Client().get(f"/api/v1/shop/streams?{query}").json()
        return [UUID(each["id"]) for each in answer["results"]]

    hers = [soon.id, now.id, past.id]
    assert found("") == [other.id, *hers]
    for query in (f"product={one.pk}", f"merchant={one.merchant.slug}", f"host={mira.slug}"):
        assert found(query) == hers
        for status, each in (("scheduled", soon), ("live", now), ("ended", past)):
            assert found(f"{query}&status={status}") == [each.id]
    assert found(f"product={one.pk}&merchant={two.merchant.slug}") == []
    answer = Client().get(f"/api/v1/shop/products/{one.pk}/shows?status=ended").json()
    assert [each["id"] for each in answer["results"]] == [str(past.id)]


def test_with_ten_thousand_shows_behind_it_what_is_live_is_read_from_the_few_that_are() -> None:
    one = make.product()
    on = make.show(products=(one,))
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO streams_stream (id, host_id, slug, title, description, status, starts_at, live_at,
                ended_at, video_url, poster_url, chat_slow_seconds, followers_only)
            SELECT gen_random_uuid(), %s, 'past-' || n, 'Past', '', 'ended', now() - n * interval '1 hour',
                now(), now(), '', '', 0, false FROM generate_series(1, 10000) n
            """,
            [on.host_id],
        )
        cursor.execute(
            """
            INSERT INTO streams_showcaseitem (id, stream_id, product_id, position)
            SELECT gen_random_uuid(), id, %s, 1 FROM streams_stream WHERE status = 'ended'
            """,
            [one.pk],
        )
        cursor.execute("ANALYZE streams_stream, streams_showcaseitem")
    rows = discovery.live_items().filter(product=one.pk)
    plan = rows.explain(analyze=True)
    assert "Seq Scan on streams_showcaseitem" not in plan, plan
    assert "rows=10000" not in plan, plan
    assert [each["stream"] for each in live(one)] == [on.id]
    page = shown(one)
    assert len(page) == 20
