"""The watermark that capture publishes: what is proven complete, and where on the topics that is."""

from pydantic import BaseModel, ConfigDict

from schemas.records import Instant


class Watermark(BaseModel):
    """Changes up to `source_time` are on the topics, at the latest at `offsets`.

    A stage has passed it when its committed offsets are at least these. Published as JSON on `Topics.watermarks`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source_time: Instant
    """By Sonar's clock: every change with updated_at up to here is covered."""
    deletes_time: Instant | None
    """Deletes are proven complete up to here; None before the first pass over the log."""
    read_started: Instant
    """By our clock: reads of Sonar that this watermark covers had begun by then; later than it nothing is promised."""
    sequence: int
    """Every event that this watermark covers has a sequence below this."""
    snapshot_complete: bool
    """Every declared collection was snapshotted in full at least once before this watermark."""
    offsets: dict[str, dict[int, int]]
    """`{sonar topic: {partition: offset after the newest covered message}}`."""
