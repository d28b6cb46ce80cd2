"""Several workers at one Splynx that checks nonces, with one key."""

import asyncio

import pytest

from clients.splynx import SplynxClient
from plumbing.metrics import REGISTRY
from sinks.startup import LABELS
from tests.integration.sinks.conftest import Site

pytestmark = pytest.mark.timeout(120)

WORKERS = 4
EACH = 15


def _refused() -> float:
    names = ("GET", "POST")
    told = (
        REGISTRY.get_sample_value("crossfade_splynx_requests_total", {"method": one, "outcome": "refused"})
        for one in names
    )
    return sum(one or 0.0 for one in told)


async def test_workers_beside_each_other_are_not_refused_for_each_others_nonces(site: Site) -> None:
    assert site.rows("SELECT DISTINCT check_nonce FROM api") == [{"check_nonce": "1"}]
    before = _refused()

    async def work(number: int) -> None:
        async with SplynxClient(site.client.settings) as client:
            calls = [client.post(LABELS, {"module": "customers", "label": f"{number}-{turn}"}) for turn in range(EACH)]
            await asyncio.gather(*calls, *(client.list(LABELS) for _ in range(EACH)))

    await asyncio.gather(*(work(number) for number in range(WORKERS)))
    assert len(site.rows("SELECT DISTINCT label FROM labels WHERE label LIKE '%%-%%'")) == WORKERS * EACH
    assert _refused() == before
