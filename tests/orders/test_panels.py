"""A shopper's own part of a snapshot: who has nothing yet costs three short queries, who has is told."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from orders.carts import contents
from orders.waitlist import places
from streams import queries, snapshot
from tests.orders import make
from tests.streams.moderation import acts

pytestmark = pytest.mark.django_db(transaction=True)


def test_who_has_nothing_yet_costs_three_queries_whatever_others_have() -> None:
    lipstick = make.variant(stocked=50)
    stream, noa = make.show(lipstick), make.buyer()
    for _ in range(3):
        make.basket((lipstick, 1), by=make.buyer(), stream=stream).go()
    snapshot.own(stream_id=stream.id, user_id=noa.id)

    with CaptureQueriesContext(connection) as asked:
        found = snapshot.own(stream_id=stream.id, user_id=noa.id)

    assert len(asked) == 3
    assert found["cart"] == {"version": 0, "lines": [], "totals": []}
    assert (found["purchases"], found["claims"], found["waitlist"]) == ([], [], [])
    assert found["me"]["held"] == []


def test_whatever_she_has_is_in_it() -> None:
    lipstick, rare = make.variant(stocked=50), make.variant(stocked=0)
    stream, noa = make.show(lipstick, rare), make.buyer()
    bought = make.basket((lipstick, 1), by=noa, stream=stream).go()
    line = acts.held(stream, noa)
    now = timezone.now()
    contents.add(buyer_id=noa.id, variant_id=lipstick.id, quantity=2, stream_id=stream.id, now=now)
    places.join(buyer_id=noa.id, variant_id=rare.id, stream_id=stream.id, offer_id=None, quantity=1, now=now)

    found = snapshot.own(stream_id=stream.id, user_id=noa.id)

    assert [each["id"] for each in found["purchases"]] == [str(bought.id)]
    assert [each["quantity"] for each in found["cart"]["lines"]] == [2]
    assert [each["id"] for each in found["me"]["held"]] == [str(line.id)]
    assert [each["variant"] for each in found["waitlist"]] == [str(rare.id)]


def test_a_closed_account_is_nobody_and_an_unknown_show_is_refused() -> None:
    stream, noa = make.show(make.variant()), make.buyer()
    type(noa).objects.filter(pk=noa.pk).update(is_active=False)

    assert snapshot.own(stream_id=stream.id, user_id=noa.id) == snapshot.NOBODY
    assert snapshot.own(stream_id=stream.id, user_id=None) == snapshot.NOBODY
    with pytest.raises(queries.UnknownShow):
        snapshot.own(stream_id=noa.id, user_id=noa.id)
