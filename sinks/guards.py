"""Guards: the switches of Splynx that must be off while Sonar bills, as the operator confirmed them.

What the switches are called in the API is not public, so each stands in a file: with its key and expected value, or
with who confirmed in the UI that it is off, and when. What is missing counts as violated, and so does what would
have our writes refused: a required field that nobody fills, a right that our key lacks, a module that is off, a server
without zero dates.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator

from clients.mysql import Database
from clients.splynx import SplynxClient
from clients.splynx_errors import RecordMissing, SplynxModuleOff
from plumbing import metrics
from plumbing.errors import ConfigurationError
from plumbing.yaml_file import read_yaml
from schemas.aggregate import Aggregate, Target, WritePath
from schemas.catalogue import AGGREGATES, TARGETS, additional_fields
from schemas.rules import named_fields, read_rules
from schemas.write_paths import WritePaths
from sinks.errors import GuardsViolated
from sinks.readiness import entities, rights_lacking
from sinks.switches import SWITCHES, TIME_ZONE, concerned, needed


class Confirmed(BaseModel):
    """Who saw the switch off, and on which day."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    by: str
    at: date

    @field_validator("at")
    @classmethod
    def _has_been(cls, at: date) -> date:
        # A day of grace: where the operator lives it may be tomorrow already.
        if at > datetime.now(UTC).date() + timedelta(days=1):
            raise ValueError("lies in the future")
        return at


class Guard(BaseModel):
    """One switch: read by its key (`module/path/key`) and compared, or confirmed by a person."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    key: str | None = None
    expected: bool | int | str | None = None
    confirmed: Confirmed | None = None

    @property
    def place(self) -> tuple[str, str] | None:
        """Module and path of its key."""
        if self.key is None:
            return None
        module, path, _ = self.key.split("/")
        return module, path

    @model_validator(mode="after")
    def _key_has_three_parts(self) -> "Guard":
        if self.key is not None and len(self.key.split("/")) != 3:
            raise ValueError("key must be module/path/key")
        if self.key is not None and self.expected is None:
            raise ValueError("a key needs an expected value")
        return self


class GuardsFile(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    guards: list[Guard]

    @model_validator(mode="after")
    def _each_is_known_and_stands_once(self) -> "GuardsFile":
        names = [guard.name for guard in self.guards]
        if unknown := sorted(set(names) - SWITCHES.keys()):
            raise ValueError(f"unknown guard {', '.join(unknown)}; there are {', '.join(SWITCHES)}")
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"{', '.join(twice)} stands there twice")
        return self


_ZERO_DATES_REFUSED = frozenset({"NO_ZERO_DATE"})
"""Modes of a database server in which Splynx's own "none" of a date is no value (reference of Splynx, 13)."""


@dataclass(frozen=True)
class Violation:
    """A guard that does not hold, what to do, and the aggregates that wait for it.

    `is_shut`: Splynx does not show their records either, so that nobody can find out what became of a lost call.
    """

    name: str
    problem: str
    remedy: str
    pauses: frozenset[str] = frozenset()
    is_shut: bool = False


def load_guards(path: Path) -> GuardsFile:
    """Read the file.

    Raises:
        ConfigurationError: names the file, the line or the guard, and the remedy.
    """
    remedy = "Run `crossfade doctor --guards-template` and fill it in."
    loaded = read_yaml(path, "guards file", remedy=remedy).values
    try:
        return GuardsFile.model_validate(loaded)
    except ValidationError as exc:
        problems = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'guards'}: {e['msg']}" for e in exc.errors())
        raise ConfigurationError(f"{path}: {problems}", remedy=remedy) from exc


def guards_template() -> str:
    """A guards file to fill in: every switch, where it is, nothing confirmed."""
    lines = [
        "# Switches of Splynx that must be off while Sonar bills. Nothing is written before each one holds.",
        "# Give `key: module/path/key` with `expected`, or `confirmed: {by: <name>, at: <YYYY-MM-DD>}`.",
        "# `crossfade doctor --learn-guard <name> --apply` finds a key, and puts it here.",
        "guards:",
    ]
    for name, switch in needed().items():
        lines += [f"  # {switch.where}", f"  - name: {name}"]
    return "\n".join(lines) + "\n"


async def check_guards(client: SplynxClient, db: Database | None, guards: Path, rules: Path) -> list[Violation]:
    """The guards that do not hold; empty when all do. Reads Splynx's configuration, once per module and path.

    `db`: Splynx's database; None where nothing is written by SQL. `guards`, `rules`: the operator's files.

    Raises:
        ConfigurationError: the guards file or the rules file is missing or wrong.
        SplynxUnreachable, SplynxRefused, DependencyUnreachable.
    """
    given = load_guards(guards).guards
    file = read_rules(rules).file
    wanted = {guard.place for guard in given if guard.place is not None}
    values: dict[tuple[str, str], dict[str, Any]] = {}
    for module, below in sorted(wanted):
        try:
            values[(module, below)] = await client.settings_of(module, below)
        except RecordMissing:
            values[(module, below)] = {}
    filled = set(named_fields(file).values())
    ways = WritePaths.of(file, sql=db is not None)
    violations = [
        *judge(given, values, file.target.timezone),
        *await _switched_off(client, ways),
        *await _required(client, filled),
        *_without_rights(await client.rights(), ways),
    ]
    if db is not None:
        violations += await _without_zero_dates(db, ways)
    metrics.GUARDS_VIOLATED.set(len(violations))
    return violations


def require_guards(violations: Sequence[Violation]) -> None:
    """See that there are none.

    Raises:
        GuardsViolated: with each of them, and what to do.
    """
    if violations:
        told = "; ".join(f"{one.name} {one.problem} ({one.remedy})" for one in violations)
        raise GuardsViolated(f"{len(violations)} guards of Splynx do not hold: {told}")


def judge(guards: Sequence[Guard], values: Mapping[tuple[str, str], Mapping[str, Any]], zone: str) -> list[Violation]:
    """The violations, given what Splynx has under each `(module, path)`, and the time zone that the rules name."""
    by_name = {guard.name: guard for guard in guards}
    violations = []
    for name, switch in needed().items():
        guard = by_name.get(name)
        if guard is None:
            problem, remedy = "is not in the guards file", f"See {switch.where}; then add it to the file."
        elif found := _problem(guard, values, zone, switch.where):
            problem, remedy = found
        else:
            continue
        violations.append(Violation(name, problem, remedy, concerned(switch)))
    return violations


def _problem(
    guard: Guard, values: Mapping[tuple[str, str], Mapping[str, Any]], zone: str, where: str
) -> tuple[str, str] | None:
    """What is wrong with a guard, and what to do; None when it holds."""
    if guard.key is None or guard.place is None:
        learn = f"`crossfade doctor --learn-guard {guard.name}` finds its key."
        return None if guard.confirmed else ("has neither a key nor a confirmation", f"Check {where}; {learn}")
    have, key = values.get(guard.place, {}), guard.key.rpartition("/")[2]
    if key not in have:
        return f"Splynx has no setting {guard.key}", f"`crossfade doctor --learn-guard {guard.name}` finds its key."
    if not _equal(have[key], guard.expected):
        return "is not as expected in Splynx", f"Set {where}"
    if guard.name == TIME_ZONE and not _equal(guard.expected, zone):
        return "expects another zone than target.timezone in the rules", "Correct the one that is wrong."
    return None


async def _switched_off(client: SplynxClient, ways: WritePaths) -> list[Violation]:
    """Modules of what goes over REST: while one is off, Splynx answers nothing there."""
    violations = []
    for entity, endpoint in entities().items():
        if not ways.may_go(TARGETS[entity], WritePath.REST):
            continue
        try:
            await client.options(endpoint)
        except SplynxModuleOff as exc:
            problem = f"is off, or not allowed for this key (405 for {endpoint})"
            remedy = "Config > Main > Modules: switch it on, or allow it for this API key"
            pauses = _writers_of(TARGETS[entity])
            violations.append(Violation(f"module {exc.module}".strip(), problem, remedy, pauses, is_shut=True))
    return violations


async def _required(client: SplynxClient, filled: Collection[str]) -> list[Violation]:
    """Additional fields that Splynx requires and that nobody fills: each POST of such a record would be refused."""
    modules: dict[str, list[Aggregate]] = {}
    ours: dict[str, set[str]] = {}
    for aggregate in AGGREGATES:
        for target in aggregate.targets:
            if target.module is not None:
                modules.setdefault(target.module, []).append(aggregate)
                ours.setdefault(target.module, set()).update(spec.name for spec in additional_fields(target))
    violations = []
    for module, aggregates in modules.items():
        for row in await client.list(f"admin/config/additional-fields/{module}"):
            name = str(row["name"])
            if str(row.get("is_required")) == "1" and name not in ours[module] | set(filled):
                problem = f"additional field {name} of {module} is required, and nothing fills it"
                remedy = (
                    "Config > System > Additional fields: make it not required, or name it under custom_fields in the"
                    " rules"
                )
                pauses = frozenset(one.name for one in aggregates)
                violations.append(Violation("required_fields", problem, remedy, pauses))
    return violations


def _without_rights(permissions: Mapping[str, Mapping[str, str]], ways: WritePaths) -> list[Violation]:
    """What goes over REST and would be refused halfway through a bundle. Rights that Splynx does not tell are there."""
    violations = []
    for entity, endpoint in entities().items():
        lacking = rights_lacking(permissions, endpoint)
        if lacking and ways.may_go(TARGETS[entity], WritePath.REST):
            problem = f"the key may not {', '.join(lacking)} at {endpoint}"
            remedy = "Administration > API keys: give the key the rights that `crossfade doctor` prints"
            violations.append(Violation("permissions", problem, remedy, _writers_of(TARGETS[entity])))
    return violations


async def _without_zero_dates(db: Database, ways: WritePaths) -> list[Violation]:
    """Our session allows them, and our rows have some. Where the server does not, Splynx cannot write those again."""
    (row,) = await db.fetch("SELECT @@GLOBAL.sql_mode AS modes")
    refused = _ZERO_DATES_REFUSED.intersection(str(row["modes"]).split(","))
    by_sql = [target for target in TARGETS.values() if ways.may_go(target, WritePath.SQL)]
    if not refused or not by_sql:
        return []
    problem = f"of Splynx's database server has {', '.join(refused)}: it refuses the dates 0000-00-00 that rows hold"
    remedy = "Take it out of sql_mode in the server's configuration, and SET GLOBAL sql_mode accordingly"
    return [Violation("sql_mode", problem, remedy, frozenset().union(*(_writers_of(one) for one in by_sql)))]


def _writers_of(target: Target) -> frozenset[str]:
    """The aggregates that write records of this kind."""
    return frozenset(one.name for one in AGGREGATES if target.entity in {each.entity for each in one.targets})


def _equal(have: object, expected: object) -> bool:
    def text(value: object) -> str:
        return str(int(value)) if isinstance(value, bool) else str(value).strip().lower()

    return text(have) == text(expected)
