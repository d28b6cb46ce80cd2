"""Rows of Sonar straight to the bytes of an event's `after`.

What a row nearly always holds is written at once, in one pass over it. Whatever else it holds goes the long way,
through the record itself and Avro's own writer: what is valid, and as what, is decided there alone.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, Literal, get_args, get_origin

from msgspec import Struct, to_builtins
from pydantic import BaseModel

from plumbing.avro import parse, writing
from plumbing.avro_binary import EMPTY, FALSE, GIVEN, GIVEN_LENGTHS, LENGTHS, NULL, TRUE, number, text, whole
from plumbing.clock import epoch_ms
from plumbing.instants import utc_ms
from plumbing.sealing import is_sealed
from schemas.aggregate import Aggregate
from schemas.avro.declared import value_schema
from schemas.avro.values import value_of
from schemas.records import Instant, MinorUnits, Sealed, Secret, SonarRecord
from schemas.shapes import Kind, Member, members

_Form = Callable[[Any], bytes]
"""A value of the row to its bytes. Raises one of `_UNUSUAL` where it is not what is nearly always there."""
_UNUSUAL = (TypeError, ValueError, AttributeError, LookupError, ArithmeticError)

_KNOWN_VALUES = 4096
"""Ids and days that are met again and again: few of them make most of the rows."""


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
            except _UNUSUAL:
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


class _Rows(dict[type, _Form]):
    """The forms of a record's rows, by their layout: there is one for each selection."""

    def __init__(self, forms: Sequence[tuple[Member, _Form]]) -> None:
        super().__init__()
        self._forms = forms

    def __missing__(self, layout: type) -> _Form:
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


def _straight(forms: Sequence[tuple[Member, _Form]], has: Collection[str]) -> _Form:
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
        names |= {f"form_{place}": form, f"known_{place}": _known_to(form)}
        value = f"row.{member.name}"
        if member.name in always:
            names[f"form_{place}"] = always[member.name]
            parts.append(f"form_{place}")
        elif form is _text:
            parts.append(f"LENGTHS[len(data := {value}.encode())] + data")
        elif form is _nullable_text:
            parts.append(f"NULL if (value := {value}) is None else GIVEN_LENGTHS[len(data := value.encode())] + data")
        elif member.name == "id" and form is _FORMS[Kind.WHOLE, False]:
            # The one number that is another in every row: nothing is gained by remembering it.
            parts.append(
                f"(whole(int(value)) if (value := {value}).isdigit() and value.isascii() else form_{place}(value))"
            )
        elif names[f"known_{place}"] is not None:
            parts.append(f"known_{place}[{value}]")
        elif isinstance(form, _Rows):
            parts.append(f"form_{place}[type(value := {value})](value)")
        elif isinstance(form, _Nullable) and isinstance(form.given, _Rows):
            names[f"form_{place}"] = form.given
            parts.append(f"NULL if (value := {value}) is None else GIVEN + form_{place}[type(value)](value)")
        elif isinstance(form, _Nullable):
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


def _form(record: type[BaseModel], member: Member) -> _Form | None:
    info = record.model_fields[member.name]
    if info.alias is not None or info.validation_alias is not None or info.default_factory is not None:
        return None
    is_secret = any(isinstance(mark, Secret) for mark in member.metadata)
    marks = [mark for mark in member.metadata if not (is_secret and mark in _SEALED)]
    if _has_choices(info.annotation) or not all(map(_is_harmless, marks)):
        return None
    if is_secret:
        return _Nullable(_sealed_text) if member.nullable else _sealed_text
    if not member.many:
        found = _FORMS.get((member.kind, member.nullable))
        if found is not None:
            return found
    inner: _Form | None
    if member.record is not None:
        rows = at_once(member.record)
        inner = rows.all if rows is not None and member.many else rows
    else:
        inner = _FORMS.get((member.kind, False))
        inner = _list(inner) if inner is not None and member.many else inner
    if inner is None:
        return None
    return _Nullable(inner) if member.nullable else inner


def _has_choices(annotation: Any) -> bool:
    return get_origin(annotation) is Literal or any(map(_has_choices, get_args(annotation)))


def _is_harmless(metadata: Any) -> bool:
    """Whether it is a mark of ours, which refuses nothing, or what the forms of instants and whole numbers keep to."""
    return type(metadata).__module__ == SonarRecord.__module__ or metadata in _KEPT_TO


_MINOR_UNITS = get_args(MinorUnits)[1]
_KEPT_TO = [*get_args(Instant)[1:], _MINOR_UNITS, *_MINOR_UNITS.metadata]


_SEALED = get_args(Sealed)[1:]


def _sealed_text(value: Any) -> bytes:
    if not is_sealed(value):
        raise ValueError
    return _FORMS[Kind.TEXT, False](value)


@dataclass(frozen=True)
class _Nullable:
    """A form of what may be none."""

    given: _Form

    def __call__(self, value: Any) -> bytes:
        return NULL if value is None else GIVEN + self.given(value)


def _list(form: _Form) -> _Form:
    def list_form(values: Any) -> bytes:
        if type(values) is not list:
            raise TypeError
        return whole(len(values)) + b"".join(map(form, values)) + EMPTY if values else EMPTY

    return list_form


# Half of what rows hold is text: these two call nothing that they need not.
def _text(value: Any) -> bytes:
    try:
        data = value.encode()
        return LENGTHS[len(data)] + data  # type: ignore[no-any-return]  # only a str has `encode`
    except (AttributeError, IndexError):
        # A tax rate comes as a number; the record makes a text of it in this way (`coerce_numbers_to_str`).
        return text(str(value) if type(value) is float else value)


def _nullable_text(value: Any) -> bytes:
    if value is None:
        return NULL
    try:
        data = value.encode()
        return GIVEN_LENGTHS[len(data)] + data  # type: ignore[no-any-return]
    except (AttributeError, IndexError):
        return GIVEN + _text(value)


def _whole(value: Any) -> bytes:
    # An id comes as text. Longer ones may not fit, and what else `int` takes is not looked at here.
    if type(value) is str and value.isdigit() and value.isascii() and len(value) <= 18:
        return whole(int(value))
    if type(value) is int:
        return whole(value)
    raise TypeError


_is_day = re.compile("[12][0-9]{3}-[0-9]{2}-[0-9]{2}").fullmatch
_is_instant = re.compile(
    r"[12][0-9]{3}-[0-9]{2}-[0-9]{2}T[0-2][0-9]:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-2][0-9]:[0-5][0-9])"
).fullmatch


def _day(value: Any) -> bytes:
    if not _is_day(value):
        raise ValueError
    date.fromisoformat(value)
    return text(value)


def _instant(value: Any) -> bytes:
    try:
        at = utc_ms(value)
    except (TypeError, ValueError, LookupError):
        if not _is_instant(value):
            raise ValueError from None
        at = epoch_ms(datetime.fromisoformat(value))
    return whole(at)


_is_decimal = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,15})?").fullmatch


def _number(value: Any) -> bytes:
    if type(value) is str and _is_decimal(value):
        return number(float(value))  # a latitude comes as text
    if type(value) is not float and type(value) is not int:
        raise TypeError
    return number(value)


class _Remembered(dict[Any, Any]):
    """Values that are met again and again, and what is made of them; forgotten when they become too many."""

    def __init__(self, form: Callable[[Any], Any]) -> None:
        super().__init__()
        self._form = form

    def __missing__(self, value: Any) -> Any:
        found = self._form(value)
        if len(self) == _KNOWN_VALUES:
            self.clear()
        self[value] = found
        return found


def _remembered(form: _Form) -> _Form:
    return _Remembered(form).__getitem__


def _known_to(form: _Form) -> _Remembered | None:
    known = getattr(form, "__self__", None)
    return known if isinstance(known, _Remembered) else None


_FORMS: Mapping[tuple[Kind, bool], _Form] = {
    (Kind.TEXT, False): _text,
    (Kind.TEXT, True): _nullable_text,
    # A 1 is taken for true, as the record does.
    (Kind.FLAG, False): {False: FALSE, True: TRUE}.__getitem__,
    (Kind.FLAG, True): {None: NULL, False: GIVEN + FALSE, True: GIVEN + TRUE}.__getitem__,
    (Kind.WHOLE, False): _remembered(_whole),
    (Kind.WHOLE, True): _remembered(_Nullable(_whole)),
    (Kind.NUMBER, False): _number,
    (Kind.NUMBER, True): _Nullable(_number),
    (Kind.DAY, False): _remembered(_day),
    (Kind.DAY, True): _remembered(_Nullable(_day)),
    (Kind.INSTANT, False): _remembered(_instant),
    (Kind.INSTANT, True): _remembered(_Nullable(_instant)),
}
"""`{(kind, nullable): form}`. What is missing here goes the long way."""
