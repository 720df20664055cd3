"""What a live process shows to Prometheus, read from the hub and its tally when somebody looks.

It looks from a thread of its own, so it takes copies and changes nothing.
"""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from streams.live import tally
from streams.live.hub import Hub

# Peers may close with any code; these are told apart.
CODES = {
    *(1000, 1001, 1002, 1003, 1006, 1007, 1008, 1009, 1010, 1011, 1012, 1013),
    *(4400, 4401, 4403, 4404, 4406, 4409, 4410, 4429, 4500, 4503, 4508, 4509, 4511, 4512),
}


class LiveCollector(Collector):
    """The values of one process; `hubs` returns its hub once there is one."""

    def __init__(self, hubs: Callable[[], list[Hub]]) -> None:
        self._hubs = hubs

    def describe(self) -> list[Metric]:
        """Name nothing ahead."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Return everything there is to see."""
        yield from _here(self._hubs())
        yield from _done(tally.here)


def _here(hubs: list[Hub]) -> Iterator[Metric]:
    viewers = [viewer for hub in hubs for viewer in hub.viewers()]
    signed_in = sum(1 for viewer in viewers if viewer.user_id is not None)
    yield _gauges(
        "sockets",
        "Connections there are now.",
        "who",
        {"signed_in": signed_in, "anonymous": len(viewers) - signed_in},
    )
    rooms = [room for hub in hubs for room in hub.rooms.all()]
    yield GaugeMetricFamily("yellowcart_rooms", "Shows that this process serves.", value=len(rooms))
    yield GaugeMetricFamily(
        "yellowcart_room_viewers",
        "Connections that are in a room of this process.",
        value=sum(len(room.members) for room in rooms),
    )
    busy: dict[str, float] = {}
    for hub in hubs:
        busy["arrival"] = hub.arrivals.busy + hub.entrance.waiting
        busy["known"] = hub.entrance.busy
        busy |= hub.crews.busy_by_app()
    yield _gauges("pool_tasks", "Work that runs or waits in a pool of threads.", "pool", busy)


def _done(now: tally.Tally) -> Iterator[Metric]:
    yield GaugeMetricFamily("yellowcart_held_bytes", "Bytes that wait for slow viewers.", value=now.held)
    for name, text, value in (
        ("connects", "Connections that were accepted.", now.opened),
        ("cuts", "Connections ended below the protocol, because the peer took no close frame.", now.cut),
        ("bytes_out", "Bytes handed to the network.", now.bytes),
        ("frames_in", "Frames that came in.", now.heard),
        (
            "chat_thinned_lines",
            "Lines of chat left out for a whole room.",
            now.thinned,
        ),
        ("gaps_repaired", "Gaps in a lane that were filled.", now.repaired),
        ("gaps_lost", "Gaps in a lane that were not, so that everybody was given a snapshot.", now.lost),
        ("resyncs", "Lanes that clients asked for anew.", now.resyncs),
        ("redis_reconnects", "How often the connection on which the rooms hear Redis was lost.", now.deaf),
    ):
        yield CounterMetricFamily(f"yellowcart_{name}", text, value=value)
    closes: dict[str, int] = {}
    for code, count in list(now.closed.items()):
        # The server calls it 1005, too, when the network went away.
        name = "1006" if code == 1005 else str(code) if code in CODES else "other"
        closes[name] = closes.get(name, 0) + count
    yield _counters("closes", "Connections that ended, by close code; 1006: without one.", "code", closes)
    yield _counters("frames_out", "Frames handed to the network, by class.", "class", now.frames)
    yield _counters("drops", "Frames left out for slow viewers, by class.", "class", now.dropped)
    yield _counters("welcomes", "Viewers let in: new, recovered, or lost their place.", "how", now.welcomed)
    yield _counters("refusals", "Frames refused, by the error's code.", "code", now.refused)
    yield _counters("admissions_refused", "Handshakes refused, by HTTP status.", "status", now.turned_away)


def _gauges(name: str, text: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(f"yellowcart_{name}", text, labels=[label])
    for which, value in values.items():
        family.add_metric([which], value)
    return family


def _counters(name: str, text: str, label: str, values: Mapping[int, int] | Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(f"yellowcart_{name}", text, labels=[label])
    for which, value in list(values.items()):
        family.add_metric([str(which)], value)
    return family
