"""API keys from before scopes go through their migration: they open what they did, by the same secret."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import psycopg2
import pytest
from django.conf import settings

MERCHANT = "00000000-0000-7000-8000-000000000001"


@pytest.fixture
def before(process_env: dict[str, str]) -> Iterator[dict[str, str]]:
    """The environment of a database of its own, in which the migration has not run."""
    name = urlsplit(process_env["DATABASE_URL"]).path[1:] + "_before_scopes"
    server = psycopg2.connect(process_env["DATABASE_URL"])
    server.autocommit = True
    server.cursor().execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
    address = urlunsplit(urlsplit(process_env["DATABASE_URL"])._replace(path=f"/{name}"))
    yield {**os.environ, **process_env, "DATABASE_URL": address}
    server.cursor().execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    server.close()


def migrate(env: dict[str, str], to: str) -> None:
    command = [sys.executable, "-W", "ignore", "manage.py", "migrate", "commerce", to, "-v0"]
    subprocess.run(command, cwd=settings.BASE_DIR, env=env, check=True)


def test_old_keys_keep_their_secret_get_all_scopes_and_stay_revoked(before: dict[str, str]) -> None:
    hashes = {
        prefix: f"sha512$${hashlib.sha512(prefix.encode()).hexdigest()}" for prefix in ("valid", "over")
    }
    migrate(before, "0005")
    connection = psycopg2.connect(before["DATABASE_URL"])
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute(
        "INSERT INTO commerce_merchant (id, name, slug, logo_url, currency, host_commission_bp,"
        " platform_fee_bp, is_active) VALUES (%s, 'A', 'a', '', 'EUR', 1000, 1000, true)",
        [MERCHANT],
    )
    for prefix, hashed in hashes.items():
        cursor.execute(
            "INSERT INTO commerce_merchantkey (id, prefix, hashed_key, created, name, revoked, merchant_id)"
            " VALUES (%s, %s, %s, now(), 'erp', %s, %s)",
            [f"{prefix}.{hashed}", prefix, hashed, prefix == "over", MERCHANT],
        )

    migrate(before, "0006")

    cursor.execute(
        "SELECT s.prefix, s.hashed, cardinality(k.scopes), k.networks, k.revoked_at IS NULL, s.valid_until"
        " FROM commerce_merchantkeysecret s JOIN commerce_merchantkey k ON k.id = s.key_id ORDER BY 1 DESC"
    )
    assert cursor.fetchall() == [
        (prefix, hashed, 11, [], prefix == "valid", None) for prefix, hashed in hashes.items()
    ]
    connection.close()
