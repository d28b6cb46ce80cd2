"""Random histories of events, edits, kills and replays: whichever run is taken back, every column of ours returns."""

import random
from typing import Any

import pytest

from console.rollback import run_rollback, text_of
from plumbing.errors import ExitCode
from sinks.rollback import Writes
from tests.faults.history import Happening, town_of
from tests.faults.seeds import seeds
from tests.faults.sink_site import SinkSite
from tests.faults.steps import after, at_turn, before, die
from tests.faults.target import TABLES, Picture, assert_same

PERIODS = 3
KILLS = (
    ("sinks.writer.Writer.write", after, 3),
    ("sinks.writer.Writer._commit", before, 3),
    # A customer is made or changed, and nobody has noted it: whoever heals the call does.
    ("clients.splynx.SplynxClient.post", after, 1),
    ("clients.splynx.SplynxClient.put", after, 3),
)
"""`(step, where, at the latest at which turn)`"""
UNTOUCHED = ("labels", "partners")
"""Kept although nobody asks for them any more: catalogue objects."""


def ours(picture: Picture, logins: set[Any]) -> Picture:
    """What a picture tells of these customers."""
    return {
        name: [row for row in picture[name] if row.get("login") in logins] for name in TABLES if name not in UNTOUCHED
    }


def runs_of(site: SinkSite) -> list[str]:
    """Everything that wrote, the oldest first."""
    return [
        str(row["run_id"]) for row in site.rows("SELECT run_id FROM {ledger}.journal GROUP BY run_id ORDER BY MIN(id)")
    ]


async def live(site: SinkSite, told: list[Happening], chance: random.Random, patches: pytest.MonkeyPatch) -> None:
    """A few events are written, through a kill; some of them come twice; somebody edits what is not ours."""
    site.add(told)
    step, place, latest = chance.choice(KILLS)
    with patches.context() as killed:
        place(killed, step, at_turn(chance.randint(1, latest), die))
        await site.run_through()
    if chance.random() < 0.5:
        site.add(chance.sample(told, len(told) // 2))
        await site.run()
    site.change("UPDATE customers SET gdpr_agreed = 'accept' WHERE MOD(id, 2) = %s", chance.randint(0, 1))


@pytest.mark.fault(5)
@pytest.mark.fault(27)
@seeds(30, guards={"the earliest image of a column counts": 1, "what is found to be done is noted": 3})
async def test_any_run_of_a_random_history_is_taken_back_column_by_column(
    sink_site: SinkSite, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # So that a run writes a record several times, and has several images of it.
    sink = sink_site.settings.sink.model_copy(update={"batch": 2})
    monkeypatch.setattr(sink_site, "settings", sink_site.settings.model_copy(update={"sink": sink}))
    chance = random.Random(seed)
    town = town_of(seed, accounts=3, events=0)
    sink_site.play(town.told)
    await sink_site.run()
    periods: list[tuple[list[str], Picture]] = []
    for period in range(PERIODS):
        known, picture, begun = runs_of(sink_site), sink_site.picture(), len(town.told)
        town.account(10 + period)
        for _ in range(10):
            town.live()
        await live(sink_site, town.told[begun:], chance, monkeypatch)
        periods.append(([run for run in runs_of(sink_site) if run not in known], picture))
    for runs, picture in reversed(periods):
        edited = sink_site.rows("SELECT login, gdpr_agreed FROM customers ORDER BY login")
        for run in reversed(runs):
            done = await run_rollback(
                sink_site.settings, Writes(run_id=run), apply=True, values=False, tell=lambda *_: None
            )
            assert done.exit_code is ExitCode.DONE, text_of(done.document())
        logins = {row["login"] for row in picture["customers"]}
        # What we do not own is as somebody left it, before and after.
        assert sink_site.rows("SELECT login, gdpr_agreed FROM customers ORDER BY login") == edited
        now = sink_site.picture()
        found, wanted = ours(now, logins), ours(picture, logins)
        # Whom a period signed up is withdrawn, as the delete policy says.
        assert {row["status"] for row in now["customers"] if row["login"] not in logins} == {"disabled"}
        for row in [*found["customers"], *wanted["customers"]]:
            del row["gdpr_agreed"]
        assert_same(found, wanted)
