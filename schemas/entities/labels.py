"""Account groups and account types, and the customer labels they become (mapping F10)."""

import re
from typing import Annotated

from schemas.aggregate import Aggregate, Collection, DeletePolicy, Target, WritePath
from schemas.bundle import Bundle
from schemas.records import Instant, MaxLength, Ref, SonarRecord, SplynxRecord
from schemas.rules import Rules, RulesFile
from schemas.values.text import fitted_name, one_line, required_text

DEFAULT_COLOR = "#357bf2"
LABEL_CHARACTERS = 64
_HEX = re.compile("[0-9a-fA-F]{6}")


class AccountGroup(SonarRecord):
    """Source: Sonar schema, type AccountGroup."""

    id: int
    updated_at: Instant
    name: str
    created_at: Instant | None = None
    sonar_unique_id: str | None = None


class AccountType(SonarRecord):
    """Source: Sonar schema, type AccountType."""

    id: int
    updated_at: Instant
    name: str
    color: str | None = None
    type: str | None = None
    """What Sonar takes such accounts for: RESIDENTIAL, COMMERCIAL and others."""
    created_at: Instant | None = None
    sonar_unique_id: str | None = None
    icon: str | None = None
    invoice_message_id: int | None = None


class Label(SplynxRecord):
    """Source: Splynx REST, admin/config/labels."""

    module: str
    label: Annotated[str, MaxLength(LABEL_CHARACTERS)]
    color: Annotated[str, MaxLength(32)]
    sonar_unique_id: str = ""
    """Of the group or type; kept by the ledger only."""

    not_written = SplynxRecord.not_written | {"sonar_unique_id"}


FLAG_LABELS = {
    "flag:delinquent": "delinquent",
    "flag:archived": "archived",
    "flag:tax_exempt": "tax-exempt",
    "flag:lifeline": "lifeline",
}
"""Labels for states of an account that Splynx has no home for. The sink writes them at start."""


def flag_labels() -> list[Label]:
    """The records of `FLAG_LABELS`."""
    return [Label(key=key, module="customers", label=text, color=DEFAULT_COLOR) for key, text in FLAG_LABELS.items()]


def group_label(group_id: int) -> Ref:
    """The label of an account group."""
    return Ref(entity="label", key=f"group:{group_id}")


def type_label(type_id: int) -> Ref:
    """The label of an account type."""
    return Ref(entity="label", key=f"type:{type_id}")


def flag_label(name: str) -> Ref:
    """One of `FLAG_LABELS` by its short name."""
    return Ref(entity="label", key=f"flag:{name}")


def label_text(ref: Ref, id: int, name: str, file: RulesFile, notes: list[str]) -> str:
    """What the label of a group or type says: the rules' own, else its name in the form of its kind.

    Raises:
        RequiredValueMissing: it has no name.
    """
    labels = file.customer.labels
    form = labels.account_group if ref == group_label(id) else labels.account_type
    if chosen := labels.names.get(ref.key):
        return chosen
    return fitted_name(form.replace("{name}", required_text("name", one_line(name))), LABEL_CHARACTERS, id, notes)


def _label(ref: Ref, source: AccountGroup | AccountType, color: str | None, rules: Rules) -> Bundle:
    notes: list[str] = []
    text = label_text(ref, source.id, source.name, rules.file, notes)
    written = Label(
        key=ref.key,
        module="customers",
        label=text,
        color=_color(color),
        sonar_unique_id=source.sonar_unique_id or "",
    )
    return Bundle(records={"label": [written]}, notes=tuple(notes))


def _color(color: str | None) -> str:
    """Sonar's six digits behind a `#`; ours where it has none."""
    digits = (color or "").removeprefix("#")
    return f"#{digits}" if _HEX.fullmatch(digits) else DEFAULT_COLOR


def map_account_group(group: AccountGroup, rules: Rules) -> Bundle:
    """The label of a group.

    Raises:
        RequiredValueMissing: the group has no name.
    """
    return _label(group_label(group.id), group, None, rules)


def map_account_type(account_type: AccountType, rules: Rules) -> Bundle:
    """The label of a type, in its color.

    Raises:
        RequiredValueMissing: the type has no name.
    """
    return _label(type_label(account_type.id), account_type, account_type.color, rules)


_LABEL = Target(
    "label",
    Label,
    table="labels",
    path=WritePath.REST,
    delete=DeletePolicy.KEEP,
    endpoint="admin/config/labels",
    natural_key=("module", "label"),
)
ACCOUNT_GROUP = Aggregate(
    name="account_group",
    root=Collection("account_groups", AccountGroup, "AccountGroup"),
    targets=[_LABEL],
    mapper=map_account_group,
    doc="A group that accounts belong to becomes a customer label.",
)
ACCOUNT_TYPE = Aggregate(
    name="account_type",
    root=Collection("account_types", AccountType, "AccountType"),
    targets=[_LABEL],
    mapper=map_account_type,
    doc="The type of an account becomes a customer label.",
)
