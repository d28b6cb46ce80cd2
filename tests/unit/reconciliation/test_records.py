"""Fields of which Splynx may have another value are not compared."""

from dataclasses import replace
from typing import Any, cast

import pytest

from reconciliation.findings import Finding
from reconciliation.records import Records
from schemas.catalogue import TARGETS
from schemas.rules import RulesFile
from tests.builders import RULES


def records(**overrides: str) -> Records:
    """With these owners of a customer's fields."""
    named = {f"customer.{field}": owner for field, owner in overrides.items()}
    file = RulesFile.model_validate(RULES.file.model_dump() | {"ownership": {"overrides": named}})
    nothing = cast("Any", None)
    return Records(nothing, replace(RULES, file=file), nothing, nothing, nothing)


@pytest.mark.parametrize(
    ("field", "left"),
    [("gps", True), ("phone", True), ("email", True), ("city", False), ("status", False), ("record", False)],
)
def test_what_is_splynxs_or_shared_or_was_decided_for_splynx_may_differ(field: str, left: bool) -> None:
    finding = Finding("fields", "customer", "7", field, "a", "b")
    kept = {("customer", "7", "email"), ("customer", "8", "city"), ("payment", "7", "city")}
    assert records(gps="target", phone="shared")._is_left(TARGETS["customer"], finding, kept) is left
