"""One budget for following and a snapshot: polls are cheap, a snapshot ends beside them, a change does not wait."""

import asyncio
from collections.abc import Callable

from producers.capture import run_capture
from schemas.watermark import Watermark
from tests.integration.capture.conftest import Site, assert_topics_equal_sonar, wait_until

A_MINUTE = 300


def watermarks(site: Site) -> list[Watermark]:
    return [Watermark.model_validate_json(one.value() or b"") for one in site.messages(site.topics.watermarks)]


def requests(site: Site) -> int:
    return int(site.control("stats")["requests"]["received"])


async def test_a_snapshot_ends_beside_the_fastest_polling_and_a_change_does_not_wait_for_it(
    make_site: Callable[..., Site],
) -> None:
    site = make_site(accounts=40, page_size=4, poll_seconds=0.05, requests_per_minute=A_MINUTE)
    stop = asyncio.Event()
    capture = asyncio.create_task(run_capture(site.settings, stop=stop))
    try:
        await asyncio.to_thread(wait_until, lambda: bool(watermarks(site)))
        assert not watermarks(site)[-1].snapshot_complete
        await asyncio.to_thread(site.change, "update", "Account", id=1, columns={"name": "Renamed"})

        def renamed() -> bool:
            event = site.folded("account").get(1)
            return event is not None and event.after is not None and event.after["name"] == "Renamed"

        await asyncio.to_thread(wait_until, renamed, 20)
        await asyncio.to_thread(wait_until, lambda: watermarks(site)[-1].snapshot_complete, 120)

        # What polling needs once all is read: a page of everything that changed, and one of the log.
        before, polls = requests(site), len(watermarks(site))
        await asyncio.to_thread(wait_until, lambda: len(watermarks(site)) > polls + 20, 60)
        need = (requests(site) - before) / (len(watermarks(site)) - polls)
        assert need < 2.7
        every_five_seconds = 12 * need
        assert every_five_seconds < A_MINUTE / 8
    finally:
        stop.set()
        await capture
    await asyncio.to_thread(assert_topics_equal_sonar, site)
