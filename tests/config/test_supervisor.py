import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import psutil
import pytest

from config import env
from config.children import CannotStart, Program
from config.supervisor import Stack, printer

SLEEP = "print('ready', flush=True); import time; time.sleep(600)"


def program(name: str, code: str, **more: object) -> Program:
    values: dict[str, object] = {"ready_line": "ready", "ready_within": 20.0, "stop_within": 5.0, **more}
    return Program(name=name, argv=[sys.executable, "-c", code], **values)  # type: ignore[arg-type]


def wait_until(what: str, condition: Callable[[], bool], within: float = 20) -> None:
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, f"not within {within} s: {what}"
        time.sleep(0.02)


def runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class Told:
    """What the supervisor said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, name: str, line: str) -> None:
        self.lines.append(f"{name}: {line}")

    def text(self) -> str:
        return "\n".join(self.lines)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def stacks(told: Told) -> Iterator[Callable[..., Stack]]:
    made: list[Stack] = []

    def make(*programs: Program) -> Stack:
        made.append(Stack({each.name: each for each in programs}, say=told))
        return made[-1]

    yield make
    for stack in made:
        stack.stop()


def test_programs_are_started_shown_and_stopped(stacks: Callable[..., Stack], told: Told) -> None:
    stack = stacks(program("one", SLEEP), program("two", SLEEP))
    stack.start()
    pids = [stack.pid("one"), stack.pid("two")]
    assert all(runs(pid) for pid in pids)
    assert "one: ready" in told.lines
    stack.stop()
    assert not any(runs(pid) for pid in pids)


def test_a_killed_program_is_noticed_and_started_again(stacks: Callable[..., Stack], told: Told) -> None:
    stack = stacks(program("worker", SLEEP))
    stack.start()
    first = stack.kill("worker")
    stack.wait_ready("worker", after_pid=first)
    assert stack.pid("worker") != first
    assert runs(stack.pid("worker"))
    assert f"worker (process {first}) was ended by SIGKILL; starting it again" in told.text()


def test_a_program_that_keeps_dying_is_given_up_aloud(stacks: Callable[..., Stack], told: Told) -> None:
    stack = stacks(
        program("doomed", "print('no luck'); raise SystemExit(3)", ready_line="", ready=lambda: True)
    )
    stack.start()
    assert stack.wait(within=30) == "doomed"
    assert "ended with exit code 3, 5 times within a minute. Giving up." in told.text()
    assert "no luck" in told.text()
    assert not stack.alive("doomed")


def test_a_program_that_ends_before_it_is_ready_is_refused_with_its_last_words(
    stacks: Callable[..., Stack], told: Told
) -> None:
    stack = stacks(program("broken", "raise SystemExit('the port is taken')", ready_within=2.0))
    with pytest.raises(CannotStart, match="the port is taken"):
        stack.start()
    assert "starting it again" not in told.text()


def test_a_program_that_never_gets_ready_is_refused(stacks: Callable[..., Stack]) -> None:
    stack = stacks(program("slow", "import time; time.sleep(600)", ready_within=0.3))
    with pytest.raises(CannotStart, match="slow is not ready after"):
        stack.start()


def test_a_program_that_will_not_stop_is_ended_with_its_children(stacks: Callable[..., Stack]) -> None:
    stubborn = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import signal, time; signal.signal(15, 1); time.sleep(600)"])
print("child", child.pid, flush=True)
print("ready", flush=True)
time.sleep(600)
"""
    stack = stacks(program("stubborn", stubborn, stop_within=0.3))
    stack.start()
    parent = stack.pid("stubborn")
    child = int(next(line for line in stack.output("stubborn") if line.startswith("child")).split()[1])
    stack.stop()
    assert not runs(parent)
    wait_until("the grandchild is gone", lambda: not runs(child))


def test_asking_a_second_time_to_stop_waits_for_nobody(stacks: Callable[..., Stack]) -> None:
    patient = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(600)
"""
    stack = stacks(program("patient", patient, stop_within=60.0))
    stack.start()
    pid = stack.pid("patient")
    # A shell starts what runs in its background with SIGINT ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    again = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    started = time.monotonic()
    again.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            stack.stop()
    finally:
        signal.signal(signal.SIGINT, before)
    assert time.monotonic() - started < 20
    assert not runs(pid)


def test_restart_gives_a_new_run_and_stop_one_leaves_it_stopped(stacks: Callable[..., Stack]) -> None:
    stack = stacks(program("web", SLEEP), program("live", SLEEP))
    stack.start()
    first, other = stack.pid("web"), stack.pid("live")
    stack.restart("web")
    assert stack.pid("web") != first
    assert stack.pid("live") == other
    stack.stop_one("web")
    assert stack.wait(within=0.5) is None
    assert not stack.alive("web")


def test_a_program_behind_others_steps_back(stacks: Callable[..., Stack], told: Told) -> None:
    asks = "import os, time; print('ready', os.getpriority(os.PRIO_PROCESS, 0), flush=True); time.sleep(60)"
    ours = os.getpriority(os.PRIO_PROCESS, 0)

    stacks(program("first", asks), program("behind", asks, niceness=3)).start()

    assert f"first: ready {ours}" in told.lines
    assert f"behind: ready {min(19, ours + 3)}" in told.lines


def test_children_started_from_a_thread_that_ended_go_on(stacks: Callable[..., Stack]) -> None:
    stack = stacks(program("web", SLEEP))
    thread = threading.Thread(target=stack.start)
    thread.start()
    thread.join()
    first = stack.pid("web")
    assert stack.wait(within=0.5) is None
    assert runs(first)
    assert stack.pid("web") == first


SUPERVISOR = """
import sys
from config.children import Program
from config.supervisor import Stack, stopped_by_signals
code = "print('ready', flush=True); import time; time.sleep(600)"
child = Program(name="child", argv=[sys.executable, "-c", code], ready_line="ready")
with stopped_by_signals(), Stack({"child": child}) as stack:
    try:
        stack.start()
        print(stack.pid("child"), flush=True)
        stack.wait()
    except KeyboardInterrupt:
        pass
print("stopped", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_nothing_outlives_the_supervisor_however_it_ends(number: signal.Signals) -> None:
    supervisor = subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR],
        cwd=env.ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert supervisor.stdout is not None
    child = int(supervisor.stdout.readline())
    assert runs(child)
    os.kill(supervisor.pid, number)
    rest = supervisor.stdout.read()
    code = supervisor.wait(timeout=20)
    supervisor.stdout.close()
    wait_until("the child is gone", lambda: not runs(child))
    if number != signal.SIGKILL:
        assert (code, rest) == (0, "stopped\n")


def test_lines_stand_behind_the_name_of_their_program(capsys: pytest.CaptureFixture[str]) -> None:
    printer(["web", "worker"])("web", "hello")
    assert capsys.readouterr().out == "web        | hello\n"
