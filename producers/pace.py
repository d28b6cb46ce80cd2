"""How following and a snapshot share one budget of requests: following comes first, and never takes all."""

SNAPSHOT_SHARE = 1 / 3
"""Of the time, and so of the requests, that a snapshot has at least while following is at work."""


def pause_after(poll_took_seconds: float, poll_seconds: float, *, snapshotting: bool) -> float:
    """Seconds from one poll to the next.

    Between polls the snapshot has the budget for itself. A poll with much to read takes long, for the budget is a rate:
    were the next one to follow at once, a snapshot would wait for ever.
    """
    if not snapshotting:
        return poll_seconds
    return max(poll_seconds, poll_took_seconds * SNAPSHOT_SHARE / (1 - SNAPSHOT_SHARE))
