"""The bytes of single values as Sonar shows them: each form takes what is nearly always there, and refuses the rest."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from plumbing.avro_binary import EMPTY, FALSE, GIVEN, GIVEN_LENGTHS, LENGTHS, NULL, TRUE, number, text, whole
from plumbing.clock import epoch_ms
from plumbing.instants import utc_ms
from plumbing.sealing import is_sealed
from schemas.shapes import Kind

Form = Callable[[Any], bytes]
"""A value of the row to its bytes. Raises one of `UNUSUAL` where it is not what is nearly always there."""
UNUSUAL = (TypeError, ValueError, AttributeError, LookupError, ArithmeticError)

_KNOWN_VALUES = 4096
"""Ids and days that are met again and again: few of them make most of the rows."""


@dataclass(frozen=True)
class Nullable:
    """A form of what may be none."""

    given: Form

    def __call__(self, value: Any) -> bytes:
        return NULL if value is None else GIVEN + self.given(value)


def list_of(form: Form) -> Form:
    """The form of a list of what `form` takes."""

    def list_form(values: Any) -> bytes:
        if type(values) is not list:
            raise TypeError
        return whole(len(values)) + b"".join(map(form, values)) + EMPTY if values else EMPTY

    return list_form


def sealed_text(value: Any) -> bytes:
    """The form of a secret, which was sealed where it was read."""
    if not is_sealed(value):
        raise ValueError
    return plain_text(value)


# Half of what rows hold is text: these two call nothing that they need not.
def plain_text(value: Any) -> bytes:
    """The form of a text."""
    try:
        data = value.encode()
        return LENGTHS[len(data)] + data  # type: ignore[no-any-return]  # only a str has `encode`
    except (AttributeError, IndexError):
        # A tax rate comes as a number; the record makes a text of it in this way (`coerce_numbers_to_str`).
        return text(str(value) if type(value) is float else value)


def nullable_text(value: Any) -> bytes:
    """The form of a text that may be none."""
    if value is None:
        return NULL
    try:
        data = value.encode()
        return GIVEN_LENGTHS[len(data)] + data  # type: ignore[no-any-return]
    except (AttributeError, IndexError):
        return GIVEN + plain_text(value)


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


class Remembered(dict[Any, Any]):
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


def _remembered(form: Form) -> Form:
    return Remembered(form).__getitem__


def known_to(form: Form) -> Remembered | None:
    """What a form remembers; None: it remembers nothing."""
    known = getattr(form, "__self__", None)
    return known if isinstance(known, Remembered) else None


FORMS: Mapping[tuple[Kind, bool], Form] = {
    (Kind.TEXT, False): plain_text,
    (Kind.TEXT, True): nullable_text,
    # A 1 is taken for true, as the record does.
    (Kind.FLAG, False): {False: FALSE, True: TRUE}.__getitem__,
    (Kind.FLAG, True): {None: NULL, False: GIVEN + FALSE, True: GIVEN + TRUE}.__getitem__,
    (Kind.WHOLE, False): _remembered(_whole),
    (Kind.WHOLE, True): _remembered(Nullable(_whole)),
    (Kind.NUMBER, False): _number,
    (Kind.NUMBER, True): Nullable(_number),
    (Kind.DAY, False): _remembered(_day),
    (Kind.DAY, True): _remembered(Nullable(_day)),
    (Kind.INSTANT, False): _remembered(_instant),
    (Kind.INSTANT, True): _remembered(Nullable(_instant)),
}
"""`{(kind, nullable): form}`. What is missing here goes the long way."""
