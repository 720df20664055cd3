"""`python -m tests.bench.reading IMPORT`: one import to its end, as the worker's task does it."""

import json
import re
import sys
import time
from pathlib import Path
from uuid import UUID


def main() -> None:
    """Read it, and say in how many seconds and with how much memory."""
    import django

    django.setup()
    from django.utils import timezone

    from catalog.feeds import imports

    begun = time.perf_counter()
    while imports.run(import_id=UUID(sys.argv[1]), now=timezone.now()) is imports.Progress.MORE:
        pass
    print(json.dumps({"seconds": time.perf_counter() - begun, "peak_mb": _peak_mb()}))


def _peak_mb() -> float:
    # Not getrusage: its peak is kept over exec, and so is that of the process that began this one.
    found = re.search(r"^VmHWM:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.M)
    if found is None:
        raise RuntimeError("this kernel does not tell a process its peak memory")
    return int(found[1]) / 1024


if __name__ == "__main__":
    main()
