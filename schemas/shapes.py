"""What the members of a record are, read from its declaration: columns, to-one relations, connections, marks.

Avro, GraphQL and the documentation are made from these shapes, so that a field is declared once.
"""

import types
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from schemas.records import Ref


class Kind(Enum):
    """How one value travels."""

    TEXT = "string"
    WHOLE = "long"
    FLAG = "boolean"
    NUMBER = "double"  # coordinates only; money is whole
    DAY = "date"
    INSTANT = "instant"
    REF = "ref"
    REF_OR_WHOLE = "ref_or_long"
    RECORD = "record"
    TEXTS = "map"  # {name: text}


@dataclass(frozen=True)
class Member:
    """One member of a record. `many`: a list. `record`: the class when the kind is RECORD."""

    name: str
    kind: Kind
    nullable: bool
    many: bool
    record: type[BaseModel] | None
    metadata: tuple[Any, ...]
    required: bool
    """The member has no default: what lacks it cannot be built."""
    default: Any
    """What it is where nothing was said; None too for a required one."""
    doc: str


@cache
def members(record: type[BaseModel]) -> tuple[Member, ...]:
    """The members of a record in the order of their declaration.

    Raises:
        TypeError: a member has a type that has no form on the wire.
    """
    return tuple(_member(name, info) for name, info in record.model_fields.items())


def walk(record: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """The record and every record nested in it, each once."""
    seen: set[type[BaseModel]] = set()
    waiting: list[type[BaseModel]] = [record]
    while waiting:
        current = waiting.pop()
        if current in seen:
            continue
        seen.add(current)
        yield current
        waiting += [member.record for member in members(current) if member.record is not None]


def _member(name: str, info: FieldInfo) -> Member:
    inner, nullable = _without_none(info.annotation)
    inner, extra = _bare(inner)
    many = get_origin(inner) is list
    if many:
        inner, more = _bare(get_args(inner)[0])
        extra = (*extra, *more)
    kind, record = _kind(inner)
    return Member(
        name=name,
        kind=kind,
        nullable=nullable,
        many=many,
        record=record,
        metadata=(*info.metadata, *extra),
        required=info.is_required(),
        default=None if info.is_required() else info.default,
        doc=info.description or "",
    )


def _bare(annotation: Any) -> tuple[Any, tuple[Any, ...]]:
    if get_origin(annotation) is Annotated:
        inner, *extra = get_args(annotation)
        return inner, tuple(extra)
    return annotation, ()


def _without_none(annotation: Any) -> tuple[Any, bool]:
    if get_origin(annotation) in (Union, types.UnionType):
        arms = [arm for arm in get_args(annotation) if arm is not type(None)]
        nullable = len(arms) < len(get_args(annotation))
        if len(arms) == 1:
            return arms[0], nullable
        return Union[tuple(arms)], nullable  # noqa: UP007 - built at run time
    return annotation, False


def _kind(annotation: Any) -> tuple[Kind, type[BaseModel] | None]:
    if get_origin(annotation) in (Union, types.UnionType):
        if {_bare(arm)[0] for arm in get_args(annotation)} == {Ref, int}:
            return Kind.REF_OR_WHOLE, None
        raise TypeError(f"{annotation} has no form on the wire")
    if get_origin(annotation) is Literal:
        return Kind.TEXT, None
    if get_origin(annotation) is dict:
        return Kind.TEXTS, None
    simple = {str: Kind.TEXT, int: Kind.WHOLE, bool: Kind.FLAG, float: Kind.NUMBER}
    if annotation in simple:
        return simple[annotation], None
    if annotation is date:
        return Kind.DAY, None
    if annotation is Ref:
        return Kind.REF, None
    if isinstance(annotation, type):
        if issubclass(annotation, datetime):
            return Kind.INSTANT, None
        if issubclass(annotation, BaseModel):
            return Kind.RECORD, annotation
    if annotation.__class__.__name__ == "AwareDatetime" or getattr(annotation, "__name__", "") == "AwareDatetime":
        return Kind.INSTANT, None
    raise TypeError(f"{annotation} has no form on the wire")
