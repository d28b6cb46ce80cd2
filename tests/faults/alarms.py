"""What an operator is rung by."""

from plumbing.metrics import REGISTRY


def alarm(name: str, **labels: str) -> float:
    """The value of a metric of this process, 0 when it was never set."""
    return REGISTRY.get_sample_value(name, labels) or 0.0
