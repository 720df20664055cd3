"""P4: what a viewer who only watches costs in memory: resident bytes of the live process, before, after."""

import time
from statistics import median

from tests.bench import machine, table
from tests.bench.processes import OPEN_DOOR, Viewers, live
from tests.bench.runs import count, note
from tests.streams import make

VIEWERS, WARM_UP = 2000, 200
REST_SECONDS = 2.0


def run() -> list[table.Row]:
    """Return the rows of P4; every run has a process of its own, which memory once taken does not leave."""
    resident, proportional = [], []
    for _ in range(count()):
        stream = make.show()
        with Viewers() as viewers, live(**OPEN_DOOR) as (child, port):
            path = f"/ws/v1/live/{stream.slug}"
            viewers.open("warm", WARM_UP, port, path=path)
            time.sleep(REST_SECONDS)
            before, shared_before = machine.resident_bytes(child.pid), machine.proportional_bytes(child.pid)
            viewers.open("idle", VIEWERS, port, path=path)
            time.sleep(REST_SECONDS)
            after, shared_after = machine.resident_bytes(child.pid), machine.proportional_bytes(child.pid)
            resident.append((after - before) / VIEWERS / 1024)
            if shared_before is not None and shared_after is not None:
                proportional.append((shared_after - shared_before) / VIEWERS / 1024)
            mb_before, mb_after = before / 2**20, after / 2**20
            note(f"{mb_before:.0f} MB with {WARM_UP} viewers, {mb_after:.0f} MB with {VIEWERS:,} more")
    if proportional:
        note(f"by proportional size (PSS) {median(proportional):.1f} KB; kernel buffers are in neither")
    what = f"resident memory of the live process per idle viewer, {VIEWERS:,} viewers"
    return [table.Row("P4", what, median(resident), "KB", target=table.at_most(25))]
