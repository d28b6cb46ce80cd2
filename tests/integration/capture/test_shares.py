"""One budget for all that ask Sonar at a time: a share each, taken up when one ends or dies."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from unittest.mock import patch

import pytest

from console.asking import asking_sonar
from plumbing import shares
from plumbing.settings import KafkaSettings
from plumbing.shares import NoShare, Share
from producers.capture import run_capture
from sandbox.local.ports import free_port
from tests.integration.capture.conftest import Site, wait_until

A_MINUTE = 1200
QUERY = "query Q { companies(paginator: {page: 1, records_per_page: 1}) { entities { id } } }"


async def reached(share: Share, part: float, seconds: float = 20) -> None:
    end = monotonic() + seconds
    while (now := await share.part()) != part:
        assert monotonic() < end, f"it has {now}, not {part}"
        await asyncio.sleep(0.05)


async def test_who_is_alone_has_all_and_two_have_half_each(make_site: Callable[..., Site]) -> None:
    site = make_site()
    topic = site.topics.asking
    with Share(site.settings.kafka, topic) as first:
        await reached(first, 1)
        with Share(site.settings.kafka, topic) as second:
            given = await second.part()
            assert given + await first.part() <= 1  # the first gave up before the second had it
            await reached(first, 1 / 2)
            await reached(second, 1 / 2)
        await reached(first, 1)


@contextmanager
def another(site: Site) -> "Iterator[subprocess.Popen[str]]":
    code = (
        "import asyncio, sys, time\n"
        "from plumbing.settings import KafkaSettings\n"
        "from plumbing.shares import Share\n"
        "share = Share(KafkaSettings(bootstrap=sys.argv[1], partitions=2, replication_factor=1), sys.argv[2])\n"
        "print(asyncio.run(share.part()), flush=True)\n"
        "time.sleep(600)\n"
    )
    command = [sys.executable, "-c", code, site.settings.kafka.bootstrap, site.topics.asking]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


async def test_of_one_that_was_killed_the_share_comes_back(make_site: Callable[..., Site]) -> None:
    site = make_site()
    with Share(site.settings.kafka, site.topics.asking) as first, another(site) as process:
        assert process.stdout is not None
        assert float(await asyncio.to_thread(process.stdout.readline)) <= 1
        await reached(first, 1 / 2)
        process.send_signal(signal.SIGKILL)
        await reached(first, 1, 30)


async def test_more_than_there_are_shares_is_told(make_site: Callable[..., Site]) -> None:
    site = make_site()
    kafka, one_share = site.settings.kafka, site.topics.lease  # any topic with one partition
    with Share(kafka, one_share) as first, Share(kafka, one_share) as other:
        await reached(first, 1)
        with patch.object(shares, "_PATIENCE_SECONDS", 2.0), pytest.raises(NoShare):
            await other.part()


@pytest.mark.parametrize("kafka", ["away", "without the topic"])
async def test_without_kafka_the_budget_is_whole(kafka: str, kafka_bootstrap: str) -> None:
    bootstrap = f"127.0.0.1:{free_port()}" if kafka == "away" else kafka_bootstrap
    with Share(
        KafkaSettings(bootstrap=bootstrap, partitions=2, replication_factor=1), "crossfade.none.asking"
    ) as share:
        assert await share.part() == 1


async def test_capture_and_a_command_beside_it_stay_within_one_budget(make_site: Callable[..., Site]) -> None:
    site = make_site(accounts=60, page_size=1, poll_seconds=0.05, requests_per_minute=A_MINUTE)
    stop = asyncio.Event()
    capture = asyncio.create_task(run_capture(site.settings, stop=stop))
    try:
        # Once it has spent what it had saved up.
        await asyncio.to_thread(wait_until, lambda: requests(site) > A_MINUTE / 10 + 20)
        async with asking_sonar(site.settings) as client:
            await client.query(QUERY)
            before, began = requests(site), monotonic()
            for _ in range(160):
                await client.query(QUERY)
            took, sent = monotonic() - began, requests(site) - before
        # What was saved up, a tenth of a minute's, and what a budget gives in that time: each with one of its own had
        # made two hundred requests in two seconds.
        assert sent <= A_MINUTE / 10 + A_MINUTE / 60 * took + 5
        assert sent > 160 * 1.3  # capture was at work, too
    finally:
        stop.set()
        await capture


def requests(site: Site) -> int:
    return int(site.control("stats")["requests"].get("received", 0))
