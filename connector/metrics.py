"""Metrics for Prometheus, made of a look at the ledger: every process that is asked says the same."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from connector.ledger.counts import BEYOND, BOUNDS
from connector.ledger.figures import DELIVERED
from connector.overview import Look, Overview
from connector.version import __version__

PREFIX = "crisp_connector_"
Sample = tuple[tuple[str, ...], float]


@dataclass(frozen=True, slots=True)
class Declared:
    """A metric of each connection: `name` without the prefix, its labels after `connection`, and its samples."""

    name: str
    kind: Literal["counter", "gauge"]
    help: str
    labels: tuple[str, ...]
    samples: Callable[[Overview], Iterable[Sample]]


def _one(value: Callable[[Overview], float]) -> Callable[[Overview], Iterable[Sample]]:
    """The one sample of a metric without further labels."""
    return lambda each: [((), value(each))]


def _oldest(each: Overview) -> float:
    oldest = each.records.oldest
    return 0.0 if oldest is None else max(0, each.at - oldest) / 1000


DECLARED = (
    Declared(
        "connection_info",
        "gauge",
        "Always 1; label and tier of the connection.",
        ("label", "tier"),
        lambda each: [((each.label, each.tier), 1)],
    ),
    Declared(
        "connection_halted",
        "gauge",
        "1 while the credential does not work: nothing is sent, everything is kept; code says why.",
        ("code",),
        lambda each: [((each.halted or "",), each.halted is not None)],
    ),
    Declared(
        "records_accepted_total",
        "counter",
        "Records in. Always the sum of crisp_connector_records over its outcomes.",
        (),
        _one(lambda each: each.records.accepted),
    ),
    Declared(
        "records",
        "gauge",
        "Records by what became of them so far. A gauge: replay, erasure and delivery move records between outcomes.",
        ("outcome",),
        lambda each: [((outcome,), count) for outcome, count in each.records.by_status.items()],
    ),
    Declared(
        "dead_letters",
        "gauge",
        "Records that could not be delivered for too long. They are kept and can be replayed.",
        (),
        _one(lambda each: each.records.by_status["dead"]),
    ),
    Declared(
        "waiting_records",
        "gauge",
        "Waiting records by lane and age since they were accepted: each is counted once, under the least age that it "
        "has not reached (1m, 10m, 1h, 1d, older).",
        ("lane", "age"),
        lambda each: list(each.records.waiting.items()),
    ),
    Declared(
        "waiting_oldest_seconds", "gauge", "Age of the oldest waiting record, 0 if there is none.", (), _one(_oldest)
    ),
    Declared(
        "calls_total",
        "counter",
        "Calls made to Crisp by route and by what came back: a status, or the code of a failure.",
        ("route", "answer"),
        lambda each: list(each.calls.items()),
    ),
    Declared(
        "calls_in_flight",
        "gauge",
        "Calls of the running delivery that have no answer yet, as of its last save (at most 0.2 s ago).",
        (),
        _one(lambda each: each.hold.in_flight),
    ),
    Declared(
        "quota_used_calls",
        "gauge",
        "Calls of the quota's current day that are used or bought.",
        (),
        _one(lambda each: each.quota.used),
    ),
    Declared(
        "quota_limit_calls", "gauge", "Calls that the quota allows in a day.", (), _one(lambda each: each.quota.limit)
    ),
    Declared(
        "quota_reset_timestamp_seconds",
        "gauge",
        "UNIX time of the quota's next reset.",
        (),
        _one(lambda each: each.quota.resets_at / 1000),
    ),
    Declared(
        "pause_seconds",
        "gauge",
        "How long nothing may be sent yet, because a limit was met or Crisp is away; 0 when it may.",
        (),
        _one(lambda each: max(0, each.quota.opens_at - each.at) / 1000),
    ),
    Declared(
        "lease_grants_total",
        "counter",
        "How often a process was given the right to deliver.",
        (),
        _one(lambda each: each.hold.grants),
    ),
)
# What is not made of single samples of a connection: name → kind, labels and help.
OTHERS = {
    "build_info": ("gauge", ("version",), "Always 1; the version of the process that answered."),
    "connections": ("gauge", (), "Connections that this answer tells of."),
    "connections_halted": ("gauge", (), "Of these, how many are halted."),
    "workers": ("gauge", (), "Processes that deliver, for every connection alike; while it is 0 records wait."),
    "delivery_seconds": (
        "histogram",
        ("connection", "lane"),
        "From accepting a record to its outcome, for records that were delivered or given up; a replayed one counts "
        "again.",
    ),
}


class LedgerCollector(Collector):
    """The metrics of this look."""

    def __init__(self, seen: Look) -> None:
        self._seen, self._overviews = seen, seen.connections

    def collect(self) -> Iterator[Metric]:
        """Every metric, those of single connections first."""
        for declared in DECLARED:
            yield self._of_connections(declared)
        yield self._deliveries()
        halted = sum(each.halted is not None for each in self._overviews)
        counted = {"connections": len(self._overviews), "connections_halted": halted, "workers": self._seen.workers}
        for name, value in counted.items():
            yield GaugeMetricFamily(PREFIX + name, OTHERS[name][2], value=value)
        build = GaugeMetricFamily(PREFIX + "build_info", OTHERS["build_info"][2], labels=OTHERS["build_info"][1])
        build.add_metric([__version__], 1)
        yield build

    def _of_connections(self, declared: Declared) -> Metric:
        family = CounterMetricFamily if declared.kind == "counter" else GaugeMetricFamily
        made = family(PREFIX + declared.name, declared.help, labels=("connection", *declared.labels))
        for each in self._overviews:
            for labels, value in declared.samples(each):
                made.add_metric([each.id, *labels], float(value))
        return made

    def _deliveries(self) -> Metric:
        _, labels, help_ = OTHERS["delivery_seconds"]
        made = HistogramMetricFamily(PREFIX + "delivery_seconds", help_, labels=labels)
        for each in self._overviews:
            for lane, name in DELIVERED.items():
                made.add_metric([each.id, name], *_histogram(each, lane))
        return made


def registry(seen: Look) -> CollectorRegistry:
    """A registry with nothing but this."""
    made = CollectorRegistry()
    made.register(LedgerCollector(seen))
    return made


def _histogram(each: Overview, lane: int) -> tuple[list[tuple[str, float]], float]:
    """Cumulative counts by upper bound, and the sum; in seconds."""
    mine = [found for found in each.latencies if found.lane == lane]
    buckets = [
        (str(bound / 1000), float(sum(found.count for found in mine if BEYOND < found.bound <= bound)))
        for bound in BOUNDS
    ]
    buckets.append(("+Inf", float(sum(found.count for found in mine))))
    return buckets, sum(found.sum for found in mine) / 1000
