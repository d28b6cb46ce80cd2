"""Rows of Sonar straight to the bytes of an event's `after`.

What a row nearly always holds is written at once, in one pass over it. Whatever else it holds goes the long way,
through the record itself and Avro's own writer: what is valid, and as what, is decided there alone.
"""

from collections.abc import Collection, Sequence
from functools import cache
from typing import Any, Literal, get_args, get_origin

from msgspec import Struct, to_builtins
from pydantic import BaseModel

from plumbing.avro import parse, writing
from plumbing.avro_binary import EMPTY, GIVEN, GIVEN_LENGTHS, LENGTHS, NULL, whole
from schemas.aggregate import Aggregate
from schemas.avro.declared import value_schema
from schemas.avro.forms import (
    FORMS,
    UNUSUAL,
    Form,
    Nullable,
    known_to,
    list_of,
    nullable_text,
    plain_text,
    sealed_text,
)
from schemas.avro.values import value_of
from schemas.records import Instant, MinorUnits, Sealed, Secret, SonarRecord
from schemas.shapes import Kind, Member, members


class RowWriter:
    """Writes the rows of one aggregate, connections made lists, as their Avro value.

    A row is a struct whose attributes are named as the record's members. One that it lacks was not asked for; one
    that is `msgspec.UNSET` was not answered.
    """

    def __init__(self, declared: Aggregate) -> None:
        self._record = declared.root.record
        self._at_once = at_once(self._record)
        self._write = writing(parse(value_schema(declared)))

    def write(self, row: Struct) -> bytes:
        """The bytes of the record that `row` is.

        Raises:
            pydantic.ValidationError: it is not as declared.
            OverflowError: nor is a whole number of more than 64 bits.
        """
        if self._at_once is not None:
            try:
                return self._at_once[type(row)](row)
            except UNUSUAL:
                pass
        return self._write(value_of(self._record.model_validate(to_builtins(row))))


@cache
def at_once(record: type[BaseModel]) -> "_Rows | None":
    """The form of a record's rows; None where a record asks for more than the kinds of its members."""
    if not issubclass(record, SonarRecord) or record.model_config != SonarRecord.model_config:
        return None
    if record.__pydantic_decorators__ != SonarRecord.__pydantic_decorators__:
        return None
    forms = [(member, form) for member in members(record) if (form := _form(record, member)) is not None]
    return _Rows(forms) if len(forms) == len(members(record)) else None


class _Rows(dict[type, Form]):
    """The forms of a record's rows, by their layout: there is one for each selection."""

    def __init__(self, forms: Sequence[tuple[Member, Form]]) -> None:
        super().__init__()
        self._forms = forms

    def __missing__(self, layout: type) -> Form:
        if not issubclass(layout, Struct):
            raise TypeError
        form = self[layout] = _straight(self._forms, layout.__struct_fields__)
        return form

    def __call__(self, row: Any) -> bytes:
        return self[type(row)](row)

    def all(self, rows: Any) -> bytes:
        """A list of rows, all of one layout."""
        if type(rows) is not list:
            raise TypeError
        return whole(len(rows)) + b"".join(map(self[type(rows[0])], rows)) + EMPTY if rows else EMPTY


def _straight(forms: Sequence[tuple[Member, Form]], has: Collection[str]) -> Form:
    """The forms of a record's members as one function: calling one for each value costs more than what it does.

    Like those of `dataclasses`, it is made of text. What is not the usual goes through the forms one by one.

    Raises:
        TypeError, ValueError, AttributeError: rows that lack what a record cannot be made without.
    """
    always = {member.name: form(member.default) for member, form in forms if member.name not in has}

    def otherwise(row: Any) -> bytes:
        return b"".join(
            always[member.name] if member.name in always else form(getattr(row, member.name)) for member, form in forms
        )

    names: dict[str, Any] = {**_KNOWN_NAMES, "otherwise": otherwise}
    parts = []
    for place, (member, form) in enumerate(forms):
        names |= {f"form_{place}": form, f"known_{place}": known_to(form)}
        value = f"row.{member.name}"
        if member.name in always:
            names[f"form_{place}"] = always[member.name]
            parts.append(f"form_{place}")
        elif form is plain_text:
            parts.append(f"LENGTHS[len(data := {value}.encode())], data")
        elif form is nullable_text:
            parts.append(f"NULL if (value := {value}) is None else GIVEN_LENGTHS[len(data := value.encode())] + data")
        elif member.name == "id" and form is FORMS[Kind.WHOLE, False]:
            # The one number that is another in every row: nothing is gained by remembering it. It is read as a number.
            parts.append(f"whole({value})")
        elif names[f"known_{place}"] is not None:
            parts.append(f"known_{place}[{value}]")
        elif isinstance(form, _Rows):
            parts.append(f"form_{place}[type(value := {value})](value)")
        elif isinstance(form, Nullable) and isinstance(form.given, _Rows):
            names[f"form_{place}"] = form.given
            parts.append(f"NULL if (value := {value}) is None else GIVEN + form_{place}[type(value)](value)")
        elif isinstance(form, Nullable):
            names[f"form_{place}"] = form.given
            nothing = "NOTHING if value == [] else " * member.many
            parts.append(f"NULL if (value := {value}) is None else {nothing}GIVEN + form_{place}(value)")
        else:
            parts.append(f"form_{place}({value})")
    lines = [
        "def form(row):",
        "    try:",
        f"        return b''.join(({', '.join(parts)},))",
        "    except (AttributeError, LookupError):",
        "        return otherwise(row)",
    ]
    exec("\n".join(lines), names)  # noqa: S102 - its only words are the names of declared members
    return names["form"]  # type: ignore[no-any-return]


_KNOWN_NAMES = {
    "LENGTHS": LENGTHS,
    "GIVEN_LENGTHS": GIVEN_LENGTHS,
    "NULL": NULL,
    "GIVEN": GIVEN,
    "NOTHING": GIVEN + EMPTY,
    "whole": whole,
}


def _form(record: type[BaseModel], member: Member) -> Form | None:
    info = record.model_fields[member.name]
    if info.alias is not None or info.validation_alias is not None or info.default_factory is not None:
        return None
    is_secret = any(isinstance(mark, Secret) for mark in member.metadata)
    marks = [mark for mark in member.metadata if not (is_secret and mark in _SEALED)]
    if _has_choices(info.annotation) or not all(map(_is_harmless, marks)):
        return None
    if is_secret:
        return Nullable(sealed_text) if member.nullable else sealed_text
    if not member.many:
        found = FORMS.get((member.kind, member.nullable))
        if found is not None:
            return found
    inner: Form | None
    if member.record is not None:
        rows = at_once(member.record)
        inner = rows.all if rows is not None and member.many else rows
    else:
        inner = FORMS.get((member.kind, False))
        inner = list_of(inner) if inner is not None and member.many else inner
    if inner is None:
        return None
    return Nullable(inner) if member.nullable else inner


def _has_choices(annotation: Any) -> bool:
    return get_origin(annotation) is Literal or any(map(_has_choices, get_args(annotation)))


def _is_harmless(metadata: Any) -> bool:
    """Whether it is a mark of ours, which refuses nothing, or what the forms of instants and whole numbers keep to."""
    return type(metadata).__module__ == SonarRecord.__module__ or metadata in _KEPT_TO


_MINOR_UNITS = get_args(MinorUnits)[1]
_KEPT_TO = [*get_args(Instant)[1:], _MINOR_UNITS, *_MINOR_UNITS.metadata]


_SEALED = get_args(Sealed)[1:]
