import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import env
from config.variables import VARIABLES, Variable

PRODUCTION = {
    "DEBUG": "false",
    "SECRET_KEY": "a-long-and-random-text",
    "BASE_URL": "https://shop.example.com",
    "DATABASE_URL": "postgres://shop:pw@db.example.com/shop",
    "REDIS_URL": "redis://redis.example.com:6379/0",
    "STRIPE_SECRET_KEY": "sk_test_abc",
    "STRIPE_PUBLISHABLE_KEY": "pk_test_abc",
    "STRIPE_WEBHOOK_SECRETS": "whsec_new, whsec_old",
    "WEBHOOK_KEYS": "one-long-and-random, another",
}


def settings_value(expression: str, **environ: str) -> str:
    """What an expression over the settings gives in a process with exactly this environment."""
    clean = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    run = subprocess.run(
        [sys.executable, "-c", f"from config import settings; print({expression})"],
        env={**clean, "ENV_FILE": os.devnull, **environ},
        cwd=env.ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return run.stdout.strip() if run.returncode == 0 else run.stderr


def test_with_nothing_set_every_default_is_read() -> None:
    found = env.Environment({})
    assert found.flag("DEBUG") is True
    assert found.number("HOLD_SECONDS") == 600
    assert found.words("ALLOWED_HOSTS") == []


@pytest.mark.parametrize("variable", [v for v in VARIABLES if v.required], ids=lambda v: v.name)
def test_a_missing_required_variable_stops_production_and_is_named(variable: Variable) -> None:
    without = {name: value for name, value in PRODUCTION.items() if name != variable.name}
    with pytest.raises(ImproperlyConfigured, match=rf"\b{variable.name} must be set"):
        env.Environment(without)


@pytest.mark.parametrize(
    ("name", "nonsense"),
    [
        ("DEBUG", "perhaps"),
        ("HOLD_SECONDS", "ten"),
        ("HOLD_SECONDS", "5"),
        ("HOLD_SECONDS", "9999999"),
        ("LOG_FORMAT", "pretty"),
        ("CHAT_FILTER_LANGUAGES", "english, klingon"),
        ("DATABASE_URL", "sqlite:///db.sqlite3"),
        ("REDIS_URL", "memory://"),
        ("BASE_URL", "shop.example.com"),
        ("BASE_URL", "https://"),
        ("BASE_URL", "https://shop:port"),
        ("LIVE_PORT", "70000"),
    ],
)
def test_nonsense_is_refused_and_named(name: str, nonsense: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=rf"\b{name} "):
        env.Environment({name: nonsense})


def test_every_wrong_variable_is_named_at_once() -> None:
    with pytest.raises(ImproperlyConfigured) as refused:
        env.Environment({"DEBUG": "perhaps", "HOLD_SECONDS": "ten"})
    assert "DEBUG" in str(refused.value)
    assert "HOLD_SECONDS" in str(refused.value)


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from-the-file\n")
    found = env.Environment({"SECRET_KEY_FILE": str(tmp_path / "key")})
    assert found.text("SECRET_KEY") == "from-the-file"


def test_a_secret_given_twice_or_in_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY and SECRET_KEY_FILE are both set"):
        env.Environment({"SECRET_KEY": "x", "SECRET_KEY_FILE": "/dev/null"})
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY cannot be read from SECRET_KEY_FILE"):
        env.Environment({"SECRET_KEY_FILE": str(tmp_path / "nowhere")})


def test_a_variable_that_is_not_declared_cannot_be_read() -> None:
    with pytest.raises(KeyError):
        env.Environment({}).text("SOMETHING_ELSE")


def test_no_default_secret_reaches_a_generated_file() -> None:
    for text in (env.example_text(), env.page_text()):
        assert "development-only-key" not in text
        assert all(variable.name in text for variable in VARIABLES)


def test_the_generated_files_are_up_to_date() -> None:
    assert env.main(["--check"]) == 0


def test_a_stale_generated_file_is_noticed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(env, "ROOT", tmp_path)
    assert env.main(["--check"]) == 1
    assert env.main(["--write"]) == 0
    assert env.main(["--check"]) == 0
    (tmp_path / ".env.example").write_text("old")
    assert env.main(["--check"]) == 1


def test_production_settings_are_guarded() -> None:
    checks = (
        "settings.SESSION_COOKIE_SECURE, settings.CSRF_COOKIE_SECURE, settings.SECURE_SSL_REDIRECT, "
        "settings.SECURE_HSTS_SECONDS > 0, 'unsafe' in settings.CONTENT_SECURITY_POLICIES['/']['default-src']"
    )
    assert settings_value(checks, **PRODUCTION) == "True True True True False"
    assert settings_value("settings.STRIPE_API_BASE", **PRODUCTION) == "https://api.stripe.com"
    assert settings_value("settings.STRIPE_WEBHOOK_SECRETS", **PRODUCTION) == "['whsec_new', 'whsec_old']"


def test_a_live_key_is_sent_to_nobody_but_stripe() -> None:
    live = {**PRODUCTION, "STRIPE_SECRET_KEY": "sk_live_abc"}
    assert settings_value("'fine'", **live) == "fine"
    elsewhere = settings_value("'fine'", **live, STRIPE_API_BASE="http://127.0.0.1:12111")
    assert "STRIPE_API_BASE is not Stripe" in elsewhere
    assert "sk_live_abc" not in elsewhere


def test_a_key_that_is_no_stripe_key_stops_the_start() -> None:
    assert "STRIPE_SECRET_KEY must begin with" in settings_value("'fine'", STRIPE_SECRET_KEY="secret")


def test_hosts_and_origins_follow_from_the_base_url() -> None:
    hosts = settings_value("settings.ALLOWED_HOSTS, settings.CSRF_TRUSTED_ORIGINS", **PRODUCTION)
    assert hosts == "['shop.example.com', 'localhost', '127.0.0.1'] ['https://shop.example.com']"
    assert settings_value("settings.LIVE_SOCKET_URL", **PRODUCTION) == "wss://shop.example.com"


def test_merchants_endpoints_are_on_this_machine_only_in_development() -> None:
    flag = {"WEBHOOK_ALLOW_LOOPBACK": "true"}
    assert settings_value("settings.WEBHOOK_ALLOW_LOOPBACK") == "False"
    assert settings_value("settings.WEBHOOK_ALLOW_LOOPBACK", **flag) == "True"
    assert settings_value("settings.WEBHOOK_ALLOW_LOOPBACK", **PRODUCTION) == "False"
    assert "WEBHOOK_ALLOW_LOOPBACK must be off" in settings_value("'fine'", **PRODUCTION, **flag)


def test_signing_keys_and_mail_are_read() -> None:
    assert settings_value("settings.WEBHOOK_KEYS", **PRODUCTION) == "['one-long-and-random', 'another']"
    assert "WEBHOOK_KEYS names no key" in settings_value("'fine'", WEBHOOK_KEYS=",")
    mail = {"EMAIL_URL": "smtp+tls://me:pw@mail.example.com:587"}
    read = "settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_HOST_USER, settings.EMAIL_USE_TLS"
    assert settings_value(f"({read})", **mail) == "('mail.example.com', 587, 'me', True)"
    assert settings_value("settings.EMAIL_BACKEND") == "django.core.mail.backends.dummy.EmailBackend"
