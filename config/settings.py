"""The one settings module; what differs between machines comes from the environment (config/env.py)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from commerce import logs
from config import embedded, servers
from config.commands import COMMANDS
from config.desk import WAITING
from config.env import ROOT, Environment
from config.look import DESK as DESK
from config.look import STUDIO as STUDIO
from config.look import UNFOLD as UNFOLD
from config.openapi import SPECTACULAR
from config.panels import STUDIO_PANELS as STUDIO_PANELS
from config.scopes import NEEDS
from config.subscriptions import ENTRANCES as ENTRANCES
from config.subscriptions import GAUGES as GAUGES
from config.subscriptions import SNAPSHOT_PANELS as SNAPSHOT_PANELS
from config.subscriptions import SUBSCRIPTIONS as SUBSCRIPTIONS
from config.subscriptions import WEBHOOK_EVENTS as WEBHOOK_EVENTS

environ.Env.read_env(ROOT / os.environ.get("ENV_FILE", ".env"))
env = Environment(os.environ)

# --- basics ---

BASE_DIR = ROOT
DEBUG = env.flag("DEBUG")
SECRET_KEY = env.text("SECRET_KEY")
VAR_DIR = Path(ROOT, env.text("VAR_DIR"))

BASE_URL = env.text("BASE_URL").rstrip("/")
_base = urlsplit(BASE_URL)
if _base.path or _base.query:
    raise ImproperlyConfigured("BASE_URL must be a scheme and a host, without a path.")
SECURE = _base.scheme == "https"
TRUST_PROXY = env.flag("TRUST_PROXY")
WEB_HOST = env.text("WEB_HOST")
WEB_PORT = env.number("WEB_PORT")
HTTP_THREADS = env.number("HTTP_THREADS")
METRICS_HOST = env.text("METRICS_HOST")
METRICS_PORT = env.number("METRICS_PORT")
# localhost stays served in production for health probes inside the container.
ALLOWED_HOSTS = [*env.words("ALLOWED_HOSTS"), str(_base.hostname), "localhost", "127.0.0.1"]
if DEBUG:
    ALLOWED_HOSTS.append("[::1]")
CSRF_TRUSTED_ORIGINS = [*env.words("CSRF_TRUSTED_ORIGINS"), BASE_URL]
for _origin in CSRF_TRUSTED_ORIGINS:
    if urlsplit(_origin).scheme not in ("http", "https"):
        raise ImproperlyConfigured(f"CSRF_TRUSTED_ORIGINS: {_origin} needs a scheme, as in https://{_origin}")

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "rest_framework_api_key",
    "channels",
    "commerce",
    "catalog",
    "streams",
    "orders",
]

MIDDLEWARE = [
    "commerce.logs.RequestLog",
    "commerce.charsets.read_as_text",
    "commerce.headers.ContentSecurityPolicy",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
APPEND_SLASH = True

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- data ---

DATABASE_URL = env.text("DATABASE_URL") or servers.database_url(VAR_DIR)
_database: dict[str, Any] = {
    **environ.Env.db_url_config(DATABASE_URL),
    "ENGINE": "django.db.backends.postgresql",
}
_options: dict[str, Any] = _database.setdefault("OPTIONS", {})
if "host" in _options:  # a unix socket, given as ?host=/folder
    _database["HOST"] = _options.pop("host")
_options.setdefault("connect_timeout", 5)
_options.setdefault("application_name", "yellowcart")
# No transaction waits for people or networks, so one that idles is broken and must not keep its locks.
_options.setdefault("options", "-c idle_in_transaction_session_timeout=60000 -c lock_timeout=10000")
# Every request under ASGI has a thread of its own; a kept connection would be lost with it.
DATABASES = {"default": {**_database, "CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": True}}

REDIS_URL = env.text("REDIS_URL") or servers.redis_url(VAR_DIR)
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "cache",
    }
}
# Carries control messages only; what a room hears goes through the hub.
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL], "prefix": "control"},
    }
}

# --- background work ---

QUEUES_URL = env.text("CELERY_BROKER_URL") or REDIS_URL
CELERY_BROKER_URL = servers.broker_url(QUEUES_URL)
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "settle"
CELERY_TASK_CREATE_MISSING_QUEUES = False
# "sweep" is for what the clock ends, and asks the database alone: its worker never waits for a provider.
CELERY_TASK_QUEUES: dict[str, dict[str, str]] = {"settle": {}, "notify": {}, "sweep": {}}
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
# A task of a killed worker is delivered again; every task is therefore safe to run twice.
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# How many messages a process takes at once, where its command does not say. Celery's time limits do nothing
# in threads: what a task may take is bounded by orders/recovery.py and by the deadline of an answer.
SETTLE_THREADS = env.number("SETTLE_THREADS")
CELERY_WORKER_CONCURRENCY = SETTLE_THREADS
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # Above the longest task (tests/orders/test_recovery.py), or a slow one would run twice at once.
    "visibility_timeout": 600,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    # An emptied Redis has forgotten which queue is whose; without this, tasks would be dropped in silence.
    "deadletter_queue": "settle",
    "socket_keepalive": True,
    "health_check_interval": 15,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 2, "interval_start": 0.1, "interval_max": 0.5}
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 20
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_ENABLE_UTC = True
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "beat-schedule")

# --- people ---

AUTH_USER_MODEL = "commerce.User"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "/login"
LOGIN_REDIRECT_URL = "/"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"

# --- live ---

SOCKET_COMMANDS = COMMANDS
LIVE_SOCKET_URL = env.text("LIVE_SOCKET_URL").rstrip("/") or BASE_URL.replace("http", "ws", 1)
LIVE_HOST = env.text("LIVE_HOST")
LIVE_PORT = env.number("LIVE_PORT")
LIVE_DRAIN_SECONDS = env.number("LIVE_DRAIN_SECONDS")
ROOM_UPGRADES_PER_SECOND = env.number("ROOM_UPGRADES_PER_SECOND")
ROOM_SOCKETS_PER_ADDRESS = env.number("ROOM_SOCKETS_PER_ADDRESS")
ROOM_ANONYMOUS_PER_ADDRESS = env.number("ROOM_ANONYMOUS_PER_ADDRESS")
ROOM_LIFE_SECONDS = env.number("ROOM_LIFE_SECONDS")
# Asked in this order; each finds, none removes.
CHAT_FILTERS = [
    "streams.moderation.words.PlatformWords",
    "streams.moderation.links.Links",
    "streams.moderation.personal.PersonalData",
]
CHAT_FILTER_LANGUAGES = env.words("CHAT_FILTER_LANGUAGES")
CHAT_FILTER_MS = env.number("CHAT_FILTER_MS")

# --- payments ---

STRIPE_SECRET_KEY = env.text("STRIPE_SECRET_KEY")
STRIPE_PUBLISHABLE_KEY = env.text("STRIPE_PUBLISHABLE_KEY")
STRIPE_TIMEOUT_SECONDS = env.number("STRIPE_TIMEOUT_SECONDS")
STRIPE_CALLS_PER_SECOND = env.number("STRIPE_CALLS_PER_SECOND")
_simulator = embedded.simulator(VAR_DIR) if DEBUG else None
STRIPE_WEBHOOK_SECRETS = env.words("STRIPE_WEBHOOK_SECRETS") or ([_simulator.secret] if _simulator else [])
STRIPE_CONNECT_WEBHOOK_SECRETS = env.words("STRIPE_CONNECT_WEBHOOK_SECRETS") or (
    [embedded.connect_secret(_simulator.secret)] if _simulator else []
)
CONTACT_DAYS = env.number("CONTACT_DAYS")
NOTICE_KEEP_DAYS = env.number("NOTICE_KEEP_DAYS")
STRIPE_API_BASE = env.text("STRIPE_API_BASE").rstrip("/")
if not STRIPE_API_BASE:
    _simulated = DEBUG and STRIPE_SECRET_KEY == "sk_test_simulated"
    STRIPE_API_BASE = (
        _simulator.address
        if _simulator and _simulated
        else "http://127.0.0.1:12111"
        if _simulated
        else "https://api.stripe.com"
    )
if not STRIPE_SECRET_KEY.startswith(("sk_test_", "sk_live_", "rk_test_", "rk_live_")):
    raise ImproperlyConfigured("STRIPE_SECRET_KEY must begin with sk_test_, sk_live_, rk_test_ or rk_live_.")
if "_live_" in STRIPE_SECRET_KEY[:8] and STRIPE_API_BASE != "https://api.stripe.com":
    raise ImproperlyConfigured(
        "STRIPE_API_BASE is not Stripe, but STRIPE_SECRET_KEY is a live key. A live key goes to Stripe only."
    )

# --- rules ---

HOLD_SECONDS = env.number("HOLD_SECONDS")
HOLD_MOST_SECONDS = env.number("HOLD_MOST_SECONDS")
if HOLD_SECONDS > HOLD_MOST_SECONDS:
    raise ImproperlyConfigured("HOLD_SECONDS must not be more than HOLD_MOST_SECONDS.")
TAKE_BACK_AFTER_DAYS = env.number("TAKE_BACK_AFTER_DAYS")
WAITLIST_TURN_SECONDS = env.number("WAITLIST_TURN_SECONDS")
PURCHASES_PER_MINUTE = env.number("PURCHASES_PER_MINUTE")
ADMISSION_SECONDS = env.number("ADMISSION_SECONDS")
COMMISSION_NOTICE_DAYS = env.number("COMMISSION_NOTICE_DAYS")
IMPORT_MAX_BYTES = env.number("IMPORT_MAX_BYTES")
PICTURE_THREADS = env.number("PICTURE_THREADS")

# --- merchants' API keys ---

MERCHANT_NEEDS = NEEDS
MERCHANT_REQUESTS_PER_MINUTE = {
    "read": env.number("MERCHANT_READS_PER_MINUTE"),
    "write": env.number("MERCHANT_WRITES_PER_MINUTE"),
    "bulk": env.number("MERCHANT_BULKS_PER_MINUTE"),
}
SHOP_READS_PER_MINUTE = env.number("SHOP_READS_PER_MINUTE")

# --- the merchant admin ---

DESK_WAITING = WAITING

# --- webhooks to merchants ---

WEBHOOK_KEYS = env.words("WEBHOOK_KEYS")
WEBHOOK_ALLOW_LOOPBACK = env.flag("WEBHOOK_ALLOW_LOOPBACK")
if not WEBHOOK_KEYS:
    raise ImproperlyConfigured("WEBHOOK_KEYS names no key.")
if WEBHOOK_ALLOW_LOOPBACK and not DEBUG:
    raise ImproperlyConfigured("WEBHOOK_ALLOW_LOOPBACK must be off when DEBUG is off.")
WEBHOOK_THREADS = env.number("WEBHOOK_THREADS")
WEBHOOK_KEEP_DAYS = env.number("WEBHOOK_KEEP_DAYS")
WEBHOOK_DISABLE_DAYS = env.number("WEBHOOK_DISABLE_DAYS")
_mail = environ.Env.email_url_config(env.text("EMAIL_URL") or "dummymail://")
EMAIL_BACKEND = _mail["EMAIL_BACKEND"]
EMAIL_HOST, EMAIL_PORT = _mail.get("EMAIL_HOST") or "localhost", _mail.get("EMAIL_PORT") or 25
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mail["EMAIL_HOST_USER"] or "", _mail["EMAIL_HOST_PASSWORD"] or ""
EMAIL_USE_TLS, EMAIL_USE_SSL = _mail.get("EMAIL_USE_TLS", False), _mail.get("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = 15
DEFAULT_FROM_EMAIL = env.text("EMAIL_FROM")

# --- what is taken in ---

DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_000
FILE_UPLOAD_MAX_MEMORY_SIZE = 1_000_000

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["commerce.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["commerce.parsers.StrictJSONParser"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "commerce.schema.Schema",
    "EXCEPTION_HANDLER": "commerce.http.exception_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = SPECTACULAR

# --- files ---

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
MEDIA_URL = "/media/"
MEDIA_ROOT = VAR_DIR / "media"
WHITENOISE_USE_FINDERS = DEBUG
WHITENOISE_AUTOREFRESH = DEBUG
STORAGES = {
    "default": {"BACKEND": "commerce.media.WholeFiles"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# --- headers ---

_sockets = "{0.scheme}://{0.netloc}".format(urlsplit(LIVE_SOCKET_URL))
_strict = {
    "default-src": "'self'",
    "connect-src": f"'self' {_sockets}",
    "img-src": "'self' data: https:",
    "media-src": "'self' blob: https:",
    "style-src": "'self' 'unsafe-inline'",
    "frame-ancestors": "'none'",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
}
# The admin's own scripts evaluate expressions in attributes.
_admin = {**_strict, "script-src": "'self' 'unsafe-inline' 'unsafe-eval'", "frame-ancestors": "'self'"}
CONTENT_SECURITY_POLICIES = {
    "/admin/": _admin,
    "/studio/": _admin,
    "/studio/room/": _strict,
    "/merchant/": _admin,
    "/": _strict,
}
X_FRAME_OPTIONS = "SAMEORIGIN"
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
SESSION_COOKIE_SECURE = SECURE
CSRF_COOKIE_SECURE = SECURE
if TRUST_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
if not DEBUG and SECURE:
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]

# --- logs ---

LOGGING = logs.configure(log_format=env.text("LOG_FORMAT"), level=env.text("LOG_LEVEL"))
