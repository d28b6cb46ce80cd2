"""What a run of capture tells when it ends."""

from dataclasses import dataclass, field

from schemas.watermark import Watermark


@dataclass
class CaptureSummary:
    """What one run of capture did."""

    run_id: str = ""
    events: dict[str, dict[str, int]] = field(default_factory=dict)
    """`{aggregate: {op: events acknowledged}}`."""
    snapshot: dict[str, tuple[int, int | None]] = field(default_factory=dict)
    """`{aggregate: (rows read, rows in all)}`."""
    snapshot_complete: bool = False
    missing: dict[str, str] = field(default_factory=dict)
    """`{aggregate: ids that were ordered and that Sonar does not have}`."""
    standing: dict[str, str] = field(default_factory=dict)
    """`{aggregate: code of what it stands still for}`: nothing of what changes in it was seen."""
    requests: int = 0
    seconds: float = 0.0
    watermark: Watermark | None = None
    """The last one published."""
    signal_id: str | None = None
    """Set when another process holds the lease and was asked to do it; nothing was read here."""
