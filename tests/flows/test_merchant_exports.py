"""A merchant fetches her assortment over HTTP; relay and worker write it."""

import asyncio
import time
from collections.abc import Callable
from uuid import uuid4

import httpx
import pytest
from celery.contrib.testing.worker import start_worker
from django.db import connection

from catalog.feeds import exports, imports
from catalog.models import Export
from commerce.relay import Relay
from config.celery import app
from tests.catalog import make
from tests.catalog.api import ROOT, Api
from tests.catalog.make import NOW
from tests.live_server import LiveRoom


@pytest.fixture
def api(db: None) -> Api:
    return Api(make.merchant())


def bring_in(api: Api, count: int) -> None:
    imports.run(import_id=make.import_of(api.merchant, make.simple_feed(count)).pk, now=NOW)


@pytest.mark.django_db(transaction=True)
def test_a_file_is_asked_for_written_and_fetched() -> None:
    api = Api(make.merchant())
    bring_in(api, 3)
    sent = api.post("exports", {"format": "shopify_csv", "filters": {"status": "approved"}})
    assert (sent.status, sent.body["status"], sent.body["percent"]) == (202, "queued", 0)
    path = f"exports/{sent.body['id']}"
    early = api.get(f"{path}/file")
    assert (early.status, early.code) == (409, "EXPORT_NOT_READY")

    with start_worker(app, pool="solo", queues=["notify"], perform_ping_check=False, shutdown_timeout=20):
        Relay({"export.queued": ["catalog.hearers.start_export"]}).deliver_due()
        deadline = time.monotonic() + 30
        while (job := api.get(path).body)["status"] not in ("done", "failed"):
            assert time.monotonic() < deadline, job
            time.sleep(0.05)

    assert (job["status"], job["percent"], job["products_done"], job["variants_done"]) == ("done", 100, 3, 6)
    assert job["rows_per_second"] > 0
    assert job["eta_seconds"] is None
    file = api.client.get(f"{ROOT}{path}/file", headers={**api.headers, "Accept": "text/csv"})
    assert file.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert file.headers["Content-Disposition"].startswith('attachment; filename="products-')
    body = b"".join(file.streaming_content)  # type: ignore[attr-defined]  # of a file that is streamed
    assert len(body) == int(file.headers["Content-Length"]) == job["bytes"]
    assert body.count(b"\r\n") == 7
    back = api.send_feed(body)
    imports.run(import_id=back.body["id"], now=NOW)
    done = api.get(f"imports/{back.body['id']}").body
    assert (done["products_unchanged"], done["variants_unchanged"], done["problems"]) == (3, 6, 0)


@pytest.mark.django_db(transaction=True)
async def test_the_live_server_hands_a_file_out_part_by_part(
    live_room: LiveRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    def elsewhere(work: Callable[[], tuple[Api, Export]]) -> tuple[Api, Export]:
        try:
            return work()
        finally:
            connection.close()

    def written() -> tuple[Api, Export]:
        monkeypatch.setattr(exports, "BATCH_PRODUCTS", 2)
        api = Api(make.merchant())
        bring_in(api, 9)
        job = exports.queue(merchant_id=api.merchant.pk, format="jsonl", filters={}, now=NOW)
        exports.run(export_id=job.pk, now=NOW)
        return api, job

    api, job = await asyncio.to_thread(elsewhere, written)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{live_room.port}") as client:
        reply = await client.get(f"{ROOT}exports/{job.pk}/file", headers={**api.headers, "Host": "localhost"})
    assert reply.status_code == 200
    assert reply.headers["Content-Type"] == "application/jsonl; charset=utf-8"
    assert len(reply.text.splitlines()) == 9


def test_a_key_makes_asking_again_harmless(api: Api) -> None:
    key = {"Idempotency-Key": str(uuid4())}
    first = api.post("exports", {"format": "jsonl"}, headers=key)
    again = api.post("exports", {"format": "jsonl"}, headers=key)
    assert (first.status, again.status, first.body["id"]) == (202, 202, again.body["id"])
    assert Export.objects.count() == 1


def test_an_export_is_cancelled(api: Api) -> None:
    sent = api.post("exports", {"format": "google_tsv"})
    path = f"exports/{sent.body['id']}"
    assert sent.body["filters"] == {"status": "approved"}
    assert api.post(f"{path}/cancel").body["status"] == "cancelled"
    assert api.get(f"{path}/file").code == "EXPORT_NOT_READY"
    assert api.get("exports?status=cancelled").body["results"][0]["id"] == sent.body["id"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"format": "xlsx"},
        {"format": "jsonl", "filters": {"colour": "red"}},
        {"format": "jsonl", "filters": {"status": "lost"}},
        {"format": "jsonl", "filters": {"vendor": ""}},
        {"format": "jsonl", "filters": []},
        {"format": "jsonl", "to": "https://example.com"},
    ],
)
def test_what_cannot_be_exported_is_refused(api: Api, body: object) -> None:
    reply = api.post("exports", body)
    assert (reply.status, reply.code) == (400, "BAD_REQUEST")
    assert not Export.objects.exists()
