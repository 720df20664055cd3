"""The control room's buttons over HTTP: what they do to a show, its showcase and its pins."""

import pytest
from django.test import Client

from catalog.models import Product
from streams import pins
from streams.models import Stream
from tests.streams import make
from tests.streams.studio.asking import JSON, at

pytestmark = pytest.mark.django_db


def test_a_show_goes_live_and_ends(client: Client, planned: Stream) -> None:
    live = client.post(at(planned, "go-live")).json()
    ended = client.post(at(planned, "end")).json()

    assert (live["status"], ended["status"]) == ("live", "ended")
    assert live["live_at"] == ended["live_at"] <= ended["ended_at"]


def test_a_move_that_is_not_legal_is_refused_with_its_code(client: Client, planned: Stream) -> None:
    answer = client.post(at(planned, "end"))

    assert answer.status_code == 409
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "ILLEGAL_MOVE"


def test_a_planned_show_is_cancelled(client: Client, planned: Stream) -> None:
    assert client.post(at(planned, "cancel")).json()["status"] == "cancelled"


def test_an_item_is_pinned_and_unpinned(client: Client, live: Stream) -> None:
    item = make.item(live)

    assert client.post(at(live, "pin"), {"item": str(item.id)}, JSON).json()["pinned"] == str(item.id)
    assert pins.current(stream_id=live.id) is not None
    assert client.delete(at(live, "pin")).json() == {"pinned": None}
    assert pins.current(stream_id=live.id) is None


def test_products_are_found_by_words_of_title_and_merchant(client: Client, planned: Stream) -> None:
    make.product("Wool blanket", seller=make.merchant("Maison Lune"))
    make.product("Draft", status=Product.Status.DRAFT)
    make.product("No price", variants=())

    def titles(text: str) -> list[str]:
        found = client.get(at(planned, "products"), {"q": text}).json()["products"]
        return sorted(each["title"] for each in found)

    assert titles("") == ["Two", "Velvet lipstick", "Wool blanket"]
    assert titles("lune wool") == ["Wool blanket"]
    assert titles("lune lipstick") == []
    assert titles("100%_\x00") == []


def test_a_found_product_has_its_lowest_price_its_stock_and_its_place(
    client: Client, planned: Stream
) -> None:
    [found] = client.get(at(planned, "products"), {"q": "velvet"}).json()["products"]

    assert found["price"] == {"amount": 1499, "currency": "EUR"}
    assert found["left"] == 14
    assert found["item"] == str(make.item(planned).id)
    assert found["image"].startswith("/pictures/")


def test_the_showcase_is_filled_ordered_and_emptied(client: Client, planned: Stream) -> None:
    three = make.product("Three")
    added = client.post(at(planned, "showcase"), {"product": str(three.id)}, JSON)
    ids = [each["id"] for each in added.json()["items"]]

    ordered = client.put(at(planned, "showcase/order"), {"items": ids[::-1]}, JSON).json()["items"]
    removed = client.delete(at(planned, f"showcase/{ids[0]}")).json()["items"]

    assert added.status_code == 201
    assert [each["id"] for each in ordered] == ids[::-1]
    assert [each["id"] for each in removed] == ids[:0:-1]
    assert client.get(at(planned, "showcase")).json()["items"] == removed


def test_an_old_order_is_refused(client: Client, planned: Stream) -> None:
    answer = client.put(at(planned, "showcase/order"), {"items": [str(make.item(planned).id)]}, JSON)

    assert (answer.status_code, answer.json()["code"]) == (409, "SHOWCASE_CHANGED")


def test_sales_begin_at_nothing(client: Client, live: Stream) -> None:
    sales = client.get(at(live, "sales")).json()

    assert (sales["units"], sales["revenue"], sales["latest"]) == (0, [], [])
