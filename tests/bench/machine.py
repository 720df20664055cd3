"""The machine: what it is, which core a process gets, and what a process has used of it."""

import os
import platform
import resource
import subprocess
import time
from importlib.metadata import version
from pathlib import Path

import psutil

SERVER_CORE, CLIENT_CORE = 0, 1
# Those that we may use at all, asked before anything is pinned.
CORES: set[int] = os.sched_getaffinity(0) if hasattr(os, "sched_setaffinity") else set()
PACKAGES = ("django", "channels", "channels_redis", "uvicorn", "uvloop", "websockets")


def described() -> list[str]:
    """Return what the figures depend on: processor, memory, kernel, versions."""
    memory = psutil.virtual_memory().total / 2**30
    cores = os.cpu_count()
    return [
        f"{_processor()}, {cores} cores, {memory:.0f} GB, {platform.system()} {platform.release()}",
        f"Python {platform.python_version()}, " + ", ".join(f"{name} {version(name)}" for name in PACKAGES),
        f"server on core {SERVER_CORE}; load client, Redis, PostgreSQL and publisher on core {CLIENT_CORE}"
        if can_pin()
        else "processes are not pinned to cores here",
    ]


def can_pin() -> bool:
    """Say whether processes can be given cores of their own here."""
    return {SERVER_CORE, CLIENT_CORE} <= CORES


def pin(pid: int, *cores: int) -> None:
    """Keep a process, its threads and its children on these cores, where the system can."""
    if not can_pin():
        return
    for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
        for thread in process.threads():
            try:
                os.sched_setaffinity(thread.id, cores)
            except ProcessLookupError:
                pass  # It has just ended.


def pin_family(*cores: int) -> None:
    """Keep this process and all that it has started on these cores; what it starts now begins there, too."""
    pin(os.getpid(), *cores)


def cpu_seconds(pid: int) -> float:
    """Return the CPU time, user and system, that a process and all its threads have used so far."""
    if platform.system() == "Linux":
        # The process's own clock (clock_getcpuclockid) counts nanoseconds, /proc hundredths of a second.
        return time.clock_gettime(~pid << 3 | 2)
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def resident_bytes(pid: int) -> int:
    """Return the memory a process holds."""
    return int(psutil.Process(pid).memory_info().rss)


def proportional_bytes(pid: int) -> int | None:
    """Return a process's memory with shared pages divided among their users; None where nobody says."""
    return getattr(psutil.Process(pid).memory_full_info(), "pss", None)


def holds(pid: int, end: tuple[str, int]) -> bool:
    """Say whether a process still has a connection whose other end is that address and port."""
    return any(tuple(each.raddr) == end for each in psutil.Process(pid).net_connections("tcp4"))


def allow_sockets() -> int:
    """Let this process and its children open as many sockets as the system gives; returns how many."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


def built(compiler: str, source: Path, program: Path) -> bool:
    """Compile a C program; False when that fails."""
    argv = [compiler, "-O2", "-o", str(program), str(source)]
    return subprocess.run(argv, capture_output=True, timeout=60, check=False).returncode == 0


def said(*argv: str) -> str:
    """Return the first line a program prints; empty when it cannot run."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.split("\n", 1)[0]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return " ".join(names[0].split()) if names else platform.machine()
