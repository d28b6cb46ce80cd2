"""Bad input: one clear message with the next step and a documented exit code, before anything was written."""

import datetime
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import pytest

from console.shapes import members
from plumbing.errors import ExitCode
from sandbox import choices
from sandbox.local.ports import free_port
from tests.integration.console.conftest import Site, changed

pytestmark = pytest.mark.timeout(120)
DEAD = f"127.0.0.1:{free_port()}"


@dataclass(frozen=True)
class Case:
    """What is wrong, and what must be told about it. A dotted key set to None is taken away."""

    says: str
    next: str
    code: ExitCode
    settings: Mapping[str, Any] = field(default_factory=dict)
    rules: Mapping[str, Any] = field(default_factory=dict)
    guards: Mapping[str, Any] | None = None
    drift: Mapping[str, Any] | None = None
    module_off: str | None = None
    command: tuple[str, ...] = ("run", "--until", "caught-up", "--apply")


def guards_with(**changes: Any) -> dict[str, Any]:
    """The sandbox's guards with the first one changed."""
    first, *others = choices.guards()["guards"]
    return {"guards": [changed(first, changes), *others]}


# So far ahead that a run of tests that begins before midnight is not past it.
A_DAY_TO_COME = datetime.datetime.now(datetime.UTC).date() + datetime.timedelta(days=7)
CASES = {
    "a wrong token of Sonar": Case(
        "sonar.unauthenticated", "access token", ExitCode.USAGE, {"sonar.token": "wrong"}
    ),
    "a wrong key of Splynx": Case("401", "splynx.key", ExitCode.USAGE, {"splynx.key": "0" * 32}),
    "a wrong secret of Splynx": Case(
        "401", "splynx.secret", ExitCode.USAGE, {"splynx.secret": "wrong"}, command=("sink", "--apply")
    ),
    "Sonar away": Case("sonar.unreachable", "address", ExitCode.UNREACHABLE, {"sonar.url": f"http://{DEAD}"}),
    "Splynx away": Case("splynx.unreachable", "address", ExitCode.UNREACHABLE, {"splynx.url": f"http://{DEAD}"}),
    "Kafka away": Case(
        rf"Kafka does not answer at {DEAD} \(kafka.bootstrap in the settings\)", "address", ExitCode.UNREACHABLE,
        {"kafka.bootstrap": DEAD},
    ),
    "the registry away": Case(
        rf"the schema registry {DEAD} \(registry.url in the settings\) does not answer", "address",
        ExitCode.UNREACHABLE, {"registry.url": f"http://{DEAD}/apis/ccompat/v7"},
    ),
    "MariaDB away": Case(
        rf"the database {DEAD} \(ledger in the settings\)", "address", ExitCode.UNREACHABLE,
        {"splynx.db.port": int(DEAD.split(":")[1]), "ledger.port": int(DEAD.split(":")[1])},
    ),
    "a wrong password of MariaDB": Case(
        "1045", "GRANT", ExitCode.USAGE, {"splynx.db.password": "wrong", "ledger.password": "wrong"},
        command=("sink", "--apply"),
    ),
    "a wrong name of Splynx's database": Case(
        r"sees no billing_transactions, customer_billing, payments in nowhere", "splynx.db.name", ExitCode.USAGE,
        {"splynx.db.name": "nowhere"},
    ),
    "an instance without topics, asked how it stands": Case(
        r"\d+ topics are missing", "crossfade topics --apply", ExitCode.USAGE, {"instance": "nowhere"},
        command=("status",),
    ),
    "an unknown key in the rules": Case(
        r"rules.yaml line \d+: partners.defualt: is no rule", "docs/rules.md", ExitCode.USAGE,
        rules={"partners.defualt": 1},
    ),
    "an id that Splynx lacks": Case(
        r"rules.yaml line \d+: partners.by_company.3: Splynx has no partner 77", "Correct the ids", ExitCode.USAGE,
        rules={"partners.by_company": {1: 1, 3: 77}},
    ),
    "an id that Splynx lacks, for the sink alone": Case(
        r"rules.yaml line \d+: payment_methods.default: Splynx has no payment method 99", "Correct the ids",
        ExitCode.USAGE, rules={"payment_methods.default": 99}, command=("sink", "--apply"),
    ),
    "an additional field that Splynx lacks": Case(
        r"rules.yaml line \d+: custom_fields.map: Gate code: Splynx's customers have no additional field gate_code",
        "Add the fields in Splynx", ExitCode.USAGE, rules={"custom_fields.map": {"Gate code": {"name": "gate_code"}}},
    ),
    "a status in use without its counterpart": Case(
        r"rules.yaml line \d+: status_map.by_id: status \d+ \(.*\) is in use", "status_map.strict", ExitCode.USAGE,
        rules={"status_map.strict": True},
    ),
    "a status in use without its counterpart, for the processors alone": Case(
        "is in use", "status_map.strict", ExitCode.USAGE, rules={"status_map.strict": True}, command=("process",)
    ),
    "two labels of one name": Case(
        r"rules.yaml line \d+: customer.labels.names: group \d+ would have the name of group \d+ in Splynx; add",
        "Add the lines", ExitCode.USAGE,
        rules={"customer.labels.names": {"group:1": "One name", "group:2": "one name"}},
    ),
    "two labels of one name, for the processors alone": Case(
        "would have the name of", "Add the lines", ExitCode.USAGE, command=("process",),
        rules={"customer.labels.names": {"group:1": "One name", "group:2": "one name"}},
    ),
    "a module that is off": Case(
        "405 for admin/administration/partners", "Switch the module", ExitCode.USAGE,
        module_off="admin/administration/partners",
    ),
    "a module that is off, for the sink alone": Case(
        "405 for admin/customers/customer", "Switch the module", ExitCode.USAGE,
        module_off="admin/customers/customer", command=("sink", "--apply"),
    ),
    "a Sonar without a field that is required": Case(
        "lacks Account.account_status_id", "sonar.leave_out", ExitCode.USAGE,
        drift={"hide": ["Account.account_status_id"]},
    ),
    "a Sonar without a collection": Case(
        "lacks payments", "sonar.leave_out", ExitCode.USAGE, drift={"hide": ["payments"]}
    ),
    "a guard that nobody confirmed": Case(
        "has neither a key nor a confirmation", "Check Config", ExitCode.FOUND,
        guards=guards_with(key=None, expected=None),
    ),
    "a guard of a name that there is not": Case(
        "unknown guard reminder; there are .*reminders", "guards-template", ExitCode.USAGE,
        guards=guards_with(name="reminder"),
    ),
    "a guard that is violated": Case(
        "is not as expected in Splynx", "Set Config", ExitCode.FOUND, guards=guards_with(expected="something else")
    ),
    "a guard that is violated, for the sink alone": Case(
        "is not as expected", "crossfade doctor", ExitCode.FOUND, guards=guards_with(expected="something else"),
        command=("sink", "--apply"),
    ),
    "a switch that no guard is about": Case(
        "is not in the guards file", "add it to the file", ExitCode.FOUND,
        guards={"guards": choices.guards()["guards"][1:]},
    ),
    "a guard confirmed on a day to come": Case(
        "lies in the future", "guards-template", ExitCode.USAGE,
        guards=guards_with(key=None, expected=None, confirmed={"by": "Ada Example", "at": A_DAY_TO_COME}),
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def ready(site: Site) -> Site:
    """A site that could begin."""
    assert site.crossfade("topics", "--apply").code == 0
    return site


@pytest.fixture(params=list(CASES.values()), ids=list(CASES))
def case(request: pytest.FixtureRequest, ready: Site) -> Iterator[Case]:
    """The site in a state that cannot work."""
    case: Case = request.param
    ready.configure(**case.settings)
    ready.write("rules.yaml", changed(choices.rules(), case.rules))
    ready.write("guards.yaml", case.guards or choices.guards())
    around: AbstractContextManager[None] = nullcontext()
    if case.drift is not None:
        around = ready.drifted(dict(case.drift))
    elif case.module_off is not None:
        around = ready.without(case.module_off)
    with around:
        yield case
    ready.configure()
    ready.write("rules.yaml", choices.rules())
    ready.write("guards.yaml", choices.guards())


def test_it_is_one_message_with_the_next_step_and_nothing_is_written(ready: Site, case: Case) -> None:
    ended = ready.crossfade(*case.command)
    assert re.search(case.says, ended.err), ended.err
    assert "Next: " in ended.err
    assert case.next in ended.err
    assert ended.code == case.code, ended.err
    assert ready.is_untouched


@pytest.mark.parametrize("words", [("status",), ("trace", "account", "1"), ("reconcile",), ("doctor",)])
def test_a_command_that_only_looks_waits_for_kafka_once_and_says_so_once(ready: Site, words: tuple[str, ...]) -> None:
    ready.configure(**{"kafka.bootstrap": DEAD})
    begun = time.monotonic()
    try:
        ended = ready.crossfade(*words)
    finally:
        ready.configure()
    assert time.monotonic() - begun < 20  # five seconds, and Python's start on a machine that has much to do
    said = ended.err + ended.out
    assert said.count(f"Kafka does not answer at {DEAD}") == 1
    assert said.count("Connection refused") == 1
    assert ended.code == ExitCode.UNREACHABLE


@pytest.mark.parametrize("words", [("doctor",), ("run", "--apply"), ("sink", "--apply")])
def test_source_and_target_swapped_are_told_before_anything_is_asked_of_them(
    ready: Site, words: tuple[str, ...]
) -> None:
    swapped = {"sonar.url": ready.splynx.url, "splynx.url": ready.sonar.url}
    ready.configure(**swapped)
    try:
        ended = ready.crossfade(*words)
    finally:
        ready.configure()
    assert ended.code == ExitCode.USAGE
    assert "swapped" in ended.err + ended.out
    assert "sonar.url" in ended.err + ended.out
    # What follows from it only, and would lead astray, is not told.
    assert "has no setting" not in ended.err + ended.out
    assert "removed the row" not in ended.err + ended.out
    assert ready.is_untouched


def test_one_address_for_both_ends_is_told(ready: Site) -> None:
    ended = ready.crossfade(
        "run", "--apply", env={"CROSSFADE_SPLYNX__URL": ready.sonar.url.replace("/api/graphql", "")}
    )
    assert (ended.code, "source and target swapped" in ended.err) == (ExitCode.USAGE, True)


def as_root(site: Site, statement: str) -> None:
    with site.mariadb.connect() as connection, connection.cursor() as cursor:
        cursor.execute(statement)


def test_the_doctor_names_all_that_is_wrong_at_once(ready: Site) -> None:
    ready.configure(**{"sonar.token": "wrong"})
    ready.write("rules.yaml", changed(choices.rules(), {"partners.default": 77, "status_map.strict": True}))
    ready.write("guards.yaml", guards_with(expected="something else"))
    right = f"INSERT ON `{ready.splynx.database}`.payments {{}} '{ready.splynx.writer}'@'%'"
    try:
        with ready.without("admin/config/labels"):
            as_root(ready, f"REVOKE {right.format('FROM')}")
            ended = ready.crossfade("doctor", "--json")
    finally:
        as_root(ready, f"GRANT {right.format('TO')}")
        ready.configure()
        ready.write("rules.yaml", choices.rules())
        ready.write("guards.yaml", choices.guards())
    wrong = {one["check"]: one for one in ended.document["checks"] if not one["ok"]}
    first_guard = choices.guards()["guards"][0]["name"]
    assert set(wrong) == {
        "sonar", "splynx api: label", "splynx ids in the rules", "splynx database", f"guard: {first_guard}",
        "guard: module Config",
    }  # fmt: skip
    assert ended.document.keys() | {"learn"} == {"version"} | members("doctor")
    assert all(one["next_step"] for one in wrong.values())
    assert "partners.default: Splynx has no partner 77" in wrong["splynx ids in the rules"]["says"]
    assert "405 for admin/config/labels" in wrong["splynx api: label"]["says"]
    assert f"{ready.splynx.writer} may not INSERT payments" in wrong["splynx database"]["says"]
    assert ended.code == ExitCode.USAGE
    assert ready.is_untouched


def test_the_doctor_names_what_the_rules_name_and_sonar_lacks(ready: Site) -> None:
    ready.write("rules.yaml", changed(choices.rules(), {"status_map.by_name": {"Vacatoin hold": "disabled"}}))
    try:
        ended = ready.crossfade("doctor")
    finally:
        ready.write("rules.yaml", choices.rules())
    assert "status_map.by_name: Vacatoin hold: Sonar has no account status Vacatoin hold" in ended.out
    assert ended.code == ExitCode.FOUND


def test_the_doctor_of_a_site_that_is_ready_finds_nothing_and_prints_the_rights_needed(ready: Site) -> None:
    ended = ready.crossfade("doctor")
    assert ended.code == ExitCode.DONE, ended.out
    assert "BAD" not in ended.out
    assert "this Splynx lacks" not in ended.out
    database = ready.settings["splynx"]["db"]["name"]
    assert f"GRANT SELECT, INSERT, UPDATE ON `{database}`.`payments` TO" in ended.out
    assert "admin/customers/customer" in ended.out
