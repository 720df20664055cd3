import json
import logging
import os
import re
import subprocess
import sys

import pytest
from django.test import AsyncClient, Client

from commerce import logs
from config.env import ROOT

SHOWN = "pi_3Nabcdefgh123456"


@pytest.mark.parametrize(
    "secret",
    [
        "sk_test_4eC39HqLyjWDarjtT1zdp7dc",
        "rk_live_4eC39HqLyjWDarjtT1zdp7dc",
        "whsec_4eC39HqLyjWDarjtT1zdp7dc",
        "pi_3Nabcdefgh123456_secret_XyZ123abc",
        "Bearer abc.def.ghi",
        "Api-Key ab12cd34.sTuVwXyZ0123456789abcdefgh",
        "postgres://shop:hunter2@db/shop",
    ],
)
def test_what_looks_like_a_credential_is_blanked(secret: str) -> None:
    shown = logs.hide_in_text(f"before {secret} after")
    assert logs.HIDDEN in shown
    assert shown.startswith("before ")
    assert shown.endswith(" after") or secret.startswith("postgres")
    for part in ("4eC39", "secret_XyZ", "abc.def", "sTuVw", "hunter2"):
        assert part not in shown


def test_an_id_of_the_payment_provider_stays_readable() -> None:
    assert logs.hide_in_text(f"settled {SHOWN}") == f"settled {SHOWN}"


def test_what_is_named_like_a_credential_is_blanked_however_deep() -> None:
    event = {
        "event": "x",
        "password": "hunter2",
        "headers": {"Authorization": "abc", "Accept": "json"},
        "n": 1,
    }
    assert logs.hide_credentials(None, "info", event) == {
        "event": "x",
        "password": logs.HIDDEN,
        "headers": {"Authorization": logs.HIDDEN, "Accept": "json"},
        "n": 1,
    }


def test_a_request_gets_an_id_and_a_sane_one_is_kept(client: Client) -> None:
    assert re.fullmatch(r"[0-9a-f]{32}", client.get("/healthz")["X-Request-ID"])
    assert client.get("/healthz", headers={"X-Request-ID": "trace-7"})["X-Request-ID"] == "trace-7"
    strange = client.get("/healthz", headers={"X-Request-ID": "a\tb" + "c" * 99})
    assert re.fullmatch(r"[0-9a-f]{32}", strange["X-Request-ID"])


async def test_the_id_is_echoed_under_asgi_too(async_client: AsyncClient) -> None:
    answer = await async_client.get("/healthz", headers={"X-Request-ID": "trace-8"})
    assert answer["X-Request-ID"] == "trace-8"


def test_the_request_log_has_no_query_string(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="request"):
        client.get("/nowhere?ticket=t0ps3cret", headers={"X-Request-ID": "trace-9"})
    text = "\n".join(str(record.msg) for record in caplog.records if record.name == "request")
    assert "/nowhere" in text
    assert "t0ps3cret" not in text


def log_lines(log_format: str, code: str) -> list[str]:
    run = subprocess.run(
        [sys.executable, "-c", f"import django; django.setup(); import logging, structlog\n{code}"],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", "LOG_FORMAT": log_format},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return run.stderr.splitlines()


CODE = """
structlog.contextvars.bind_contextvars(request_id="trace-1")
structlog.get_logger("shop").info("sold", pieces=3, api_key="sk_test_4eC39HqLyjWDarjtT1zdp7dc")
logging.getLogger("library").warning("key sk_test_4eC39HqLyjWDarjtT1zdp7dc is wrong")
try:
    raise ValueError("key sk_test_4eC39HqLyjWDarjtT1zdp7dc is wrong")
except ValueError:
    structlog.get_logger("shop").exception("broke")
"""


def test_json_lines_carry_the_request_id_and_no_credential() -> None:
    lines = [json.loads(line) for line in log_lines("json", CODE)]
    assert [line["event"] for line in lines][::2] == ["sold", "broke"]
    assert {line["request_id"] for line in lines} == {"trace-1"}
    assert lines[0] == lines[0] | {"pieces": 3, "api_key": logs.HIDDEN, "level": "info", "logger": "shop"}
    assert "ValueError" in lines[2]["exception"]
    assert "4eC39" not in json.dumps(lines)


def test_readable_lines_say_the_same() -> None:
    text = "\n".join(log_lines("readable", CODE))
    assert "sold" in text
    assert "trace-1" in text
    assert "ValueError" in text
    assert "4eC39" not in text
