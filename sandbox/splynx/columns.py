"""A body's values on their way into columns: which are taken, which do not fit, which are no change."""

import ipaddress
import re
from typing import Any

from sandbox.splynx.resources import Resource
from sandbox.splynx.tables import Column
from sandbox.splynx.wire import Given

Errors = list[tuple[str, str]]

_DATE = re.compile(r"^\d{4}-\d{2}-\d{2}")


def stored(resource: Resource, given: Given) -> Given:
    """The columns that the body sets, in the form that the database takes."""
    return {
        name: value_of(column, given[name])
        for name, column in resource.table.by_name.items()
        if name in given and name not in resource.sealed
    }


def misfits(resource: Resource, given: Given) -> Errors:
    """Values that their column's type refuses: the model looks before the database cuts."""
    errors = []
    for name, column in resource.table.by_name.items():
        value = given.get(name)
        if value in (None, "") or name in resource.sealed:
            continue
        text = value_of(column, value)
        members = column.members or resource.choices.get(name, ())
        if members and str(text) not in members:
            errors.append((name, f"{title(resource, name)} is invalid."))
        elif column.type in ("date", "datetime") and not _DATE.match(str(value)):
            errors.append((name, f"The format of {title(resource, name)} is invalid."))
        elif column.is_packed and not _packed(str(value)):
            errors.append((name, f"{title(resource, name)} is invalid."))
        elif (column.is_number or column.is_decimal) and not _is_number(value):
            errors.append((name, f"{title(resource, name)} must be a number."))
    return errors


def value_of(column: Column, value: Any) -> Any:
    """One value as its column takes it: an empty text is 0, a zero date or null where the column is no text."""
    if isinstance(value, bool):
        value = "1" if value else "0"
    if value is None:
        return None if column.nullable else column.empty
    if column.members:
        return str(value)
    if column.is_packed:
        return _packed(str(value))
    if value == "" and (column.is_number or column.is_decimal):
        return None if column.nullable else 0
    if value == "" and column.type in ("date", "datetime"):
        return column.empty
    return value if isinstance(value, int | float) else str(value)


def is_same(before: Any, value: Any) -> bool:
    """Whether writing the value would change nothing."""
    return before is value or (before is not None and value is not None and str(before) == str(value))


def title(resource: Resource, name: str) -> str:
    """What messages call an attribute."""
    attribute = resource.attributes.get(name)
    return attribute.title if attribute else name


def _packed(text: str) -> bytes:
    try:
        return ipaddress.ip_address(text).packed
    except ValueError:
        return b""


def _is_number(value: Any) -> bool:
    return bool(re.match(r"^-?\d+(\.\d+)?$", str(value))) or isinstance(value, bool | int | float)
