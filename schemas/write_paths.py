"""Which way an entity is written, in each phase: its own, the rules' word, and what Splynx's database allows."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from plumbing.errors import ConfigurationError
from schemas.aggregate import Target, WritePath
from schemas.catalogue import TARGETS
from schemas.ledger import SHADOW, WRITTEN_IN
from schemas.rules import RulesFile, RulesText


@dataclass(frozen=True)
class WritePaths:
    """Answers for each target. `sql`: Splynx's database is reachable in one transaction with the ledger."""

    sql: bool
    chosen: Mapping[tuple[str, str], WritePath] = field(default_factory=dict)
    """`{(entity, phase): way}`, as the rules name them."""
    keeps_ids: bool = False
    """Rows that are written by SQL get the ids of Sonar."""

    @classmethod
    def of(cls, file: RulesFile, *, sql: bool) -> "WritePaths":
        """As the rules say. `check_paths` looks up what they name."""
        found: dict[tuple[str, str], WritePath] = {}
        for entity, rule in file.write_paths.items():
            by_phase = dict.fromkeys(WRITTEN_IN, rule) if isinstance(rule, str) else rule
            found |= {(entity, phase): WritePath(way) for phase, way in by_phase.items()}
        return cls(sql, found, file.id_mode == "preserve")

    @property
    def by_phase(self) -> bool:
        """Whether some go another way in another phase."""
        at = self.chosen.get
        return any(at((entity, one)) != at((entity, SHADOW)) for entity, _ in self.chosen for one in WRITTEN_IN)

    def way(self, target: Target, phase: str = SHADOW) -> WritePath:
        """Which way a target is written in a phase; SQL, though it cannot be had, where nothing else is allowed."""
        chosen = self.chosen.get((target.entity, phase))
        if chosen is not None:
            return chosen
        if target.path is WritePath.SQL and not self.sql and target.also is WritePath.REST:
            return WritePath.REST
        return target.path

    def may_go(self, target: Target, way: WritePath) -> bool:
        """Whether some phase has a target go this way."""
        return any(self.way(target, phase) is way for phase in WRITTEN_IN)

    def not_ours(self, target: Target) -> frozenset[str]:
        """Columns that hold what Splynx thinks where a row came over REST, in a phase before, perhaps."""
        over_rest = WritePath.SQL in target.ways and self.may_go(target, WritePath.REST)
        names = target.record.not_over_rest if over_rest else ()
        return frozenset(target.record.columns.get(name, name) for name in names)

    def on(self, target: Target, phase: str = SHADOW) -> Target:
        """The target with the way that it is written in a phase."""
        way = self.way(target, phase)
        return target if way is target.path else replace(target, path=way, also=target.path)

    def cost(self, target: Target, phase: str = SHADOW) -> str:
        """What it costs that a target goes the way it does; empty when nothing."""
        way = self.way(target, phase)
        if way is WritePath.SQL and not self.sql:
            return (
                "not written: it needs SQL, and Splynx's database is not reachable beside the ledger; give splynx.db,"
                " with the ledger on the same server"
            )
        if way is WritePath.REST and WritePath.SQL in target.ways:
            kept = ", ".join(
                f"{target.record.columns.get(name, name)} is {what}"
                for name, what in target.record.not_over_rest.items()
            )
            return f"one by one over REST{f'; {kept}' if kept else ''}"
        return ""


BY_SQL = WritePaths(sql=True)
"""Without a word of the rules, beside Splynx's database."""


def check_paths(text: RulesText, targets: Mapping[str, Target] = TARGETS) -> None:
    """See that the rules name entities, and ways that lead to them.

    Raises:
        ConfigurationError: they do not; each with its line and what there is.
    """
    problems = []
    for entity, rule in text.file.write_paths.items():
        target = targets.get(entity)
        if target is None:
            problems.append(f"{text.place('write_paths', entity)} is nothing that is written: {', '.join(targets)}")
            continue
        for way in {rule} if isinstance(rule, str) else set(rule.values()):
            if WritePath(way) not in target.ways:
                only = target.path.value
                problems.append(f"{text.place('write_paths', entity)} cannot go by {way}; {only} is its only way")
    ways = WritePaths.of(text.file, sql=True)
    if ways.keeps_ids:
        problems += [
            f"{text.place('id_mode')} is preserve, and {target.entity} goes over REST, where Splynx gives the ids"
            for target in targets.values()
            if WritePath.SQL in target.ways and ways.may_go(target, WritePath.REST)
        ]
    if problems:
        raise ConfigurationError("; ".join(problems), remedy="The pages under docs/entities name the ways of each.")
