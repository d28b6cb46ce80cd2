"""Guards: missing, unknown or violated counts as violated."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from clients.mysql import SQL_MODE, Database
from clients.splynx import SplynxClient
from clients.splynx_errors import RecordMissing, error_of
from plumbing.errors import ConfigurationError
from sandbox import choices
from schemas.catalogue import TARGETS
from sinks.errors import GuardsViolated
from sinks.guards import Confirmed, Guard, Violation, check_guards, guards_template, judge, load_guards, require_guards
from sinks.readiness import ACTIONS
from sinks.switches import SWITCHES, Switch, concerned, needed

ZONE = "America/Chicago"
SEEN = Confirmed(by="Ada", at=date(2026, 1, 2))
FIRST, *OTHERS = needed()
CONFIRMED = [Guard(name=name, confirmed=SEEN) for name in OTHERS]
CATALOGUE = {"company", "account_group", "account_type"}


def with_first(**members: Any) -> list[Guard]:
    return [Guard(name=FIRST, **members), *CONFIRMED]


def test_all_confirmed_holds() -> None:
    assert judge(with_first(confirmed=SEEN), {}, ZONE) == []


def test_a_switch_that_the_file_lacks_is_violated() -> None:
    assert [one.name for one in judge(CONFIRMED, {}, ZONE)] == [FIRST]


def test_the_template_as_written_confirms_nothing(tmp_path: Path) -> None:
    path = tmp_path / "guards.yaml"
    path.write_text(guards_template())
    assert {one.name for one in judge(load_guards(path).guards, {}, ZONE)} == set(needed())


@pytest.mark.parametrize(("have", "holds"), [(False, True), ("0", True), (0, True), (True, False), ("1", False)])
def test_a_key_is_compared_with_what_splynx_has(have: object, holds: bool) -> None:
    guards = with_first(key="finance/automation/x", expected=False)
    assert (judge(guards, {("finance", "automation"): {"x": have}}, ZONE) == []) is holds


def test_a_key_that_splynx_does_not_know_is_violated_and_can_be_learned() -> None:
    (one,) = judge(with_first(key="finance/automation/x", expected=False), {}, ZONE)
    assert f"--learn-guard {FIRST}" in one.remedy


@pytest.mark.parametrize(("zone", "holds"), [(ZONE, True), ("America/Denver", False)])
def test_the_zone_of_splynx_is_that_of_the_rules(zone: str, holds: bool) -> None:
    guards = [one for one in with_first(confirmed=SEEN) if one.name != "time_zone"]
    guards.append(Guard(name="time_zone", key="main/localization/timezone", expected=ZONE))
    have = {("main", "localization"): {"timezone": ZONE}}
    assert [one.name for one in judge(guards, have, zone)] == ([] if holds else ["time_zone"])


def test_what_customers_do_not_notice_waits_for_no_switch() -> None:
    waiting = concerned(SWITCHES["automatic_issuing"])
    assert waiting >= {"account", "payment"}
    assert not waiting & CATALOGUE
    assert {"account", "payment"} <= judge(CONFIRMED, {}, ZONE)[0].pauses


def test_a_switch_that_concerns_nothing_that_is_written_is_not_asked_for() -> None:
    of_tickets = Switch("Config > Helpdesk", ("ticket",))
    assert concerned(of_tickets) == frozenset()
    assert all(of_tickets.tables and not one.table.startswith(of_tickets.tables) for one in TARGETS.values())
    assert "helpdesk_replies" not in needed()
    assert "helpdesk_replies" in SWITCHES


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param("guards: [", "line", id="no YAML"),
        pytest.param("guards: caf\udce9", "no UTF-8 text", id="no text"),
        pytest.param("guards: []\nguards: []", "line 2: guards stands here twice", id="a key twice"),
        pytest.param({"guards": [{"name": FIRST, "kee": "x"}]}, "kee", id="an unknown member"),
        pytest.param({"guards": [{"name": FIRST, "key": "only/two", "expected": False}]}, "module/path/key", id="key"),
        pytest.param({"guards": [{"name": FIRST, "key": "a/b/c"}]}, "expected value", id="no value"),
        pytest.param({"guards": [{"name": "reminder"}]}, "unknown guard reminder; there are .*reminders", id="name"),
        pytest.param({"guards": [{"name": FIRST}] * 2}, f"{FIRST} stands there twice", id="twice"),
    ],
)
def test_a_broken_file_is_one_clear_message(tmp_path: Path, content: Any, says: str) -> None:
    path = tmp_path / "guards.yaml"
    text = content if isinstance(content, str) else yaml.safe_dump(content)
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ConfigurationError, match=rf"guards\.yaml.*{says}"):
        load_guards(path)


def test_a_missing_file_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_guards(tmp_path / "none.yaml")
    assert "--guards-template" in caught.value.next_step


def test_a_refusal_names_each_switch_with_its_place() -> None:
    require_guards([])
    with pytest.raises(GuardsViolated, match=r"2 guards .* one is on .Set A.*two is on .Set B"):
        require_guards([Violation("one", "is on", "Set A"), Violation("two", "is on", "Set B")])


class Splynx:
    """Its configuration, the additional fields of customers, what our key may do, and what is switched off."""

    def __init__(
        self,
        *fields: Mapping[str, str],
        zone: str = ZONE,
        rights: Mapping[str, Mapping[str, str]] | None = None,
        off: str = "",
    ) -> None:
        self.fields, self.zone, self.told, self.off = fields, zone, rights or {}, off

    async def options(self, path: str) -> dict[str, Any]:
        if path == self.off:
            raise error_of(405, b"{}", path=path)
        return {"attributes": [], "additional_attributes": []}

    async def rights(self) -> Mapping[str, Mapping[str, str]]:
        return self.told

    async def settings_of(self, module: str, path: str) -> dict[str, Any]:
        if (module, path) == ("main", "localization"):
            return {"timezone": self.zone}
        raise RecordMissing("no such path")

    async def list(self, path: str) -> list[Mapping[str, str]]:
        return list(self.fields) if path.endswith("/customers") else []


class Server:
    """Splynx's database server, with its modes."""

    def __init__(self, modes: str) -> None:
        self.modes = modes

    async def fetch(self, sql: str) -> list[dict[str, str]]:
        assert "GLOBAL" in sql  # our own session has modes of its own
        return [{"modes": self.modes}]


async def violations(folder: Path, splynx: Splynx, server: Server | None = None, **choice: Any) -> dict[str, Violation]:
    guards = [{"name": name, "confirmed": {"by": "Ada", "at": date(2026, 1, 2)}} for name in needed()]
    guards = [one for one in guards if one["name"] != "time_zone"]
    zone = [{"name": "time_zone", "key": "main/localization/timezone", "expected": ZONE}]
    (folder / "guards.yaml").write_text(yaml.safe_dump({"guards": [*guards, *zone]}))
    rules = choices.rules() | {"custom_fields": {"map": {"Gate code": {"name": "gate_code"}}}} | choice
    (folder / "rules.yaml").write_text(yaml.safe_dump(rules))
    client, db = cast("SplynxClient", splynx), cast("Database | None", server)
    return {one.name: one for one in await check_guards(client, db, folder / "guards.yaml", folder / "rules.yaml")}


async def test_a_required_field_that_nothing_fills_holds_up_the_records_that_have_it(tmp_path: Path) -> None:
    field = {"name": "spouse", "is_required": "1"}
    (one,) = (await violations(tmp_path, Splynx(field))).values()
    assert (one.name, one.pauses) == ("required_fields", frozenset({"account"}))
    assert "spouse of customers" in one.problem


@pytest.mark.parametrize(
    "field",
    [
        pytest.param({"name": "spouse", "is_required": "0"}, id="not required"),
        pytest.param({"name": "sonar_id", "is_required": "1"}, id="ours"),
        pytest.param({"name": "gate_code", "is_required": "1"}, id="filled by the rules"),
    ],
)
async def test_a_field_that_is_filled_or_may_be_empty_holds_up_nothing(tmp_path: Path, field: dict[str, str]) -> None:
    assert await violations(tmp_path, Splynx(field)) == {}


async def test_a_path_that_splynx_does_not_have_is_a_key_that_it_does_not_have(tmp_path: Path) -> None:
    assert set(await violations(tmp_path, Splynx(zone="America/Denver"))) == {"time_zone"}


ALL = dict.fromkeys(ACTIONS, "allow")
READING = ALL | {"add": "deny"}
BY_SQL = "NO_ENGINE_SUBSTITUTION"


@pytest.mark.parametrize(
    ("controller", "server", "waiting"),
    [
        pytest.param(r"api\admin\customers\Customer", BY_SQL, {"account"}, id="customers"),
        pytest.param(r"api\admin\administration\Partners", BY_SQL, {"company"}, id="partners"),
        pytest.param(r"api\admin\finance\Payments", None, {"payment"}, id="payments, over REST"),
        pytest.param(r"api\admin\finance\Payments", BY_SQL, set(), id="payments, by SQL"),
        pytest.param(r"api\admin\finance\Another", BY_SQL, set(), id="nothing of ours"),
    ],
)
async def test_a_right_that_our_key_lacks_holds_up_what_goes_over_rest_there(
    tmp_path: Path, controller: str, server: str | None, waiting: set[str]
) -> None:
    db = Server(server) if server else None
    found = await violations(tmp_path, Splynx(rights={controller: READING}), db)
    assert set(found) == ({"permissions"} if waiting else set())
    assert {name for one in found.values() for name in one.pauses} == waiting
    assert all("may not add" in one.problem and "API keys" in one.remedy for one in found.values())
    assert await violations(tmp_path, Splynx(rights={controller: ALL}), db) == {}


@pytest.mark.parametrize(
    ("off", "server", "module", "waiting"),
    [
        pytest.param("admin/customers/customer", BY_SQL, "Customers", {"account"}, id="customers"),
        pytest.param("admin/tariffs/internet", BY_SQL, "Tariff plans", {"service"}, id="tariffs"),
        pytest.param("admin/config/labels", BY_SQL, "Config", {"account_group", "account_type"}, id="labels"),
        pytest.param("admin/finance/payments", None, "Finance", {"payment"}, id="payments, over REST"),
        pytest.param("admin/finance/payments", BY_SQL, "", set(), id="payments, by SQL"),
        pytest.param("admin/fup/cap-tariff", None, "", set(), id="nothing of ours"),
    ],
)
async def test_a_module_that_is_off_holds_up_what_goes_over_rest_there(
    tmp_path: Path, off: str, server: str | None, module: str, waiting: set[str]
) -> None:
    found = await violations(tmp_path, Splynx(off=off), Server(server) if server else None)
    assert set(found) == ({f"module {module}"} if module else set())
    assert {name for one in found.values() for name in one.pauses} == waiting
    assert all(one.is_shut and "Config > Main > Modules" in one.remedy for one in found.values())


async def test_a_server_that_refuses_zero_dates_holds_up_what_goes_by_sql(tmp_path: Path) -> None:
    refusing = Server(f"{SQL_MODE},NO_ZERO_IN_DATE,NO_ZERO_DATE")
    (one,) = (await violations(tmp_path, Splynx(), refusing)).values()
    assert (one.name, one.pauses) == ("sql_mode", frozenset({"payment"}))
    assert "has NO_ZERO_DATE:" in one.problem
    assert await violations(tmp_path, Splynx(), refusing, write_paths={"payment": "rest"}) == {}


@pytest.mark.parametrize("modes", ["", SQL_MODE, "NO_ZERO_IN_DATE"])
async def test_a_server_that_takes_zero_dates_holds_up_nothing(tmp_path: Path, modes: str) -> None:
    assert await violations(tmp_path, Splynx(), Server(modes)) == {}
