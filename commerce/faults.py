"""Places where a process can be made to die, for the tests that kill it there. Off outside development."""

import os
import signal

import structlog
from django.conf import settings

log = structlog.get_logger(__name__)


def reach(point: str) -> None:
    """Kill this process as `kill -9` would, when the environment's FAULT names this point and DEBUG is on.

    FAULT may end with `:<file>`; the first process to create that file dies, the next ones go on.
    """
    armed = os.environ.get("FAULT", "") if settings.DEBUG else ""
    if not armed:
        return
    name, _, once = armed.partition(":")
    if name != point:
        return
    if once:
        try:
            os.close(os.open(once, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        except FileExistsError:
            return
    log.warning("fault.reached", point=point)
    os.kill(os.getpid(), signal.SIGKILL)
