"""Every metric of Crossfade, declared once, with unit and closed label sets.

One process, one registry. A test finds each name that `deploy/` uses here. Label values come from closed sets
(entity, stage, outcome, code): never a record's key, never personal data.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)  # memory, processor time, and when it started: a restart is seen by that

STAGES = ("capture", "process", "sink", "reconcile")

# capture
SONAR_REQUESTS = Counter(
    "crossfade_sonar_requests_total",
    "Requests sent to Sonar, by what for and what came of them.",
    ["purpose", "outcome"],
    registry=REGISTRY,
)
SONAR_ROWS = Counter("crossfade_sonar_rows_total", "Rows read from Sonar.", ["collection"], registry=REGISTRY)
SONAR_REQUEST_SECONDS = Histogram(
    "crossfade_sonar_request_seconds",
    "Time of one request to Sonar.",
    registry=REGISTRY,
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
SONAR_BUDGET = Gauge(
    "crossfade_sonar_budget_requests_per_minute",
    "Requests to Sonar that this process may make: its share of what the settings allow.",
    registry=REGISTRY,
)
SONAR_BREAKER = Gauge(
    "crossfade_sonar_breaker_open",
    "1 while Sonar, having failed many times in a row, is left in peace but for one request now and then.",
    registry=REGISTRY,
)
SONAR_QUIET = Gauge(
    "crossfade_sonar_quiet", "1 during the hours in which the settings let nothing be asked.", registry=REGISTRY
)
PAGE_ROWS = Gauge(
    "crossfade_capture_page_rows",
    "Roots of a collection that one request asks for: halved where Sonar cannot bear it, growing again.",
    ["collection"],
    registry=REGISTRY,
)
EVENTS_PUBLISHED = Counter(
    "crossfade_events_published_total", "Events acknowledged by the broker.", ["entity", "op"], registry=REGISTRY
)
WATERMARK_SECONDS = Gauge(
    "crossfade_watermark_timestamp_seconds", "Source time up to which changes are proven complete.", registry=REGISTRY
)
DELETES_WATERMARK_SECONDS = Gauge(
    "crossfade_deletes_watermark_timestamp_seconds",
    "Source time up to which deletes are proven complete.",
    registry=REGISTRY,
)
COVERED_SECONDS = Gauge(
    "crossfade_capture_covered_timestamp_seconds",
    "Source time up to which changes of one aggregate are proven complete.",
    ["entity"],
    registry=REGISTRY,
)
SNAPSHOT_ROWS = Gauge(
    "crossfade_snapshot_rows",
    "Rows of the running snapshot, read and in all.",
    ["collection", "state"],
    registry=REGISTRY,
)
SCHEMA_EVENTS = Counter(
    "crossfade_schema_events_total", "Changes of Sonar's schema seen, by what they mean.", ["effect"], registry=REGISTRY
)
SCHEMA_LACKING = Gauge(
    "crossfade_schema_lacking",
    "What Sonar's schema lacks now: aggregates that stand still, fields that are null, that may not be read.",
    ["effect"],
    registry=REGISTRY,
)
SCHEMA_CHANGED = Gauge(
    "crossfade_schema_changed_timestamp_seconds",
    "When a change of Sonar's schema with this effect was last seen.",
    ["effect"],
    registry=REGISTRY,
)
LATENESS = Gauge(
    "crossfade_capture_lateness_seconds",
    "How long after its change a row of a collection became visible, the latest of a week.",
    ["collection"],
    registry=REGISTRY,
)
OVERLAP = Gauge(
    "crossfade_capture_overlap_seconds",
    "How far back a look for changes of a collection reaches now.",
    ["collection"],
    registry=REGISTRY,
)
DELETES = Counter(
    "crossfade_capture_deletes_total",
    "Deletes published, by who told of them first.",
    ["entity", "channel"],
    registry=REGISTRY,
)
SWEPT = Counter(
    "crossfade_capture_swept_total",
    "What sweeps found: changes that following missed, rows that are gone.",
    ["collection", "found"],
    registry=REGISTRY,
)
SWEPT_SECONDS = Gauge(
    "crossfade_capture_swept_timestamp_seconds",
    "When sweeps had last listed all that is followed for an aggregate, by Sonar's clock; 0: some of it never.",
    ["entity"],
    registry=REGISTRY,
)
SWEEP_SECONDS = Gauge(
    "crossfade_capture_sweep_every_seconds",
    "How long one sweep of everything is to take, by the settings.",
    registry=REGISTRY,
)
WEBHOOKS = Counter(
    "crossfade_capture_webhooks_total", "Webhooks of Sonar's by what became of them.", ["outcome"], registry=REGISTRY
)
LEASE_HELD = Gauge("crossfade_capture_lease_held", "1 while this process holds the capture lease.", registry=REGISTRY)

# every consuming stage
LAG_MESSAGES = Gauge(
    "crossfade_lag_messages",
    "Messages between the committed offset and the end.",
    ["stage", "entity"],
    registry=REGISTRY,
)
LAG_SECONDS = Gauge(
    "crossfade_lag_seconds", "Age of the oldest message not yet committed.", ["stage", "entity"], registry=REGISTRY
)
MESSAGES = Counter(
    "crossfade_messages_total", "Messages by what became of them.", ["stage", "entity", "outcome"], registry=REGISTRY
)
ERRORS = Counter("crossfade_errors_total", "Errors by stable code.", ["stage", "code"], registry=REGISTRY)
MAPPING_NOTES = Counter(
    "crossfade_mapping_notes_total",
    "Values that were cut, clamped, dropped or replaced by a default on their way, by which.",
    ["entity", "note"],
    registry=REGISTRY,
)
DEAD_LETTERS = Counter(
    "crossfade_dead_letters_total",
    "Dead letters acknowledged by the broker.",
    ["stage", "entity", "code"],
    registry=REGISTRY,
)
LOOP_TURNED = Gauge(
    "crossfade_loop_turned_timestamp_seconds",
    "When the event loop last turned; 0 where there is none.",
    registry=REGISTRY,
)
LAST_SUCCESS = Gauge(
    "crossfade_last_success_timestamp_seconds", "When this stage last made progress.", ["stage"], registry=REGISTRY
)
STAGE_PAUSED = Gauge(
    "crossfade_stage_paused", "1 while a stage waits, by the code of the reason.", ["stage", "code"], registry=REGISTRY
)

# sink
RECORDS = Counter("crossfade_records_total", "Target records by outcome.", ["entity", "outcome"], registry=REGISTRY)
PUBLISHED_AGAIN = Counter(
    "crossfade_bundles_published_again_total",
    "Newest bundles that the sink published again, an older one lying behind them.",
    ["topic"],
    registry=REGISTRY,
)
SPLYNX_REQUESTS = Counter(
    "crossfade_splynx_requests_total", "REST calls to Splynx.", ["method", "outcome"], registry=REGISTRY
)
SPLYNX_REQUEST_SECONDS = Histogram(
    "crossfade_splynx_request_seconds",
    "Time of one REST call to Splynx.",
    ["method"],
    registry=REGISTRY,
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
SQL_BATCH_SECONDS = Histogram(
    "crossfade_sql_batch_seconds",
    "Time of one SQL transaction of the sink.",
    registry=REGISTRY,
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
HELD_RECORDS = Gauge("crossfade_held_records", "Records that wait, by why.", ["entity", "state"], registry=REGISTRY)
PARKED_SECONDS = Gauge(
    "crossfade_longest_parked_seconds", "How long the record that waits longest has.", ["entity"], registry=REGISTRY
)
CONFLICTS = Gauge(
    "crossfade_conflicts",
    "Fields that somebody changed in Splynx after we wrote them, and that wait for a decision.",
    ["entity"],
    registry=REGISTRY,
)
EDITS_OVERWRITTEN = Gauge(
    "crossfade_edits_overwritten",
    "Edits made in Splynx that were overwritten, for the field is locked or the policy says so; since the ledger was"
    " made.",
    ["entity"],
    registry=REGISTRY,
)
CROSSWALK_RECORDS = Gauge(
    "crossfade_crosswalk_records",
    "Records of Splynx that the ledger links with Sonar's, as counted every few minutes.",
    ["entity"],
    registry=REGISTRY,
)
JOURNAL_BYTES = Gauge(
    "crossfade_journal_bytes",
    "Size of the before-images that a rollback needs, as the database estimates it.",
    registry=REGISTRY,
)
OPEN_INTENTS = Gauge(
    "crossfade_open_intents",
    "REST calls in the ledger, of any sink, whose answer never came and of which it is not yet known what they did.",
    registry=REGISTRY,
)
GUARDS_VIOLATED = Gauge("crossfade_guards_violated", "Guards of Splynx that do not hold.", registry=REGISTRY)

# reconciliation
FINDINGS = Gauge("crossfade_findings", "Differences that stand.", ["level", "entity"], registry=REGISTRY)
RECONCILED_SECONDS = Gauge(
    "crossfade_last_reconciliation_timestamp_seconds", "When reconciliation last ended.", registry=REGISTRY
)


def preset(metric: Counter | Gauge, *label_sets: Iterable[str]) -> None:
    """Create every combination of the closed label sets at zero, so that a rate has a start and an alert a series."""
    combinations: list[tuple[str, ...]] = [()]
    for values in label_sets:
        combinations = [(*known, value) for known in combinations for value in values]
    for combination in combinations:
        metric.labels(*combination)


@dataclass(frozen=True)
class Declared:
    """A metric as this module declares it; `attribute` is its name here, `samples` are the names that a query uses."""

    attribute: str
    name: str
    kind: str
    labels: tuple[str, ...]
    help: str
    samples: tuple[str, ...]


_SAMPLES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}


def declared() -> list[Declared]:
    """Every metric of this module, in its order."""
    found = []
    for attribute, metric in globals().items():
        if isinstance(metric, Counter | Gauge | Histogram):
            described = next(iter(metric.describe()))
            kind, base = described.type, described.name
            found.append(
                Declared(
                    attribute,
                    base + ("_total" if kind == "counter" else ""),
                    kind,
                    metric._labelnames,  # the client tells a metric's labels nowhere else
                    described.documentation,
                    tuple(base + ending for ending in _SAMPLES[kind]),
                )
            )
    return found
