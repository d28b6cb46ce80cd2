"""Who owns a field: as it is declared, and as the rules say."""

from pathlib import Path

import pytest

from plumbing.errors import ConfigurationError
from schemas.catalogue import TARGETS
from schemas.ownership import DECLARED, Ownership, check_fields, fields_of
from schemas.records import FieldOwner
from schemas.rules import compile_rules, read_rules
from tests.builders import FACTS

RULES = """\
version: 1
target: {timezone: America/Chicago}
partners: {default: 1}
locations: {default: 1}
payment_methods: {default: 5}
custom_fields: {map: {"Gate code": {name: gate_code}}}
"""


@pytest.mark.parametrize(
    ("entity", "field", "owner"),
    [
        ("customer", "city", FieldOwner.SOURCE),
        ("customer", "status", FieldOwner.LOCKED),
        ("customer", "sonar_status", FieldOwner.LOCKED),
        ("customer", "sonar_id", FieldOwner.LOCKED),
        ("customer", "gate_code", FieldOwner.SOURCE),
        ("partner", "name", FieldOwner.LOCKED),
        ("payment", "amount", FieldOwner.LOCKED),
        ("payment", "ledger_date", FieldOwner.LOCKED),
        ("payment", "comment", FieldOwner.SOURCE),
        ("customer_billing", "enabled", FieldOwner.LOCKED),
    ],
)
def test_owners_are_declared(entity: str, field: str, owner: FieldOwner) -> None:
    assert DECLARED.owner(TARGETS[entity], field) is owner


@pytest.mark.parametrize("entity", TARGETS)
def test_what_is_sent_once_is_nobodys_to_compare(entity: str) -> None:
    names = [name for name, _ in fields_of(TARGETS[entity])]
    assert len(names) == len(set(names))
    assert not {"password", "key", "custom", "exponent"} & set(names)


def rules(folder: Path, text: str) -> Path:
    path = folder / "rules.yaml"
    path.write_text(RULES + text)
    return path


def test_the_rules_change_owner_and_policy_of_single_fields(tmp_path: Path) -> None:
    text = read_rules(
        rules(
            tmp_path,
            "ownership: {default: shared, overrides: {customer.gps: target, customer.gate_code: locked}}\n"
            "conflict: {policy: keep, overrides: {payment.comment: overwrite}}\n",
        )
    )
    check_fields(text)
    chosen = Ownership.of(text.file)
    customer, payment = TARGETS["customer"], TARGETS["payment"]
    assert chosen.owner(customer, "gps") is FieldOwner.TARGET
    assert chosen.owner(customer, "gate_code") is FieldOwner.LOCKED
    assert chosen.owner(customer, "city") is FieldOwner.SHARED
    assert chosen.owner(customer, "status") is FieldOwner.LOCKED  # the default is of what Sonar owns
    assert (chosen.policy_of(customer, "city"), chosen.policy_of(payment, "comment")) == ("keep", "overwrite")


def test_a_field_that_there_is_not_is_named_with_its_line_and_what_comes_near(tmp_path: Path) -> None:
    path = rules(tmp_path, "conflict:\n  overrides:\n    customer.citty: keep\n")
    with pytest.raises(ConfigurationError, match=r"line 9: conflict.overrides: customer.citty is no field.*city"):
        check_fields(read_rules(path))


def test_who_owns_a_field_makes_no_other_bundles(tmp_path: Path) -> None:
    plain = read_rules(rules(tmp_path, "")).file
    other = read_rules(rules(tmp_path, "conflict: {policy: keep}\nownership: {default: shared}\n")).file
    assert compile_rules(plain, FACTS, b"k").version == compile_rules(other, FACTS, b"k").version
