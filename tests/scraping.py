"""Reading what a process shows to Prometheus."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx
import psutil
from prometheus_client.parser import text_string_to_metric_families

from config.env import ROOT


@dataclass(frozen=True)
class Scraped:
    """The samples of one scrape: name, labels, value."""

    samples: list[tuple[str, dict[str, str], float]]

    def value(self, name: str, **labels: str) -> float:
        """Return the sum of the samples of that name with at least these labels; 0 where there is none."""
        return sum(
            value
            for found, has, value in self.samples
            if found == name and all(has.get(label) == wanted for label, wanted in labels.items())
        )

    def has(self, name: str) -> bool:
        """Whether a sample of that name was shown at all."""
        return any(found == name for found, _, _ in self.samples)


def scrape(port: int) -> Scraped:
    """Return what the process with that metrics port shows now."""
    answer = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False, timeout=10)
    assert answer.status_code == 200, answer.text
    families = text_string_to_metric_families(answer.text)
    return Scraped([(s.name, s.labels, s.value) for family in families for s in family.samples])


def until(port: int, true: Callable[[Scraped], bool], *, deadline: float = 10.0) -> Scraped:
    """Scrape until it is true, and return that scrape; AssertionError otherwise."""
    end = time.monotonic() + deadline
    while not true(found := scrape(port)):
        assert time.monotonic() < end, [each for each in found.samples if each[0].startswith("yellowcart_")]
        time.sleep(0.05)
    return found


def undocumented(found: Scraped) -> set[str]:
    """Return what is shown and has no place in the table of docs/operating.md."""
    table = (ROOT / "docs/operating.md").read_text("utf-8").split("## Metrics")[1]
    named = set(re.findall(r"`(\w+)`", table))
    shown = {
        re.sub(r"_(bucket|count|sum|created)$", "", name.removeprefix("yellowcart_"))
        for name, _, _ in found.samples
        if name.startswith("yellowcart_")
    }
    # A counter's time of birth is shown by the counter's name alone.
    return {name for name in shown if name not in named and f"{name}_total" not in named}


def listening_ports(pid: int) -> set[int]:
    """Return the TCP ports on which a process accepts connections."""
    found = psutil.Process(pid).net_connections(kind="tcp")
    return {each.laddr.port for each in found if each.status == psutil.CONN_LISTEN}
