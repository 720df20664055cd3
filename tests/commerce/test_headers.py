import pytest
from django.test import AsyncClient, Client


def policy(text: str) -> dict[str, str]:
    parts = (part.strip().split(" ", 1) for part in text.split(";"))
    return {part[0]: part[1] for part in parts}


def test_pages_may_run_nothing_from_elsewhere(client: Client) -> None:
    found = policy(client.get("/nowhere")["Content-Security-Policy"])
    assert found["default-src"] == "'self'"
    assert found["frame-ancestors"] == "'none'"
    assert "script-src" not in found
    assert "unsafe" not in found["default-src"]
    assert found["connect-src"] == "'self' ws://localhost:8000"


@pytest.mark.parametrize("path", ["/admin/", "/studio/"])
def test_only_the_admins_may_run_inline_scripts(client: Client, path: str) -> None:
    found = policy(client.get(path + "nowhere")["Content-Security-Policy"])
    assert "'unsafe-inline'" in found["script-src"]
    assert "'unsafe-eval'" in found["script-src"]


async def test_the_policy_is_sent_under_asgi_too(async_client: AsyncClient) -> None:
    assert "default-src 'self'" in (await async_client.get("/nowhere"))["Content-Security-Policy"]


def test_sniffing_and_framing_are_refused(client: Client) -> None:
    answer = client.get("/nowhere")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "SAMEORIGIN"
