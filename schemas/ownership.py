"""Who may change which field of Splynx, and what becomes of an edit (mapping 8.18a): declared, and the rules' word."""

import difflib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from plumbing.errors import ConfigurationError
from schemas.aggregate import Target, WritePath
from schemas.catalogue import SONAR_ID, TARGETS
from schemas.records import AdditionalField, FieldOwner, OnCreate, Owned, StaysOnAdoption
from schemas.rules import ConflictPolicy, RulesFile, RulesText
from schemas.shapes import Kind, Member, members

OWN_FIELDS = "custom"
"""The member that holds the operator's additional fields by name."""
BESIDE = {"payment": ("ledger_date", "ledger_description")}
"""Columns of a second row that is written with the first: of a payment that in the customer's ledger. Locked."""


@dataclass(frozen=True)
class Ownership:
    """Answers for every field. `default`: of the fields that Sonar owns by their declaration."""

    default: FieldOwner = FieldOwner.SOURCE
    policy: ConflictPolicy = "hold"
    owners: Mapping[tuple[str, str], FieldOwner] = field(default_factory=dict)
    policies: Mapping[tuple[str, str], ConflictPolicy] = field(default_factory=dict)

    @classmethod
    def of(cls, file: RulesFile) -> "Ownership":
        """As the rules say. `check_fields` looks up the names in them."""
        return cls(
            FieldOwner(file.ownership.default),
            file.conflict.policy,
            {_pair(name): FieldOwner(owner) for name, owner in file.ownership.overrides.items()},
            {_pair(name): policy for name, policy in file.conflict.overrides.items()},
        )

    def owner(self, target: Target, name: str) -> FieldOwner:
        """Who owns a field of a target."""
        chosen = self.owners.get((target.entity, name))
        if chosen is not None:
            return chosen
        declared = declared_owner(target, name)
        return self.default if declared is FieldOwner.SOURCE else declared

    def policy_of(self, target: Target, name: str) -> ConflictPolicy:
        """What is done about an edit of a field that Sonar owns."""
        return self.policies.get((target.entity, name), self.policy)


DECLARED = Ownership()
"""Owners as they are declared, and edits held: what goes where the rules say nothing."""


def declared_owner(target: Target, name: str) -> FieldOwner:
    """Who owns a field by its declaration: Sonar, unless it says otherwise. What records are found by is locked."""
    if name == SONAR_ID or name in target.natural_key or name in BESIDE.get(target.entity, ()):
        return FieldOwner.LOCKED
    for member in members(target.record):
        if field_of(target, member) == name:
            return _declared(member)
    return FieldOwner.SOURCE  # one of the operator's own fields


def _declared(member: Member) -> FieldOwner:
    for mark in member.metadata:
        if isinstance(mark, Owned):
            return mark.by
    ours = any(isinstance(mark, AdditionalField) for mark in member.metadata)
    return FieldOwner.LOCKED if ours else FieldOwner.SOURCE


def stays_on_adoption(target: Target) -> set[str]:
    """Fields that a row keeps when it is adopted."""
    return {
        field_of(target, member)
        for member in members(target.record)
        if any(isinstance(mark, StaysOnAdoption) for mark in member.metadata)
    }


def field_of(target: Target, member: Member) -> str:
    """What Splynx calls a member of a record."""
    return target.record.columns.get(member.name, member.name)


def fields_of(target: Target) -> Iterator[tuple[str, FieldOwner]]:
    """Every field of a target that a change may write, with its declared owner; the operator's own are not known."""
    for member in members(target.record):
        written_once = any(isinstance(mark, OnCreate) for mark in member.metadata)
        if member.name in target.record.not_written or written_once or member.kind is Kind.TEXTS:
            continue
        name = field_of(target, member)
        yield name, declared_owner(target, name)
    for name in BESIDE.get(target.entity, ()) if target.path is WritePath.SQL else ():
        yield name, FieldOwner.LOCKED


def check_fields(text: RulesText, targets: Mapping[str, Target] = TARGETS) -> None:
    """See that the rules name fields that there are.

    Raises:
        ConfigurationError: they do not; each with its line and the names that come nearest.
    """
    known = _known(text.file, targets)
    problems = [
        f"{text.place(block, name)} is no field that is written{_nearest(name, known)}"
        for block, names in (
            ("ownership.overrides", text.file.ownership.overrides),
            ("conflict.overrides", text.file.conflict.overrides),
        )
        for name in names
        if name not in known
    ]
    if problems:
        raise ConfigurationError(
            "; ".join(problems), remedy="Write entity.field as the entity's page under docs/entities names them."
        )


def _known(file: RulesFile, targets: Mapping[str, Target]) -> set[str]:
    found = {f"{entity}.{name}" for entity, target in targets.items() for name, _ in fields_of(target)}
    own = {one.name for one in file.custom_fields.map.values() if not isinstance(one, str) and one.name is not None}
    holders = [
        entity for entity, target in targets.items() if any(one.name == OWN_FIELDS for one in members(target.record))
    ]
    return found | {f"{entity}.{name}" for entity in holders for name in own}


def _nearest(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name, sorted(known), 3)
    return f"; did you mean {' or '.join(near)}?" if near else ""


def _pair(name: str) -> tuple[str, str]:
    entity, _, field = name.partition(".")
    return entity, field
