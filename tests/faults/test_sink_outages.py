"""A target that is away for long, a disk that is full, a network that loses answers, a Splynx from yesterday."""

import json
import random
from collections.abc import Sequence
from decimal import Decimal
from functools import wraps
from typing import Any

import pymysql
import pytest

from clients.mysql_errors import error_of
from clients.splynx_errors import SplynxUnreachable
from plumbing.errors import DependencyUnreachable
from sinks.ledger_errors import ForeignTarget
from sinks.rebuild import run_rebuild
from sinks.store import JournalEntry
from tests.faults.alarms import ENDS, alarm, paused, rings
from tests.faults.history import FIRST_LOAD, history
from tests.faults.seeds import seeds
from tests.faults.sink_site import SinkSite
from tests.faults.steps import resolved
from tests.faults.target import TABLES, assert_same
from tests.integration import behind

SEND, RUN, POLL = "clients.splynx.SplynxClient._send", "clients.mysql.Transaction._run", "sinks.stream.Stream.poll"
OPEN_PRICES = (
    "SELECT t.title, c.source FROM {ledger}.conflicts c JOIN tariffs_internet t ON t.id = c.target_id"
    " WHERE c.entity = 'internet_tariff' AND c.field = 'price' AND c.state = 'open'"
)
AWAY = 25
"""How often something that is away is asked in vain: an hour of growing pauses, none of which is waited for here."""


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two attempts no time passes, and each outage counts as a long one."""

    async def at_once(*_: object) -> bool:
        return False

    monkeypatch.setattr("sinks.loop._is_set_within", at_once)
    monkeypatch.setattr("sinks.loop._OUTAGE_SECONDS", -1.0)


class Away:
    """Splynx or its database does not answer any more, from the `turn`-th call on, for a while."""

    def __init__(self, turn: int) -> None:
        self._turn, self.left = turn, AWAY
        self.polls = 0
        self.polled_meanwhile = 0

    def arm(self, patches: pytest.MonkeyPatch, step: str, error: Exception) -> None:
        """Of a step, and count how often more is read from the topics meanwhile."""
        real, poll = resolved(step), resolved(POLL)

        @wraps(real)
        async def calling(*args: Any, **options: Any) -> Any:
            if self.polls:  # it has begun
                self._turn -= 1
                if self._turn < 0 < self.left:
                    self.left -= 1
                    raise error
            return await real(*args, **options)

        async def polling(*args: Any) -> Any:
            found = await poll(*args)
            self.polls += bool(found)
            self.polled_meanwhile += self._turn < 0 < self.left < AWAY
            return found

        patches.setattr(step, calling)
        patches.setattr(POLL, polling)


@pytest.mark.fault(18)
@rings(
    paused("splynx.unreachable", seeds=lambda seed: seed % 2 == 1),
    paused("dependency.unreachable", seeds=lambda seed: seed % 2 == 0),
)
@seeds(30, guards={"what is away is waited for": 1})
async def test_a_target_that_is_away_for_an_hour_is_waited_for_and_nothing_piles_up(
    sink_site: SinkSite, seed: int, monkeypatch: pytest.MonkeyPatch, no_pauses: None
) -> None:
    """Splynx on odd seeds, the database on even ones."""
    expected = await sink_site.after_nothing(seed)
    away = Away(turn=3 + seed % 7)
    if seed % 2:
        away.arm(monkeypatch, SEND, SplynxUnreachable("Splynx is away", nothing_happened=True))
    else:
        away.arm(monkeypatch, RUN, DependencyUnreachable("the database is away"))
    code = "splynx.unreachable" if seed % 2 else "dependency.unreachable"
    errors = alarm("crossfade_errors_total", stage="sink", code=code)
    await sink_site.run()
    assert away.left == 0
    assert away.polled_meanwhile == 0
    assert alarm("crossfade_errors_total", stage="sink", code=code) > errors
    assert alarm("crossfade_stage_paused", stage="sink", code=code) == 0
    assert_same(sink_site.picture(), expected)
    await sink_site.assert_each_offset_has_one_outcome()


@pytest.mark.fault(31)
@rings(paused("dependency.unreachable"))
@seeds(30, guards={"rows and ledger commit together": 1})
async def test_a_disk_that_is_full_when_an_image_is_kept_leaves_nothing_of_the_batch(
    sink_site: SinkSite, seed: int, monkeypatch: pytest.MonkeyPatch, no_pauses: None
) -> None:
    """The payments are written then, and their images are not: 1021 and 1114 by turns, or a server that reads only."""
    expected = await sink_site.after_nothing(seed)
    told = history(seed)
    sink_site.play(told[:FIRST_LOAD])  # whose payments all count: of those that come later perhaps none does
    journal, left = resolved("sinks.store.Ledger.journal"), 3

    async def full(self: Any, tx: Any, entries: Sequence[JournalEntry]) -> Any:
        nonlocal left
        if left and any(one.entity == "payment" for one in entries):
            left -= 1
            errno = (1021, 1114, 1290)[(seed + left) % 3]
            raise error_of(pymysql.err.OperationalError(errno, "full"), tx._at)
        return await journal(self, tx, entries)

    monkeypatch.setattr("sinks.store.Ledger.journal", full)
    await sink_site.run()
    assert left == 0
    sink_site.add(told[FIRST_LOAD:])
    await sink_site.run()
    assert_same(sink_site.picture(), expected)
    images = sink_site.rows(
        "SELECT c.record_key FROM {ledger}.crosswalk c LEFT JOIN {ledger}.journal j"
        " ON j.entity = c.entity AND j.record_key = c.record_key WHERE c.entity = 'payment' AND j.id IS NULL"
    )
    assert images == []
    await sink_site.assert_each_offset_has_one_outcome()


@pytest.mark.fault(32)
@rings(paused("splynx.unreachable"))
@seeds(30, guards={"intents are healed by a search": 4})
async def test_a_network_that_loses_a_third_of_the_calls_makes_no_twin(
    impatient: SinkSite, seed: int, monkeypatch: pytest.MonkeyPatch, no_pauses: None
) -> None:
    """On their way there, or on their way back, when Splynx has done what it was asked for."""
    expected = await impatient.after_nothing(seed)
    chance, real, run = random.Random(seed), resolved(SEND), resolved("sinks.loop.Loop.run")
    began, lost = [0], [0]

    async def running(self: Any, *args: Any) -> Any:
        began[0] += 1  # before it, whoever starts it starts it again
        return await run(self, *args)

    async def lossy(self: Any, method: str, *args: Any) -> Any:
        fate = chance.random()
        if not began[0] or lost[0] >= 12 or fate > 0.3:
            return await real(self, method, *args)
        lost[0] += 1
        if fate > 0.15:
            await real(self, method, *args)
        raise SplynxUnreachable(f"the network lost a {method}")

    monkeypatch.setattr(SEND, lossy)
    monkeypatch.setattr("sinks.loop.Loop.run", running)
    await impatient.run()
    assert lost[0] > 3
    assert_same({name: impatient.picture()[name] for name in TABLES}, {name: expected[name] for name in TABLES})
    await impatient.assert_each_offset_has_one_outcome()


@pytest.mark.fault(39)
@rings(ENDS)
@seeds(30, guards={"the mark in Splynx": 1})
async def test_a_splynx_from_yesterday_is_noticed_and_a_rebuilt_ledger_brings_it_up_to_date(
    sink_site: SinkSite, seed: int
) -> None:
    expected = await sink_site.after_nothing(seed)
    told = history(seed)
    cut = 4 + seed % (len(told) - 6)
    sink_site.play(told[:cut])
    await sink_site.run()
    yesterday = behind.back_up(sink_site.mariadb, sink_site.splynx)
    sink_site.add(told[cut:])
    await sink_site.run()
    behind.restore(sink_site.mariadb, sink_site.splynx, yesterday)
    sink_site.forget()
    before = sink_site.everything()
    noticed = await sink_site.halted_by(ForeignTarget)
    assert "ledger rebuild" in noticed.next_step
    assert sink_site.everything() == before
    await run_rebuild(sink_site.settings, apply=True)
    await sink_site.run()
    found = sink_site.picture()
    # The price of a tariff that is adopted stays until somebody decides: what it should be is told.
    prices = {row["title"]: Decimal(json.loads(row["source"])) for row in sink_site.rows(OPEN_PRICES)}
    for row in found["tariffs_internet"]:
        row["price"] = prices.get(row["title"], row["price"])
    assert_same({name: found[name] for name in TABLES}, {name: expected[name] for name in TABLES})
    await sink_site.assert_each_offset_has_one_outcome()
