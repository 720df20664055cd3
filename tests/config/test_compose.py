import re
import shlex
from importlib.util import find_spec
from typing import Any

import pytest
import yaml
from django.core.management import get_commands

from config import processes
from config.celery import TIMETABLE, app
from config.env import ROOT
from config.variables import COMPOSE as COMPOSE_VARIABLES
from config.variables import VARIABLES

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service.get("image") == "yellowcart"}
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def test_every_part_of_the_system_is_a_service() -> None:
    assert set(SERVICES) == {
        *("web", "live", "settler", "worker", "sweeper", "beat", "relay", "migrate"),
        *("postgres", "redis", "media", "proxy"),
    }
    assert set(processes.COMMANDS) - {"simulator"} <= set(OURS)


@pytest.mark.parametrize("name", OURS)
def test_every_command_exists(name: str) -> None:
    words = shlex.split(OURS[name]["command"])
    assert words[0] == "python"
    if words[1] == "-m":
        assert find_spec(words[2])
    else:
        assert (ROOT / words[1]).exists()
        assert words[2] in get_commands()


@pytest.mark.parametrize("name", ["settler", "worker", "sweeper", "beat", "relay", "web", "live"])
def test_the_same_processes_run_as_on_one_machine(name: str) -> None:
    start = {"settler": 5, "worker": 5, "sweeper": 5, "beat": 5}.get(name, 2)
    assert shlex.split(OURS[name]["command"])[1:start] == shlex.split(processes.COMMANDS[name])[: start - 1]


def test_every_queue_has_a_worker_of_its_own() -> None:
    from django.conf import settings

    workers = {"settler": {"settle"}, "worker": {"notify"}, "sweeper": {"sweep"}}
    for commands in ({name: OURS[name]["command"] for name in workers}, processes.COMMANDS):
        words = {name: shlex.split(commands[name]) for name in workers}
        assert {name: set(each[each.index("-Q") + 1].split(",")) for name, each in words.items()} == workers
    assert set().union(*workers.values()) == set(settings.CELERY_TASK_QUEUES)


def test_the_sweeper_has_a_thread_for_each_sweep() -> None:
    app.loader.import_default_modules()
    sweeps = [name for name, task in app.tasks.items() if getattr(task, "queue", None) == "sweep"]
    assert {entry["task"] for entry in TIMETABLE.values()} > set(sweeps)
    for command in (OURS["sweeper"]["command"], processes.COMMANDS["sweeper"]):
        words = shlex.split(command)
        assert int(words[words.index("--concurrency") + 1]) == len(sweeps)


@pytest.mark.parametrize("name", OURS)
def test_every_variable_given_is_declared_and_every_required_one_is_given(name: str) -> None:
    declared = {variable.name for variable in VARIABLES}
    given = set(OURS[name]["environment"])
    assert given <= declared
    assert {variable.name for variable in VARIABLES if variable.required} <= given
    assert OURS[name]["environment"]["DEBUG"] == "false"


def test_the_image_sets_only_what_is_declared() -> None:
    declared = {variable.name for variable in VARIABLES}
    python_and_pip = re.compile(r"PATH|PYTHON\w+|PIP_\w+")
    stage = DOCKERFILE.split("\nFROM ")[1].split("RUN ")[0]
    names = set(re.findall(r"\b([A-Z_]+)=", stage))
    assert {name for name in names if not python_and_pip.fullmatch(name)} <= declared


def test_everything_filled_in_is_documented_and_no_secret_has_a_default() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    documented = {variable.name for variable in (*VARIABLES, *COMPOSE_VARIABLES)}
    for name, default in re.findall(r"\$\{(\w+)(:?[-?][^}]*)?\}", text):
        assert name in documented
        if re.search(r"SECRET|PASSWORD|KEY|BASE_URL", name):
            # Filled in, or empty: then what it would open stays shut.
            assert default.startswith(":?") or default == ":-", name


def test_what_others_wait_for_says_when_it_is_healthy() -> None:
    for service in SERVICES.values():
        for needed, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[needed], needed


def test_only_the_proxy_and_the_video_intake_are_open_to_the_outside() -> None:
    assert {name for name, service in SERVICES.items() if "ports" in service} == {"proxy", "media"}


def test_metrics_are_for_the_inside_only() -> None:
    port = COMPOSE["x-environment"]["METRICS_PORT"]
    published = [each for service in SERVICES.values() for each in service.get("ports", [])]
    assert int(port) > 0
    assert not any(port in each for each in published)
    assert port not in (ROOT / "config/proxy/Caddyfile").read_text()


def test_volumes_and_mounted_files_exist() -> None:
    for service in SERVICES.values():
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            assert (ROOT / source).exists() if source.startswith("./") else source in COMPOSE["volumes"]


def test_the_image_copies_every_package_and_runs_as_nobody_special() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}
    assert set(re.findall(r"^COPY (\w+) \1$", DOCKERFILE, re.M)) == packages
    assert "\nUSER yellowcart\n" in DOCKERFILE
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {f"!{name}" for name in packages} <= set(ignored)


def test_the_proxy_sends_sockets_to_live_and_the_rest_to_web() -> None:
    proxy = (ROOT / "config/proxy/Caddyfile").read_text()
    ports = {variable.name: variable.default for variable in VARIABLES}
    assert re.search(rf"handle /ws/\* {{\s+reverse_proxy live:{ports['LIVE_PORT']}\b", proxy)
    assert re.search(rf"handle {{\s+reverse_proxy web:{ports['WEB_PORT']}\b", proxy)
