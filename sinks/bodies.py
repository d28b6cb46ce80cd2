"""Records as Splynx's REST API takes and gives them: bodies, comparison, what was changed by others."""

import re
from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from typing import Any

from schemas.aggregate import Target
from schemas.ledger import LIVE
from schemas.records import STRING_CHARACTERS, AdditionalField, After, OnCreate, Personal, To, marks
from schemas.shapes import members
from schemas.values.text import cut
from sinks.payment_rows import amount_of
from sinks.plan import Document, Step

SONAR_ID = "sonar_id"
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?", re.ASCII)
NOTHING = frozenset({"", "0000-00-00", "0000-00-00 00:00:00"})


class Shape:
    """How the members of one target's record travel. `short`: additional fields that Splynx keeps as `string` only."""

    def __init__(self, target: Target, short: Collection[str] = ()) -> None:
        self.target, self._short = target, short
        fields = {member.name: list(member.metadata) for member in members(target.record)}
        self.additional = {name for name, metadata in fields.items() if marks(metadata, AdditionalField)}
        self.on_create = {name for name, metadata in fields.items() if marks(metadata, OnCreate)}
        self.has_secrets = any(marks(fields[name], Personal) for name in self.on_create)
        """A password, say: what is sent once is not always one."""
        self.not_written = {*target.record.not_written, *target.record.not_over_rest}
        self.columns = target.record.columns
        self.after = {name: mark.entity for name, metadata in fields.items() for mark in marks(metadata, After)}
        self.required = {name: mark.required for name, metadata in fields.items() for mark in marks(metadata, To)}
        self.lists = {
            member.name: mark.entity
            for member in members(target.record)
            if member.many
            for mark in marks(list(member.metadata), To)
        }
        """Members that are lists of references, and to what; others may have put references of theirs into them."""

    @property
    def attributes(self) -> set[str]:
        """What Splynx calls the members that go as main attributes."""
        beside = {*self.not_written, *self.additional, "custom"}
        names = {member.name for member in members(self.target.record)} - beside
        return {self.columns.get(name, name) for name in names}

    def kept(self, document: Document) -> Document:
        """What the ledger keeps of a document: all but what is sent only on creation (a password)."""
        return {name: value for name, value in document.items() if name not in self.on_create}

    def predecessor(self, step: Step) -> tuple[str, str] | None:
        """Entity and key of the record that must be live before a step makes its own; None where none must."""
        if step.document is None or (step.known is not None and step.known.state == LIVE):
            return None
        return next(((entity, step.document[name]) for name, entity in self.after.items() if step.document[name]), None)

    def body(self, document: Document, *, create: bool) -> Document:
        """The request of a resolved document: main attributes, and `additional_attributes` beside them."""
        main: Document = {}
        extra: Document = {}
        for name, value in document.items():
            if name in self.not_written and name != "custom":
                continue
            if name in self.on_create and not create:
                continue
            if name == "custom":
                extra |= {field: "" if one is None else one for field, one in (value or {}).items()}
            elif name in self.columns:
                main[self.columns[name]] = str(amount_of(document, name)) if name.endswith("_minor") else value
            elif name in self.additional:
                extra[name] = "" if value is None else cut(value, STRING_CHARACTERS) if name in self._short else value
            else:
                main[name] = value
        if self.target.module is not None and self.target.part_of is None:
            extra[SONAR_ID] = document["key"]
        if extra:
            main["additional_attributes"] = extra
        return {name: value for name, value in main.items() if not (create and value is None)}


def changed(body: Document, current: Mapping[str, Any]) -> Document:
    """The part of `body` that a row, as Splynx shows it, does not have yet."""
    result = {
        name: value
        for name, value in body.items()
        if name != "additional_attributes" and not (name in current and same(value, current[name]))
    }
    have = current.get("additional_attributes")
    have = have if isinstance(have, Mapping) else {}
    extra = {
        name: value
        for name, value in body.get("additional_attributes", {}).items()
        if not (name in have and same(value, have[name]))
    }
    if extra:
        result["additional_attributes"] = extra
    return result


def image(sent: Mapping[str, Any], current: Mapping[str, Any]) -> Document:
    """What a request changes, as a row has it before: of additional fields too only those that it names."""
    found = {name: current.get(name) for name in sent if name != "additional_attributes"}
    have = current.get("additional_attributes")
    have = have if isinstance(have, Mapping) else {}
    extra = {name: have.get(name, "") for name in sent.get("additional_attributes", {})}
    return found | ({"additional_attributes": extra} if extra else {})


def differing(sent: Document, read: Mapping[str, Any]) -> list[str]:
    """The names of attributes that were sent and that Splynx shows otherwise; what it does not show is left out."""
    names = [
        name for name, value in sent.items()
        if name != "additional_attributes" and name in read and not same(value, read[name])
    ]  # fmt: skip
    have = read.get("additional_attributes")
    if isinstance(have, Mapping):
        names += [
            name for name, value in sent.get("additional_attributes", {}).items()
            if name in have and not same(value, have[name])
        ]  # fmt: skip
    return sorted(names)


def same(ours: Any, theirs: Any) -> bool:
    """Whether two values are one to Splynx: `"64.5000"` and 64.5, true and `"1"`, null, zero date and empty.

    Texts that only look like numbers are not: of postal codes `01234` and `1234`, of phones `+1555` and `1555`.
    """
    if isinstance(ours, list):
        return _members(ours) == _members(theirs)
    left, right = _text(ours), _text(theirs)
    if left == right:
        return True
    return bool(_NUMBER.fullmatch(left) and _NUMBER.fullmatch(right)) and Decimal(left) == Decimal(right)


def with_foreign(ids: Iterable[int], current: Any, owned: Iterable[int]) -> list[int]:
    """Our ids, and those of the row that are not ours to take away: labels that the ISP's staff gave."""
    foreign = set(ids_in(current)) - set(owned)
    return sorted(set(ids) | foreign)


def ids_in(value: Any) -> list[int]:
    """The ids in a list as it is sent, or as Splynx shows it."""
    return [int(one) for one in _members(value) if one.isdigit()]


def _members(value: Any) -> list[str]:
    """What a list holds, whatever its order: values, or the ids of rows that are shown whole."""
    members = value if isinstance(value, list) else []
    return sorted(_text(one["id"] if isinstance(one, Mapping) else one) for one in members)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    text = str(value).rstrip()
    return "" if text in NOTHING else text
