"""The pages as they leave the server: what is in them, what they may load, and what they must not say."""

import json
import re
from typing import Any

import pytest
from django.test import Client

from commerce.models import Host
from streams import shows
from streams.models import Stream
from tests.streams import make

pytestmark = pytest.mark.django_db


def data(html: str, name: str) -> Any:
    found = re.search(rf'<script id="{name}" type="application/json">(.*?)</script>', html, re.S)
    assert found
    return json.loads(found[1])


def policy(response: Any) -> dict[str, str]:
    parts: Any = (part.strip().split(" ", 1) for part in response["Content-Security-Policy"].split(";"))
    return dict(parts)


def test_the_page_holds_the_show_as_it_is(client: Client) -> None:
    stream = make.show(products=(make.product("Lipstick"), make.product("Serum")))

    response = client.get(f"/live/{stream.slug}")

    page = data(response.content.decode(), "page")
    assert page["slug"] == stream.slug
    assert page["socket"].endswith(f"/ws/v1/live/{stream.slug}")
    assert page["me"] is None
    assert [item["product"]["title"] for item in page["snapshot"]["items"]] == ["Lipstick", "Serum"]
    assert "DE" in data(response.content.decode(), "countries")


def test_a_signed_in_shopper_finds_herself_and_nobody_else(client: Client) -> None:
    stream, ada = make.show(), make.user("Ada")
    client.force_login(ada)

    page = data(client.get(f"/live/{stream.slug}").content.decode(), "page")

    assert (page["me"]["id"], page["snapshot"]["me"]["name"]) == (str(ada.id), "Ada")
    assert data(Client().get(f"/live/{stream.slug}").content.decode(), "page")["me"] is None


def test_what_a_host_writes_stays_text(client: Client) -> None:
    owner, nasty = make.host(), "</script><script>alert(1)</script><b>"
    Host.objects.filter(id=owner.id).update(name=nasty)
    stream = make.show(owner)
    Stream.objects.filter(id=stream.id).update(title=nasty, description=nasty)

    for path in ("/", f"/live/{stream.slug}"):
        html = client.get(path).content.decode()
        assert "<script>" not in html
        assert "<b>" not in html


def test_the_pages_run_their_own_files_only(client: Client) -> None:
    stream = make.show()
    for path in ("/", f"/live/{stream.slug}"):
        response = client.get(path)
        html = response.content.decode()

        rules = policy(response)
        assert rules["script-src"] == "'self'"
        assert rules["style-src"] == "'self'"
        assert rules["frame-ancestors"] == "'none'"
        assert "unsafe" not in response["Content-Security-Policy"]
        scripts = re.findall(r"<script\b[^>]*>", html)
        assert scripts
        assert all("src=" in tag or "application/json" in tag for tag in scripts)
        assert not re.search(r"\sstyle=|<style|\son\w+=", html)
        assert response["Cache-Control"].find("no-store") >= 0


def test_with_the_simulator_its_card_form_may_be_framed_and_stripe_is_not_loaded(
    client: Client, settings: Any
) -> None:
    rules = policy(client.get(f"/live/{make.show().slug}"))
    assert rules["frame-src"] == settings.STRIPE_API_BASE
    assert "stripe.com" not in " ".join(rules.values())


def test_with_a_real_account_stripes_own_script_may_be_loaded(client: Client, settings: Any) -> None:
    settings.STRIPE_API_BASE = "https://api.stripe.com"
    rules = policy(client.get(f"/live/{make.show().slug}"))
    assert rules["script-src"] == "'self' https://js.stripe.com"
    assert rules["frame-src"] == "https://js.stripe.com https://hooks.stripe.com"
    assert "https://api.stripe.com" in rules["connect-src"]


def test_the_page_gives_the_token_that_signing_in_needs(client: Client) -> None:
    client.get("/")
    assert client.cookies["csrftoken"].value


def test_unknown_shows_and_those_of_closed_hosts_are_not_there(client: Client) -> None:
    stream = make.show()
    Host.objects.filter(id=stream.host_id).update(is_active=False)

    for slug in ("nowhere", stream.slug):
        response = client.get(f"/live/{slug}")
        assert response.status_code == 404
        assert "See the shows" in response.content.decode()


def test_the_list_tells_what_is_on_what_comes_and_what_was(client: Client) -> None:
    assert "Nobody is live right now" in client.get("/").content.decode()

    make.show(make.host("Mira"))
    over = make.show(make.host("Theo"))
    shows.end(host_id=over.host_id, stream_id=over.id, now=make.NOW)
    make.show(make.host("Noor"), live=False)

    html = client.get("/").content.decode()
    assert "Nobody is live" not in html
    for heading in ("Live now", "Coming up", "Just ended"):
        assert heading in html
    assert html.index("Mira") < html.index("Noor") < html.index("Theo")


@pytest.mark.parametrize("path", ["/", "/live/nowhere"])
def test_pages_are_for_reading(client: Client, path: str) -> None:
    assert client.post(path).status_code == 405
