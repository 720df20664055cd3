"""Whose the control room's buttons are: each host's own, and nobody else's."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from commerce.models import Host
from streams import coupons
from streams.models import Offer, Pin, Stream
from tests.streams import make
from tests.streams.studio.asking import JSON, a_coupon, an_offer, at, client_of

pytestmark = pytest.mark.django_db


def everything(stream: Stream) -> list[tuple[str, str, dict[str, Any] | None]]:
    """Every address of the desk, aimed at this show with bodies that would work for its host."""
    item, product = make.item(stream), make.product("Another")
    now = timezone.now()
    offer = make.offer(stream, of=make.item(stream, 1), now=now)
    merchant_id = item.product.merchant_id
    new = coupons.New(merchant_id, "FIRST", 1000, None, 0, 5, 1, 60)
    coupon = coupons.create(host_id=stream.host_id, stream_id=stream.id, new=new, now=now)
    return [
        ("post", at(stream, "go-live"), None),
        ("post", at(stream, "end"), None),
        ("post", at(stream, "cancel"), None),
        ("get", at(stream, "sales"), None),
        ("get", at(stream, "products"), None),
        ("get", at(stream, "showcase"), None),
        ("put", at(stream, "showcase/order"), {"items": [str(make.item(stream, 1).id), str(item.id)]}),
        ("post", at(stream, "showcase"), {"product": str(product.id)}),
        ("delete", at(stream, f"showcase/{item.id}"), None),
        ("post", at(stream, "pin"), {"item": str(item.id)}),
        ("delete", at(stream, "pin"), None),
        ("post", at(stream, "offers"), an_offer(stream)),
        ("get", at(stream, f"showcase/{item.id}/outlook"), None),
        ("post", at(stream, "coupons"), a_coupon(stream)),
        ("post", f"/api/v1/studio/coupons/{coupon.id}/end", None),
        ("post", f"/api/v1/studio/offers/{offer.id}/open", None),
        ("post", f"/api/v1/studio/offers/{offer.id}/end", None),
        ("post", f"/api/v1/studio/offers/{offer.id}/extend", {"seconds": 30}),
    ]


def ask(client: Client, method: str, address: str, body: dict[str, Any] | None) -> int:
    return int(getattr(client, method)(address, body, content_type=JSON).status_code)


def test_every_button_works_for_the_host_and_is_not_found_for_another(client: Client, live: Stream) -> None:
    """First as a stranger, which must change nothing; then as the host: the requests themselves are good."""
    stranger = client_of(make.host("Eve"))
    requests = everything(live)
    told = make.told(live)

    assert {ask(stranger, *each) for each in requests} == {404}
    assert make.told(live) == told
    live.refresh_from_db()
    assert live.status == "live"

    final = ("/go-live", "/end", "/cancel", f"/showcase/{make.item(live).id}")
    good = [each for each in requests if not each[1].endswith(final)]
    assert {ask(client, *each) for each in good} <= {200, 201, 204}


def test_anonymous_callers_and_shoppers_are_kept_out(live: Stream) -> None:
    shopper = Client()
    shopper.force_login(make.user())

    for each in everything(live):
        assert ask(Client(), *each) == 401
        assert ask(shopper, *each) == 403


def test_a_host_who_is_not_active_any_more_is_kept_out(client: Client, host: Host, live: Stream) -> None:
    Host.objects.filter(pk=host.pk).update(is_active=False)

    assert client.get(at(live, "sales")).status_code == 403


def test_a_write_without_the_csrf_token_is_refused(host: Host, planned: Stream) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(host.user)

    assert strict.post(at(planned, "go-live")).status_code == 403
    planned.refresh_from_db()
    assert planned.status == "scheduled"


def test_ids_of_other_shows_inside_bodies_are_not_found(client: Client, live: Stream) -> None:
    foreign = make.item(make.show(products=(make.product("Hers"),)))

    assert client.post(at(live, "pin"), {"item": str(foreign.id)}, JSON).status_code == 404
    assert client.post(at(live, "offers"), an_offer(live, item=str(foreign.id)), JSON).status_code == 404
    hers = a_coupon(live, merchant=str(foreign.product.merchant_id))
    assert client.post(at(live, "coupons"), hers, JSON).status_code == 404
    assert client.get(at(live, f"showcase/{foreign.id}/outlook")).status_code == 404
    assert client.delete(at(live, f"showcase/{foreign.id}")).status_code == 404
    assert not Pin.objects.exists()
    assert not Offer.objects.exists()
