"""Every environment variable the project reads, declared once. Read by config/env.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "number", "flag", "list", "url"]


@dataclass(frozen=True)
class Variable:
    """One environment variable: what it is called, how it is read, and what it is for."""

    name: str
    kind: Kind
    default: str
    help: str
    section: str
    required: bool = False  # must be set when DEBUG is off
    secret: bool = False  # may come from the file named by <NAME>_FILE
    choices: tuple[str, ...] = ()
    least: int | None = None
    most: int | None = None
    schemes: tuple[str, ...] = ()


def _section(section: str, *variables: Variable) -> tuple[Variable, ...]:
    return tuple(Variable(**{**vars(variable), "section": section}) for variable in variables)


def _variable(name: str, kind: Kind, default: str, text: str, **more: object) -> Variable:
    return Variable(name=name, kind=kind, default=default, help=text, section="", **more)  # type: ignore[arg-type]


# Of which the chat's library has lists.
FILTER_LANGUAGES = (
    *("arabic", "chinese", "czech", "danish", "dutch", "english", "esperanto", "finnish", "french", "german"),
    *("hindi", "hungarian", "italian", "japanese", "korean", "norwegian", "persian", "polish", "portuguese"),
    *("russian", "spanish", "swedish", "thai", "turkish"),
)

VARIABLES: tuple[Variable, ...] = (
    *_section(
        "Basics",
        _variable(
            "DEBUG",
            "flag",
            "true",
            "Development mode. Off in production: then every required variable must be set.",
        ),
        _variable(
            "SECRET_KEY",
            "text",
            "development-only-key-which-protects-nothing",
            "Signs sessions and tokens. Long and random.",
            required=True,
            secret=True,
        ),
        _variable(
            "BASE_URL",
            "url",
            "http://localhost:8000",
            "Where people reach the site, without a path. Hosts, origins and cookies follow from it.",
            required=True,
            schemes=("http", "https"),
        ),
        _variable(
            "ALLOWED_HOSTS", "list", "", "Further host names that are served, beside the one in BASE_URL."
        ),
        _variable(
            "CSRF_TRUSTED_ORIGINS",
            "list",
            "",
            "Further origins (scheme and host) whose forms and sockets are trusted, beside BASE_URL.",
        ),
        _variable("WEB_HOST", "text", "127.0.0.1", "Address on which `python -m config.web` listens."),
        _variable(
            "WEB_PORT", "number", "8000", "Port on which `python -m config.web` listens.", least=1, most=65535
        ),
        _variable(
            "HTTP_THREADS",
            "number",
            "40",
            "How many requests one process answers at once, each over a database connection of its own.",
            least=1,
            most=1000,
        ),
        _variable(
            "TRUST_PROXY",
            "flag",
            "false",
            "A proxy in front sets X-Forwarded-Proto and X-Forwarded-For, and is the only way to reach us.",
        ),
        _variable("LOG_FORMAT", "text", "readable", "How log lines look.", choices=("readable", "json")),
        _variable(
            "LOG_LEVEL",
            "text",
            "INFO",
            "Lowest level that is logged.",
            choices=("DEBUG", "INFO", "WARNING", "ERROR"),
        ),
        _variable(
            "METRICS_HOST",
            "text",
            "127.0.0.1",
            "Address on which a process shows its metrics, to whoever reaches it; keep it private.",
        ),
        _variable(
            "METRICS_PORT",
            "number",
            "0",
            "Port on which this process shows its metrics to Prometheus, one for each; 0 shows none.",
            least=0,
            most=65535,
        ),
        _variable(
            "VAR_DIR", "text", "var", "Where the embedded servers and uploaded pictures keep their data."
        ),
    ),
    *_section(
        "Data",
        _variable(
            "DATABASE_URL",
            "url",
            "",
            "PostgreSQL 15 or later: postgres://user:password@host:5432/name. Empty: an embedded one.",
            required=True,
            secret=True,
            schemes=("postgres", "postgresql"),
        ),
        _variable(
            "REDIS_URL",
            "url",
            "",
            "Redis 6.2 or later: redis://host:6379/0. Empty: an embedded one.",
            required=True,
            secret=True,
            schemes=("redis", "rediss", "unix"),
        ),
        _variable(
            "CELERY_BROKER_URL",
            "url",
            "",
            "Redis for the task queues, when it is another than REDIS_URL.",
            secret=True,
            schemes=("redis", "rediss", "unix"),
        ),
    ),
    *_section(
        "Live",
        _variable(
            "LIVE_SOCKET_URL",
            "url",
            "",
            "Where browsers open sockets, when not at BASE_URL: ws://host:port or wss://host.",
            schemes=("ws", "wss"),
        ),
        _variable("LIVE_HOST", "text", "127.0.0.1", "Address on which `python -m config.live` listens."),
        _variable(
            "LIVE_PORT",
            "number",
            "8001",
            "Port on which `python -m config.live` listens.",
            least=1,
            most=65535,
        ),
        _variable(
            "LIVE_DRAIN_SECONDS",
            "number",
            "15",
            "How long a live process that is told to stop lets its viewers leave. What stops it should wait "
            "ten seconds longer.",
            least=0,
            most=600,
        ),
        _variable(
            "ROOM_UPGRADES_PER_SECOND",
            "number",
            "200",
            "Sockets that one live process lets in per second, twice as many at once; others have to wait.",
            least=1,
        ),
        _variable(
            "ROOM_SOCKETS_PER_ADDRESS",
            "number",
            "50",
            "Sockets that one network address may have in one live process; of IPv6 a /64 is one.",
            least=1,
        ),
        _variable(
            "ROOM_ANONYMOUS_PER_ADDRESS",
            "number",
            "20",
            "Anonymous viewers of one network address and browser that are counted as watching, per process.",
            least=1,
        ),
        _variable(
            "ROOM_LIFE_SECONDS",
            "number",
            "3600",
            "How long a socket lives without a new ticket.",
            least=1,
            most=86400,
        ),
        _variable(
            "CHAT_FILTER_LANGUAGES",
            "list",
            "english",
            "Languages whose listed words hold a chat line.",
            choices=FILTER_LANGUAGES,
        ),
        _variable(
            "CHAT_FILTER_MS",
            "number",
            "500",
            "Milliseconds that chat filters which ask a service may take; then the line is held for a human.",
            least=10,
            most=5000,
        ),
    ),
    *_section(
        "Payments",
        _variable(
            "STRIPE_SECRET_KEY",
            "text",
            "sk_test_simulated",
            "Stripe's secret key, sk_test_... or sk_live_...",
            required=True,
            secret=True,
        ),
        _variable(
            "STRIPE_PUBLISHABLE_KEY",
            "text",
            "pk_test_simulated",
            "Stripe's publishable key, given to the shopper's page.",
            required=True,
        ),
        _variable(
            "STRIPE_WEBHOOK_SECRETS",
            "list",
            "",
            "Signing secrets of the webhook endpoint; two while one is being replaced. Empty in development: "
            "the simulator's own.",
            required=True,
            secret=True,
        ),
        _variable(
            "STRIPE_CONNECT_WEBHOOK_SECRETS",
            "list",
            "",
            "Signing secrets of the webhook endpoint for connected accounts, which is its own. Without it, "
            "what is told of payees' accounts is refused. Empty in development: the simulator's own.",
            secret=True,
        ),
        _variable(
            "CONTACT_DAYS",
            "number",
            "90",
            "How long a buyer's contact is kept once the time for returns, or a cancelled order, is over. "
            "Then it is erased.",
            least=0,
            most=3650,
        ),
        _variable(
            "NOTICE_KEEP_DAYS",
            "number",
            "90",
            "How long the payment provider's notices are kept after they were read. They name people.",
            least=31,
            most=3650,
        ),
        _variable(
            "STRIPE_API_BASE",
            "url",
            "",
            "Stripe's address. Empty: https://api.stripe.com, or in development the simulator.",
            schemes=("http", "https"),
        ),
        _variable(
            "STRIPE_TIMEOUT_SECONDS",
            "number",
            "15",
            "How long Stripe's answer to one request may take, from the first byte waited for to its last.",
            least=1,
            most=80,
        ),
        _variable(
            "STRIPE_CALLS_PER_SECOND",
            "number",
            "80",
            "Calls to Stripe a second, of all processes together; it takes 100 with a live key. 0: no limit.",
            least=0,
            most=10000,
        ),
        _variable(
            "SETTLE_THREADS",
            "number",
            "40",
            "How many charges one process does at once, and how many refunds and the like beside them.",
            least=1,
            most=200,
        ),
    ),
    *_section(
        "Rules",
        _variable(
            "HOLD_SECONDS",
            "number",
            "600",
            "How long units are kept for a purchase that has not been paid.",
            least=30,
            most=79200,
        ),
        _variable(
            "TAKE_BACK_AFTER_DAYS",
            "number",
            "30",
            "Days after which what a payee owes is taken back from its account; 0: never by itself.",
            least=0,
            most=365,
        ),
        _variable(
            "HOLD_MOST_SECONDS",
            "number",
            "1800",
            "How long units are kept for an unpaid purchase at most, with other cards and banks' questions. "
            "Less than a day, for which the payment provider knows a charge's key.",
            least=30,
            most=79200,
        ),
        _variable(
            "WAITLIST_TURN_SECONDS",
            "number",
            "120",
            "How long the next in line has for units at the list price that came back.",
            least=10,
            most=3600,
        ),
        _variable(
            "PURCHASES_PER_MINUTE",
            "number",
            "60",
            "How often one shopper may press buy in a minute, over all offers.",
            least=1,
            most=6000,
        ),
        _variable(
            "ADMISSION_SECONDS",
            "number",
            "120",
            "How long one may buy who was let in from an offer's waiting room.",
            least=10,
            most=3600,
        ),
        _variable(
            "COMMISSION_NOTICE_DAYS",
            "number",
            "7",
            "For so many days a lower commission is announced before it counts.",
            least=1,
            most=365,
        ),
        _variable(
            "IMPORT_MAX_BYTES",
            "number",
            "20000000",
            "Largest catalog feed that is taken in one upload.",
            least=1000,
        ),
        _variable(
            "PICTURE_THREADS",
            "number",
            "4",
            "How many pictures one worker fetches at once; it opens one at a time.",
            least=1,
            most=64,
        ),
    ),
    *_section(
        "Merchants' API keys",
        _variable(
            "MERCHANT_READS_PER_MINUTE",
            "number",
            "6000",
            "How many requests a key may read with in a minute, all at once if it likes.",
            least=1,
        ),
        _variable(
            "MERCHANT_WRITES_PER_MINUTE",
            "number",
            "3000",
            "How many requests a key may change something with in a minute.",
            least=1,
        ),
        _variable(
            "MERCHANT_BULKS_PER_MINUTE",
            "number",
            "60",
            "How many batches, imports, exports, files, statements and replays a key may ask for a minute.",
            least=1,
        ),
    ),
    *_section(
        "Webhooks",
        _variable(
            "WEBHOOK_KEYS",
            "list",
            "development-only-key-which-signs-for-nobody",
            "What merchants' signing secrets are derived from; long and random. New secrets take the first; "
            "one that is taken out makes worthless the secrets that were derived from it.",
            required=True,
            secret=True,
        ),
        _variable(
            "WEBHOOK_ALLOW_LOOPBACK",
            "flag",
            "false",
            "Lets merchants' endpoints be on this machine, by http too. Only for development: needs DEBUG.",
        ),
        _variable(
            "WEBHOOK_THREADS",
            "number",
            "16",
            "How many messages one worker sends to merchants' systems at once.",
            least=1,
            most=200,
        ),
        _variable(
            "WEBHOOK_KEEP_DAYS",
            "number",
            "30",
            "Days for which messages to merchants and their deliveries are kept, and can be sent again.",
            least=14,
            most=365,
        ),
        _variable(
            "SHOP_READS_PER_MINUTE",
            "number",
            "600",
            "How often one network may ask what is on sale in a minute; a cache in front counts as one.",
            least=1,
        ),
        _variable(
            "WEBHOOK_DISABLE_DAYS",
            "number",
            "5",
            "Days of failures without one success after which an endpoint is turned off.",
            least=1,
            most=30,
        ),
        _variable(
            "EMAIL_URL",
            "url",
            "",
            "Where mail to merchants is handed over, smtp+tls://user:password@host:587. Empty: none is sent.",
            secret=True,
            schemes=("smtp", "smtp+tls", "smtp+ssl"),
        ),
        _variable(
            "EMAIL_FROM", "text", "Yellowcart <no-reply@localhost>", "Whom mail to merchants comes from."
        ),
    ),
)

# Read by docker-compose.yml alone, for the containers that are not ours.
COMPOSE: tuple[Variable, ...] = _section(
    "Only for docker-compose.yml",
    _variable("POSTGRES_PASSWORD", "text", "", "Password of its PostgreSQL.", required=True),
    _variable("REDIS_PASSWORD", "text", "", "Password of its Redis.", required=True),
    _variable("VIDEO_USER", "text", "", "Name with which hosts send their video.", required=True),
    _variable("VIDEO_PASSWORD", "text", "", "Password with which hosts send their video.", required=True),
)
