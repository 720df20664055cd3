"""`python -m tests.bench.reading IMPORT`: one import to its end, as the worker's task does it."""

import json
import resource
import sys
import time
from uuid import UUID


def main() -> None:
    """Read it, and say in how many seconds and with how much memory."""
    import django

    django.setup()
    from django.utils import timezone

    from catalog import imports

    begun = time.perf_counter()
    while imports.run(import_id=UUID(sys.argv[1]), now=timezone.now()) is imports.Progress.MORE:
        pass
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": time.perf_counter() - begun, "peak_mb": peak}))


if __name__ == "__main__":
    main()
