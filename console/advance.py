"""How far working stages are and how long it will take, told on stderr: from their metrics, whoever runs them."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx2
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from console.output import stderr
from plumbing.metrics import REGISTRY
from plumbing.pace import Pace
from plumbing.settings import HttpSettings

_EVERY_SECONDS = 2.0
_SCRAPE_SECONDS = 1.0
Read = Callable[[], Iterable[Metric]]


@dataclass(frozen=True)
class Amount:
    """What is left of one piece of work; `total` is None where the work has no end, only a backlog."""

    name: str
    left: int
    total: int | None = None


def amounts(families: Iterable[Metric]) -> list[Amount]:
    """The snapshot's rows (Sonar's own count is the denominator), and the messages before each stage."""
    rows = {"read": 0.0, "total": 0.0}
    behind: dict[str, float] = {}
    for family in families:
        for sample in family.samples:
            if sample.name == "crossfade_snapshot_rows":
                rows[sample.labels["state"]] += sample.value
            elif sample.name == "crossfade_lag_messages":
                behind[sample.labels["stage"]] = behind.get(sample.labels["stage"], 0.0) + sample.value
    found = []
    if rows["total"]:
        # Rows may be added while it runs: then it has read more than it counted.
        found.append(Amount("snapshot", max(0, round(rows["total"] - rows["read"])), round(rows["total"])))
    return found + [Amount(stage, round(left)) for stage, left in sorted(behind.items())]


class Report:
    """Lines about the stages. What has nothing left is told once; what never had anything to do, not at all."""

    def __init__(self) -> None:
        self._paces: dict[str, Pace] = {}
        self._told: dict[str, Amount] = {}

    def line(self, found: Iterable[Amount], now: float) -> str:
        """One line, empty when there is nothing new to tell."""
        parts = []
        for one in found:
            seconds = self._paces.setdefault(one.name, Pace()).seconds_left(one.left, now)
            idle = not one.left and one.total is None and one.name not in self._told
            if one.left or not (idle or self._told.get(one.name) == one):
                parts.append(_part(one, seconds))
                self._told[one.name] = one
        return "; ".join(parts)


def _part(one: Amount, seconds: float | None) -> str:
    text = f"{one.name} {one.left} messages behind"
    if one.total is not None:
        done = one.total - one.left
        text = f"{one.name} {done} of {one.total} rows ({100 * done // one.total} %)"
    return text if seconds is None or not one.left else f"{text}, about {duration(seconds)} left"


def duration(seconds: float) -> str:
    """Hours and minutes, minutes and seconds, or seconds."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"


def own_metrics() -> Iterable[Metric]:
    """Those of this process."""
    return REGISTRY.collect()


def metrics_of(http: HttpSettings) -> Read:
    """Those of stages in other processes of this machine; a stage that does not answer (yet) is left out."""
    ports = [port for port in (http.capture_port, http.process_port, http.sink_port) if port]

    def read() -> Iterator[Metric]:
        for port in ports:
            try:
                answer = httpx2.get(f"http://{http.host}:{port}/metrics", timeout=_SCRAPE_SECONDS, trust_env=False)
            except (httpx2.HTTPError, OSError):
                continue
            yield from text_string_to_metric_families(answer.text)

    return read


@contextmanager
def told(read: Read, wanted: bool | None, say: Callable[[str], None] | None = None) -> Iterator[None]:
    """Tell how far it is while the block runs. `wanted` None: when stderr is a terminal."""
    if not (stderr.is_terminal if wanted is None else wanted):
        yield
        return
    ended, report = threading.Event(), Report()

    def tell() -> None:
        line = report.line(amounts(read()), time.monotonic())
        if line:
            (say or _say)(line)

    def go_on_telling() -> None:
        while not ended.wait(_EVERY_SECONDS):
            tell()

    teller = threading.Thread(target=go_on_telling, name="progress", daemon=True)
    teller.start()
    try:
        yield
    finally:
        ended.set()
        teller.join()
        tell()


def _say(line: str) -> None:
    stderr.print(line, markup=False)
