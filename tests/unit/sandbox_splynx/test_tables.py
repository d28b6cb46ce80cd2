"""The notation of tables, and their comparison with a reference."""

import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.splynx import elsewhere
from sandbox.splynx.reference_check import differences
from sandbox.splynx.resources import RESOURCES, ROUTES
from sandbox.splynx.tables import TABLES, Table
from sandbox.splynx.tables.model import Column, table


def test_the_notation_is_read_column_by_column() -> None:
    made = table("t", "id uint auto\nkind enum(b|a) = a index\nprice money unsigned null\nat datetime null = now")
    assert made.columns == (
        Column("id", "int unsigned", auto=True),
        Column("kind", "enum('b','a')", default="a", indexed=True),
        Column("price", "decimal(19,4) unsigned", nullable=True),
        Column("at", "datetime", nullable=True, default="now"),
    )
    assert made.by_name["kind"].members == ("b", "a")


def test_a_line_that_is_no_column_is_refused() -> None:
    with pytest.raises(ValueError, match="no column"):
        table("t", "id")


@pytest.mark.parametrize(
    ("line", "empty"),
    [
        ("a uint", 0),
        ("a money", 0),
        ("a str(5)", ""),
        ("a text", ""),
        ("a date", "0000-00-00"),
        ("a datetime", "0000-00-00 00:00:00"),
        ("a enum(x|y)", "x"),
        ("a enum(x|y) = y", "y"),
        ("a date null", None),
        ("a flag null = 0", "0"),
    ],
)
def test_a_column_that_nobody_gave_is_what_the_non_strict_server_makes_it(line: str, empty: object) -> None:
    assert table("t", line).columns[0].empty == empty


def test_no_table_declares_a_unique_index() -> None:
    assert not [made.name for made in TABLES.values() if "UNIQUE KEY" in made.ddl() or "UNIQUE INDEX" in made.ddl()]


def test_parents_are_created_before_the_tables_that_refer_to_them() -> None:
    seen: set[str] = set()
    for made in TABLES.values():
        assert {target.split(".")[0] for target in made.foreign.values()} <= seen, made.name
        seen.add(made.name)


def described(made: Table) -> dict[str, Any]:
    """A table as a reference describes it."""
    columns = []
    for column in made.columns:
        known: dict[str, Any] = {"name": column.name, "type": column.type, "nullable": column.nullable}
        if column.default is not None:
            known["default"] = "CURRENT_TIMESTAMP" if column.default == "now" else column.default
        if column.auto:
            known["extra"] = "auto_increment"
        if column.indexed:
            known["key"] = "MUL"
        columns.append(known)
    keys = [{"column": column, "references": target} for column, target in made.foreign.items()]
    known_as = "full" if made.exact else "partial"
    return {
        "columns_known": known_as,
        "primary_key": list(made.primary),
        "foreign_keys": keys,
        "columns": columns,
    }


class Reference:
    """A reference that agrees with the stand-in, to be changed in one place."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tables: dict[str, Any] = {made.name: described(made) for made in TABLES.values()}
        self.live: dict[str, Any] = {
            resource.path: {
                "attributes": [
                    {"name": name, "title": a.title, "type": a.type, "required": name in resource.required}
                    for name, a in resource.attributes.items()
                ],
                "get_fields": list(resource.visible),
            }
            for resource in RESOURCES.values()
        }
        self.resources: list[dict[str, Any]] = [
            {"path": f"/{path}?x={{x}}", "methods": {method: {} for method in methods}}
            for path, methods in [*ROUTES.items(), *((one.path, one.methods) for one in elsewhere.unused())]
        ] + [
            {"path": f"/{path.replace('{}', '{x}')}", "methods": {"GET": {}}} for path in elsewhere.SWITCHED_OFF.split()
        ]

    def differences(self) -> list[str]:
        api = {"live": self.live, "resources": self.resources, "structures": {}}
        (self.folder / "api.json").write_text(json.dumps(api))
        (self.folder / "tables.json").write_text(json.dumps({"tables": self.tables, "templates": {}}))
        return differences(self.folder / "api.json", self.folder / "tables.json")

    def column(self, table_name: str, name: str) -> dict[str, Any]:
        columns: list[dict[str, Any]] = self.tables[table_name]["columns"]
        return next(column for column in columns if column["name"] == name)


@pytest.fixture
def reference(tmp_path: Path) -> Reference:
    return Reference(tmp_path)


def test_a_reference_that_agrees_shows_no_differences(reference: Reference) -> None:
    assert reference.differences() == []


def _reorder_enum(reference: Reference) -> None:
    reference.column("customers", "deleted")["type"] = "enum('0','1')"


def _change_default(reference: Reference) -> None:
    reference.column("customers", "status")["default"] = "active"


def _make_nullable(reference: Reference) -> None:
    reference.column("payments", "comment")["nullable"] = True


def _drop_index(reference: Reference) -> None:
    del reference.column("customers", "login")["key"]


def _add_column(reference: Reference) -> None:
    reference.tables["customers"]["columns"].append({"name": "new", "type": "int", "nullable": True})


def _swap_columns(reference: Reference) -> None:
    reference.tables["payments"]["columns"].reverse()


def _change_key(reference: Reference) -> None:
    reference.tables["config"]["primary_key"] = ["id"]


def _drop_foreign_key(reference: Reference) -> None:
    reference.tables["invoices"]["foreign_keys"] = []


def _drop_table(reference: Reference) -> None:
    del reference.tables["labels"]


def _unknown_attribute(reference: Reference) -> None:
    reference.live["admin/config/labels"]["get_fields"].remove("textColor")


def _answer_more(reference: Reference) -> None:
    reference.live["admin/config/company-info"]["get_fields"].append("file_seal")


def _make_required(reference: Reference) -> None:
    reference.live["admin/finance/payments"]["attributes"][0]["required"] = True


def _drop_method(reference: Reference) -> None:
    reference.resources[0]["methods"] = {}


def _document_more(reference: Reference) -> None:
    reference.resources.append({"path": "/admin/finance/tips/{id}", "methods": {"GET": {}}})


def _document_less(reference: Reference) -> None:
    reference.resources.pop()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        pytest.param(_reorder_enum, "customers.deleted", id="order of an enum"),
        pytest.param(_change_default, "customers.status", id="default"),
        pytest.param(_make_nullable, "payments.comment", id="nullability"),
        pytest.param(_drop_index, "customers.login", id="index"),
        pytest.param(_add_column, "customers.new", id="a column more"),
        pytest.param(_swap_columns, "payments", id="order of columns"),
        pytest.param(_change_key, "config", id="primary key"),
        pytest.param(_drop_foreign_key, "invoices", id="foreign key"),
        pytest.param(_drop_table, "labels", id="no such table"),
        pytest.param(_unknown_attribute, "textColor", id="attribute"),
        pytest.param(_answer_more, "file_seal", id="a key of the recorded answers"),
        pytest.param(_make_required, "required", id="required attribute"),
        pytest.param(_drop_method, "methods", id="method"),
        pytest.param(_document_more, "admin/finance/tips/{}", id="a path that we do not know"),
        pytest.param(_document_less, "cpe-dhcp", id="a path that only we know"),
    ],
)
def test_each_kind_of_difference_is_named(reference: Reference, change: Any, named: str) -> None:
    change(reference)
    found = reference.differences()
    assert found
    assert any(named in line for line in found)
