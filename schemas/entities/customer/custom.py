"""Sonar's custom fields as additional fields and columns of the customer's info (mapping C4)."""

from datetime import date

from schemas.entities.customer.source import Account, CustomFieldData
from schemas.rules import Rules
from schemas.values import text
from schemas.values.errors import UnmappedValue

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off", ""})


def custom_values(account: Account, rules: Rules, notes: list[str]) -> tuple[dict[str, str], dict[str, str]]:
    """`({additional field: value}, {customer_info column: value})`; the last non-empty value of a field wins.

    A field that the rules name and the account lacks is written empty, so that a deleted value goes in Splynx too.

    Raises:
        UnmappedValue: a flag or an option that is none.
    """
    custom: dict[str, str] = {}
    info: dict[str, str] = {}
    newest: dict[str, CustomFieldData] = {}
    for data in sorted(
        account.custom_field_data or [], key=lambda one: (bool(one.value.strip()), one.updated_at, one.id)
    ):
        if data.custom_field is not None:
            newest[data.custom_field.name] = data
    for field, rule in rules.file.custom_fields.map.items():
        if rule == "ignore":
            continue
        held = newest.get(field)
        declared = held.custom_field if held is not None else None
        kind = declared.type if declared is not None else "TEXT"
        options = (declared.enum_options if declared is not None else None) or []
        value = _custom_value(field, kind, options, held.value if held is not None else "", notes)
        if rule.name is not None:
            custom[rule.name] = value
        elif rule.to is not None:
            column = rule.to.partition(".")[2]
            info[column] = _birthday(value, notes) if column == "birthday" else text.fitted(column, value, 32, notes)
    return custom, info


def _birthday(value: str, notes: list[str]) -> str:
    """`YYYY-MM-DD`; a text that is no day is dropped and noted."""
    try:
        return date.fromisoformat(value[:10]).isoformat() if value else ""
    except ValueError:
        notes.append("dropped:birthday")
        return ""


def _custom_value(field: str, kind: str, options: list[str], value: str, notes: list[str]) -> str:
    found = text.one_line(value)
    if kind == "BOOLEAN":
        if found.lower() in _TRUE:
            return "1"
        if found.lower() in _FALSE:
            return "0"
        raise UnmappedValue(f"custom field {field}")
    if not found:
        return ""
    if kind == "DATE":
        try:
            return date.fromisoformat(found[:10]).isoformat()
        except ValueError as exc:
            raise UnmappedValue(f"custom field {field}") from exc
    if options and found not in {text.one_line(option) for option in options}:
        raise UnmappedValue(f"custom field {field}")
    return text.fitted("custom_field", found, 255, notes)
