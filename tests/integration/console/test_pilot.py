"""A pilot through all stages: one account at first, then everybody without starting over, and one account again."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from sandbox import choices
from sandbox.local.sandboxes import SplynxSandbox
from tests.integration.console.conftest import Site
from tests.integration.console.running import Writes, change, document, restart, settle, stop, target
from tests.integration.reconciliation.conftest import OFTEN, Pair, stages

pytestmark = pytest.mark.timeout(400)

WITH_PAYMENTS = "{ payments(successful: true, status: SUCCEEDED) { entities { account_id } } }"


@pytest.fixture(scope="module")
def inside(site: Site) -> int:
    """The account of the pilot, which has payments."""
    sonar = site.settings["sonar"]
    headers = {"Authorization": f"Bearer {sonar['token']}"}
    answer = httpx2.post(sonar["url"], json={"query": WITH_PAYMENTS}, headers=headers)
    return min(int(row["account_id"]) for row in answer.json()["data"]["payments"]["entities"])


@pytest.fixture(scope="module")
def pair(site: Site, inside: int) -> Iterator[Pair]:
    """The pilot's copy, its stages running."""
    scoped(site, inside)
    with stages(Pair(site)) as made:
        yield made


def scoped(site: Site, *accounts: int) -> None:
    """Make these accounts the pilot; all of them without any."""
    site.write("rules.yaml", choices.rules() | ({"scope": {"accounts": accounts}} if accounts else {}))


def agreed(pair: Pair) -> dict[str, Any]:
    """What a comparison of both ends counts, which finds no difference."""
    found = pair.reconcile()
    assert (found["code"], found["findings"]) == (0, [])
    return found


def test_a_pilot_is_widened_to_a_whole_copy_and_narrowed_without_a_change(
    pair: Pair, inside: int, start_splynx: Callable[[], SplynxSandbox]
) -> None:
    pilot = agreed(pair)
    assert pilot["customers"] == [1, 1]
    assert (paid := payments(pair)) > 0

    scoped(pair.site)
    restart(pair, "process")
    assert customers(pair) == [inside], "wider rules alone write nobody"
    foreseen = document(pair.run("replay", "--entering", "--json"))
    done = document(pair.run("replay", "--entering", "--apply", "--json"))
    assert done["published"] == done["entering"] == foreseen["entering"]
    assert done["leaving"] == {}
    settle(pair)
    whole = agreed(pair)
    assert whole["customers"] == [30, 30] == [1 + done["entering"]["account"]] * 2
    wide = target(pair.site, pair.site.splynx)

    scoped(pair.site, inside)
    restart(pair, "process")
    narrowed = document(pair.run("replay", "--json"))
    assert narrowed["steps"] == {}
    left = document(pair.run("replay", "--entering", "--json"))
    assert (left["entering"], left["leaving"]) == ({}, {"account": 29, "payment": payments(pair) - paid})
    writes = Writes(pair)
    outside = next(one for one in customers(pair) if one != inside)
    name = httpx2.get(f"{pair.site.sonar.control}/store/Account/{outside}").json()["name"]
    change(pair, outside, name="Anna Later Example")
    document(pair.run("replay", "--apply", "--json"))
    settle(pair)
    assert (writes.requests(), writes.sums()) == (0, writes.before), "nothing is changed or gone"
    assert agreed(pair)["customers"] == [1, 1]

    change(pair, outside, name=name)
    scoped(pair.site)
    restart(pair, "process")
    stop(pair, "sink")
    empty = start_splynx()
    of_the_empty = {
        "splynx.url": empty.url, "splynx.key": empty.key, "splynx.secret": empty.secret,
        "splynx.db.user": empty.writer, "splynx.db.password": empty.writer_password, "splynx.db.name": empty.database,
        "ledger.user": empty.writer, "ledger.password": empty.writer_password, "ledger.name": empty.ledger,
    }  # fmt: skip
    pair.site.configure(**OFTEN, **of_the_empty)
    document(pair.run("replay", "--apply", "--json"))
    pair.start("sink", "--apply")
    settle(pair, lambda: len(target(pair.site, empty).get("records", ())) == len(wide["records"]), seconds=120)
    assert target(pair.site, empty) == wide, "as a whole copy is"


def customers(pair: Pair) -> list[int]:
    """Sonar ids of our customers in Splynx."""
    rows = pair.site.rows(
        "SELECT record_key FROM {ledger}.crosswalk WHERE entity = 'customer' AND state = 'live' ORDER BY target_id"
    )
    return [int(row["record_key"]) for row in rows]


def payments(pair: Pair) -> int:
    """How many of Sonar's payments have documents of ours in Splynx."""
    (row,) = pair.site.rows(
        "SELECT COUNT(DISTINCT sonar_id) AS n FROM {ledger}.crosswalk WHERE entity = 'payment' AND state = 'live'"
    )
    return int(row["n"])
