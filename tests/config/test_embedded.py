import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psutil
import psycopg2
import pytest
import redis

from config import embedded, env, servers
from config.children import CannotStart

OWNER = """
import sys, time
from pathlib import Path
from config import embedded
with embedded.running(Path(sys.argv[1]), fast=True):
    print("up", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def var() -> Iterator[Path]:
    # Not tmp_path: its owner keeps it closed to the account that PostgreSQL runs as.
    folder = Path(tempfile.mkdtemp(prefix="ycvar-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


def wait_until(what: str, condition, within: float = 20) -> None:  # type: ignore[no-untyped-def]
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, f"not within {within} s: {what}"
        time.sleep(0.05)


def query(var: Path, sql: str) -> list[tuple[object, ...]]:
    connection = psycopg2.connect(servers.database_url(var))
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall()) if cursor.description else []
    finally:
        connection.close()


def server_processes(var: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        line = " ".join(process.info["cmdline"] or [])
        if str(var) in line and ("bin/postgres" in line or "redis-server" in line):
            found.append(process)
    return found


class Owner(NamedTuple):
    process: subprocess.Popen[str]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def owner(var: Path) -> Iterator[Owner]:
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(var)], cwd=env.ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    yield Owner(process)
    process.kill()
    process.wait()
    process.stdout.close()
    wait_until("the servers end with their owner", lambda: not server_processes(var))


def test_the_servers_are_real_keep_their_data_and_leave_nothing_running(var: Path) -> None:
    with embedded.running(var):
        assert query(var, "SHOW server_version")[0][0].startswith("18")  # type: ignore[attr-defined]
        assert query(var, "SHOW fsync") == [("on",)]
        query(var, "CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)")
        redis.Redis.from_url(servers.redis_url(var)).set("kept", "7")
    assert server_processes(var) == []
    with embedded.running(var):
        assert query(var, "SELECT n FROM kept") == [(7,)]
        assert redis.Redis.from_url(servers.redis_url(var)).get("kept") == b"7"
    assert server_processes(var) == []


def test_the_fast_profile_gives_up_durability(var: Path) -> None:
    with embedded.running(var, fast=True):
        assert query(var, "SHOW fsync") == [("off",)]


def test_a_second_owner_is_refused_and_told_what_to_do(var: Path, owner: Owner) -> None:
    told = rf"already run by process {owner.process.pid}.*VAR_DIR"
    with pytest.raises(CannotStart, match=told), embedded.running(var):
        pass
    assert servers.up(var)


def test_who_only_needs_them_uses_the_servers_that_run(var: Path, owner: Owner) -> None:
    with embedded.available(var):
        assert query(var, "SELECT 1") == [(1,)]
    assert servers.up(var)
    assert owner.process.poll() is None


def test_a_killed_owner_leaves_no_server_behind_and_the_next_one_starts(var: Path, owner: Owner) -> None:
    query(var, "CREATE TABLE kept (n int)")
    owner.kill()
    wait_until("the servers end with their owner", lambda: not server_processes(var))
    with embedded.running(var, fast=True):
        assert query(var, "SELECT count(*) FROM kept") == [(0,)]


def test_after_a_kill_of_everything_the_next_start_recovers(var: Path, owner: Owner) -> None:
    query(var, "CREATE TABLE kept (n int)")
    killed = server_processes(var)
    assert len(killed) == 2
    for process in killed:
        process.send_signal(signal.SIGKILL)
    owner.kill()
    assert (var / "postgres" / "postmaster.pid").exists()
    with embedded.running(var, fast=True):
        assert query(var, "SELECT count(*) FROM kept") == [(0,)]


def test_a_stale_pid_that_belongs_to_somebody_else_by_now_is_no_obstacle(var: Path) -> None:
    with embedded.running(var, fast=True):
        pass
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        (var / "postgres" / "postmaster.pid").write_text(f"{stranger.pid}\n{var}/postgres\n0\n5432\n")
        (var / "run" / ".s.PGSQL.5432.lock").write_text(f"{stranger.pid}\n")
        with embedded.running(var, fast=True):
            assert query(var, "SELECT 1") == [(1,)]
        assert stranger.poll() is None, "the stranger must not be ended"
    finally:
        stranger.kill()
        stranger.wait()


def test_a_first_start_that_was_interrupted_begins_again(var: Path) -> None:
    (var / "postgres" / "base").mkdir(parents=True)
    with embedded.running(var, fast=True):
        assert query(var, "SELECT 1") == [(1,)]


def test_a_folder_with_a_long_name_gets_its_sockets_elsewhere(var: Path) -> None:
    deep = var / ("a" * 120)
    assert len(os.fsencode(servers.socket_folder(deep))) <= servers.LONGEST_SOCKET_FOLDER
    with embedded.running(deep, fast=True):
        assert query(deep, "SELECT 1") == [(1,)]
    shutil.rmtree(servers.socket_folder(deep))


def test_a_folder_that_is_closed_to_others_works_and_stays_closed(var: Path) -> None:
    var.chmod(0o700)
    with embedded.running(var / "inside", fast=True):
        assert query(var / "inside", "SELECT 1") == [(1,)]
    assert var.stat().st_mode & 0o777 == 0o700


def test_a_full_disk_is_named(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "FREE_BYTES_NEEDED", 10**18)
    with pytest.raises(CannotStart, match=r"disk of .* is full: \d+ MB are free"), embedded.running(var):
        pass


def test_missing_programs_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "find_spec", lambda _name: None)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(CannotStart, match=r"PostgreSQL's programs are missing.*DATABASE_URL"):
        servers.postgres_bin()
    with pytest.raises(CannotStart, match=r"redis-server is missing.*REDIS_URL"):
        servers.redis_program()


def test_a_taken_port_is_named_with_what_changes_it() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(CannotStart, match=rf"Port {port} cannot be used.*PORT="):
            embedded.require_port(port, "PORT")
    embedded.require_port(port, "PORT")


def test_the_webhook_secret_outlives_a_restart_and_is_private(var: Path) -> None:
    assert embedded.simulator(var) is None
    first = embedded.note_simulator(var, 5001)
    second = embedded.note_simulator(var, 5002)
    assert first.secret == second.secret
    assert embedded.simulator(var) == second
    noted = var / "run" / "embedded.json"
    assert noted.stat().st_mode & 0o077 == 0
    noted.write_text("{")
    assert embedded.simulator(var) is None
    noted.write_text(json.dumps([1]))
    assert embedded.simulator(var) is None


def test_a_bare_command_starts_the_servers_for_its_duration(var: Path) -> None:
    clean = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    script = "from django.db import connection; connection.ensure_connection(); print('works')"
    run = subprocess.run(
        [sys.executable, "manage.py", "shell", "-c", script],
        cwd=env.ROOT,
        env={**clean, "VAR_DIR": str(var)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "works" in run.stdout, run.stderr
    assert server_processes(var) == []


def test_celery_gets_the_socket_in_its_own_form() -> None:
    assert (
        servers.broker_url("unix:///tmp/x/redis.sock?db=3")
        == "redis+socket:///tmp/x/redis.sock?virtual_host=3"
    )
    assert servers.broker_url("redis://host:6379/1") == "redis://host:6379/1"
