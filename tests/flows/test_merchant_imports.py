"""A merchant sends a feed over HTTP; relay and worker bring it in."""

import asyncio
import contextlib
import time
from uuid import uuid4

import pytest
from celery.contrib.testing.worker import start_worker
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile

from catalog.feeds import imports
from catalog.models import Import
from commerce.relay import Relay
from config.celery import app
from tests.catalog import make
from tests.catalog.api import Api
from tests.catalog.make import NOW, feed, row
from tests.live_server import LiveRoom


@pytest.fixture
def api(db: None) -> Api:
    return Api(make.merchant())


@pytest.mark.django_db(transaction=True)
def test_a_feed_goes_in_and_products_come_out() -> None:
    api = Api(make.merchant())
    sent = api.send_feed(
        feed(
            row("balm", title="Lip Balm", name="Shade", value="Rose", sku="B-1", price="4.90", quantity="30"),
            row("balm", value="Mint", sku="B-2", price="soon", quantity="30"),
            row("soap", title="Soap", price="3,50", image="https://img.example.com/soap.jpg"),
        )
    )
    assert (sent.status, sent.body["status"], sent.body["rows_total"], sent.body["percent"]) == (
        202,
        "queued",
        3,
        0,
    )
    path = f"imports/{sent.body['id']}"

    with start_worker(app, pool="solo", queues=["notify"], perform_ping_check=False, shutdown_timeout=20):
        Relay({"import.queued": ["catalog.hearers.start_import"]}).deliver_due()
        deadline = time.monotonic() + 30
        while (job := api.get(path).body)["status"] not in ("done", "failed"):
            assert time.monotonic() < deadline, job
            time.sleep(0.05)

    assert (job["status"], job["percent"], job["rows_done"], job["problems"]) == ("done", 100, 3, 1)
    assert (job["products_created"], job["variants_created"]) == (2, 2)
    [problem] = api.get(f"{path}/problems").body["results"]
    assert problem == {
        "line": 3,
        "column": "Variant Price",
        "code": "BAD_PRICE",
        "value": "soon",
        "message": "This is not a price.",
        "skipped": True,
    }
    soap, balm = api.get("products").body["results"]
    assert (soap["handle"], soap["status"], soap["images"][0]["url"]) == (
        "soap",
        "approved",
        "https://img.example.com/soap.jpg",
    )
    [rose] = balm["variants"]
    assert (rose["title"], rose["price"]["amount"], rose["available"]) == ("Rose", 490, 30)


def test_a_form_with_a_file_is_a_feed_too(api: Api) -> None:
    sent = api.send_form({"file": SimpleUploadedFile("spring.csv", make.simple_feed(2), "text/csv")})
    assert (sent.status, sent.body["filename"], sent.body["rows_total"]) == (202, "spring.csv", 4)


def test_the_same_bytes_again_are_the_import_that_is_waiting(api: Api) -> None:
    first, again = api.send_feed(make.simple_feed(1)), api.send_feed(make.simple_feed(1))
    assert (first.status, again.status) == (202, 200)
    assert first.body["id"] == again.body["id"]


def test_a_key_makes_sending_again_harmless_even_when_the_import_is_done(api: Api) -> None:
    key = {"Idempotency-Key": str(uuid4())}
    first = api.send_form({"file": SimpleUploadedFile("a.csv", make.simple_feed(1))}, **key)
    imports.run(import_id=first.body["id"], now=NOW)
    # The form's boundary differs; the file is the same.
    again = api.send_form({"file": SimpleUploadedFile("a.csv", make.simple_feed(1))}, **key)
    assert (again.status, again.body, again.headers["Idempotent-Replayed"]) == (202, first.body, "true")
    assert Import.objects.count() == 1
    other = api.send_feed(make.simple_feed(2), headers=key)
    assert (other.status, other.code) == (422, "IDEMPOTENCY_MISMATCH")


def test_imports_are_listed_newest_first_and_by_status(api: Api) -> None:
    for n in (1, 2, 3):
        api.send_feed(make.simple_feed(n))
    rows = api.get("imports").body["results"]
    assert [one["rows_total"] for one in rows] == [6, 4, 2]
    imports.run(import_id=rows[2]["id"], now=NOW)
    assert [one["rows_total"] for one in api.get("imports?status=done").body["results"]] == [2]


def test_problems_come_in_the_order_of_the_file_page_by_page(api: Api) -> None:
    rows = [row(f"p{n}", title="P", price="?", quantity="?") for n in range(7)]
    sent = api.send_feed(feed(*rows))
    imports.run(import_id=sent.body["id"], now=NOW)
    lines: list[int] = []
    url = f"imports/{sent.body['id']}/problems?page_size=3"
    while url:
        page = api.get(url).body
        lines += [problem["line"] for problem in page["results"]]
        url = page["next"]
    assert lines == list(range(2, 9))


# --- bad input ---


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "EMPTY_FEED"),
        (b"  \n\n", "EMPTY_FEED"),
        (b"Handle,Title,Variant Price\n", "EMPTY_FEED"),
        (b"PK\x03\x04" + bytes(100), "NOT_TEXT"),
        (bytes(range(256)) * 10, "NOT_TEXT"),
        (b"Name,Cost\nSoap,5\n", "MISSING_COLUMN"),
        (b'{"products": []}', "NOT_JSON_LINES"),
        (b'[{"handle": "soap"}]', "NOT_JSON_LINES"),
        (b"<html><body>Sign in</body></html>", "BAD_XML"),
        (b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "b">]><rss><channel/></rss>', "XML_DOCTYPE"),
        (b",".join(b"c%d" % n for n in range(10_000)) + b"\nx\n", "TOO_MANY_COLUMNS"),
    ],
)
def test_what_cannot_be_a_feed_is_refused_at_once(api: Api, body: bytes, code: str) -> None:
    for reply in (api.send_feed(body), api.send_form({"file": SimpleUploadedFile("f.csv", body)})):
        assert (reply.status, reply.code) == (400, code)
    assert not Import.objects.exists()


def test_a_malformed_feed_keeps_its_good_rows(api: Api) -> None:
    body = (
        b'Handle,Title,Variant Price\na,"never closed,5\nb,nu\0l,5\nc,x,5,extra\nd,'
        + b"y" * 300
        + b",5\n\ne,ok,5\n"
    )
    sent = api.send_feed(body)
    assert sent.status == 202
    imports.run(import_id=sent.body["id"], now=NOW)
    found = api.get(f"imports/{sent.body['id']}/problems").body["results"]
    assert [(problem["line"], problem["code"]) for problem in found] == [
        (2, "UNCLOSED_QUOTE"),
        (3, "NUL_BYTE"),
        (4, "TOO_MANY_CELLS"),
        (5, "TOO_LONG"),
    ]
    assert {product["handle"] for product in api.get("products").body["results"]} == {"b", "d", "e"}


def test_a_feed_beyond_the_limit_is_too_large(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "IMPORT_MAX_BYTES", 2_000)
    body = make.simple_feed(200)
    assert len(body) > 20_000
    for reply in (
        api.send_feed(body),
        api.send_form({"file": SimpleUploadedFile("f.csv", body)}),  # refused by its announced length
        api.send_form({"file": SimpleUploadedFile("f.csv", body[:3_000])}),  # refused by its real one
    ):
        assert (reply.status, reply.code) == (413, "TOO_LARGE")
        assert reply.body["data"] == {"limit": 2_000}
    assert not Import.objects.exists()


def test_a_feed_of_exactly_the_limit_is_taken(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    body = make.simple_feed(3)
    monkeypatch.setattr(settings, "IMPORT_MAX_BYTES", len(body))
    assert api.send_feed(body).status == 202


@pytest.mark.parametrize("charset", ["idna", "hex", "utf-16", "nobody-s"])
def test_a_form_is_in_utf_8_whatever_its_header_names(api: Api, charset: str) -> None:
    part = b'--B\r\nContent-Disposition: form-data; name="file"; filename="f\xc3\xbcr.csv"\r\n\r\n'
    reply = api.client.post(
        "/api/v1/catalog/imports",
        part + make.simple_feed(1) + b"\r\n--B--\r\n",
        content_type=f"multipart/form-data; boundary=B; charset={charset}",
        headers=api.headers,
    )
    assert (reply.status_code, reply.json().get("filename")) == (202, "für.csv")


def test_a_form_without_a_file_or_with_other_fields_is_refused(api: Api) -> None:
    assert api.send_form({}).body["errors"]["file"][0]["code"] == "required"
    assert api.send_form({"file": "text, no file"}).status == 400
    extra = api.send_form({"file": SimpleUploadedFile("f.csv", make.simple_feed(1)), "dry_run": "1"})
    assert extra.body["errors"]["dry_run"][0]["code"] == "UNKNOWN_FIELD"


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "image/png", ""])
def test_other_types_of_body_are_not_read(api: Api, content_type: str) -> None:
    reply = api.call("POST", "imports", data=b'{"file": 1}', content_type=content_type)
    assert (reply.status, reply.code) == (415, "UNSUPPORTED_MEDIA_TYPE")


def test_a_broken_form_is_refused(api: Api) -> None:
    for content_type in ("multipart/form-data", "multipart/form-data; boundary=x"):
        reply = api.call("POST", "imports", data=b"--y\r\nnonsense", content_type=content_type)
        assert reply.status == 400
        assert reply.code in ("BAD_REQUEST", "EMPTY_FEED")


def test_too_many_waiting_imports_are_refused_for_now(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "MAX_UNFINISHED", 1)
    api.send_feed(make.simple_feed(1))
    reply = api.send_feed(make.simple_feed(2))
    assert (reply.status, reply.code, reply.body["temporary"]) == (429, "RATE_LIMITED", True)
    assert int(reply.headers["Retry-After"]) > 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("way", [{"Content-Length": "1073741824"}, {"Transfer-Encoding": "chunked"}])
async def test_a_giant_is_refused_before_it_is_all_read(live_room: LiveRoom, way: dict[str, str]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", live_room.port)
    head = {"Host": "localhost", "Content-Type": "text/csv", **way}
    lines = ["POST /api/v1/catalog/imports HTTP/1.1", *(f"{name}: {value}" for name, value in head.items())]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    sent, chunk = 0, b"100000\r\n" + bytes(1 << 20) + b"\r\n"
    answer = asyncio.create_task(reader.readline())
    with contextlib.suppress(ConnectionError):
        while not answer.done() and sent < 200 << 20:
            writer.write(chunk)
            await writer.drain()
            sent += 1 << 20
    assert b" 413 " in await asyncio.wait_for(answer, 20)
    assert sent < 100 << 20  # what buffers on the way hold comes on top of the limit
    writer.close()
