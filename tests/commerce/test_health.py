import socket

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from pytest_django.fixtures import Settings

pytestmark = pytest.mark.django_db(transaction=True)


def test_alive_looks_at_nothing(client: Client, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert client.get("/healthz").json() == {"status": "alive"}


def test_ready_when_every_part_answers(client: Client) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ready",
        "parts": {"database": "ok", "migrations": "ok", "redis": "ok"},
    }


def test_a_redis_that_is_down_is_named(client: Client, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["parts"] == {"database": "ok", "migrations": "ok", "redis": "does not answer"}


def test_a_redis_that_hangs_does_not_hang_the_answer(client: Client, settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.REDIS_URL = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        assert client.get("/readyz").json()["parts"]["redis"] == "does not answer"


def test_a_database_that_is_down_is_named(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    params = {**connection.get_connection_params(), "host": "127.0.0.1", "port": 1}
    monkeypatch.setattr(connection, "get_connection_params", lambda: dict(params))
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["parts"] == {
        "database": "does not answer",
        "migrations": "does not answer",
        "redis": "ok",
    }


def test_a_migration_that_is_waiting_is_counted(client: Client) -> None:
    applied = MigrationRecorder(connection)
    applied.record_unapplied("commerce", "0001_initial")
    try:
        answer = client.get("/readyz")
    finally:
        applied.record_applied("commerce", "0001_initial")
    assert answer.status_code == 503
    assert answer.json()["parts"]["migrations"] == "1 not applied"
