"""Signals on a real topic: from where they are heard."""

from collections.abc import Callable

import pytest

from producers.signals import Accepted, Heard, Signals, send
from tests.integration.capture.conftest import Site

FIRST, SECOND = Accepted(["payments"]), Accepted(["contacts"])


async def heard_next(signals: Signals) -> Heard:
    """The next one, within half a minute."""
    for _ in range(60):
        if (heard := await signals.next()) is not None:
            return heard
    raise AssertionError("nothing was heard")


@pytest.mark.parametrize(
    ("start", "heard"),
    [
        pytest.param(0, [Heard(FIRST, 1), Heard(SECOND, 2)], id="from where hearing ended"),
        pytest.param(None, [Heard(SECOND, 2)], id="the first time: from now on"),
        pytest.param(9, [Heard(SECOND, 2)], id="after the topic was made anew, which ends before that"),
    ],
)
async def test_signals_are_heard(make_site: Callable[..., Site], start: int | None, heard: list[Heard]) -> None:
    site = make_site(accounts=1)
    kafka, instance = site.settings.kafka, site.settings.instance
    send(kafka, instance, FIRST)
    signals = Signals(kafka, site.topics, start)
    try:
        send(kafka, instance, SECOND)
        for one in heard:
            assert await heard_next(signals) == one
    finally:
        signals.close()
