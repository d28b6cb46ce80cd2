"""What is asked of Splynx before anything is written."""

from pathlib import Path
from typing import cast

import pytest

from clients.splynx import SplynxClient
from schemas.catalogue import TARGETS
from schemas.rules import configured_ids
from sinks.bodies import Shape
from sinks.readiness import (
    FIELDS,
    LISTS,
    UnknownFields,
    attributes_lacking,
    check_ids,
    entities,
    rights_lacking,
)
from tests.builders import rules


def test_every_kind_of_id_that_rules_can_name_is_looked_up() -> None:
    file = rules(
        partners={"default": 1, "by_company": {7: 9}},
        locations={"default": 2, "rules": [{"when": {"address.city": "Northtown"}, "use": {"id": 3}}]},
        payment_methods={"default": 5, "by_provider": {"Example": 6}},
        tariffs={"map": {101: {"internet": 12}, 102: "ignore"}},
        taxes={"map": {1: 4}},
    ).file
    assert {kind for kind, _, _ in configured_ids(file)} == set(LISTS)


CUSTOMER = r"api\admin\customers\Customer"
ALL = {"index": "allow", "view": "allow", "add": "allow", "update": "allow"}


@pytest.mark.parametrize(
    ("permissions", "lacking"),
    [
        pytest.param({CUSTOMER: ALL}, [], id="all rights"),
        pytest.param({CUSTOMER: ALL | {"update": "deny"}}, ["update"], id="one denied"),
        pytest.param({CUSTOMER: {"index": "allow", "view": "allow"}}, ["add", "update"], id="only reading"),
        pytest.param({}, [], id="rights that are not told"),
        pytest.param({r"api\admin\customers\Another": {}}, [], id="rights by a name that we do not know"),
    ],
)
def test_the_rights_that_our_key_lacks_are_named(permissions: dict[str, dict[str, str]], lacking: list[str]) -> None:
    assert rights_lacking(permissions, "admin/customers/customer") == lacking
    assert rights_lacking(permissions, "admin/config/labels") == []


class Splynx:
    """Its lists, each with one row, and the additional fields of its customers."""

    def __init__(self, *fields: str) -> None:
        self.fields = list(fields)

    async def list(self, path: str) -> list[dict[str, object]]:
        return [{"id": 1, "name": name} for name in (self.fields if path == FIELDS else ["Main"])]


async def test_an_additional_field_that_splynx_lacks_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(
        "version: 1\ntarget: {timezone: America/Chicago}\npartners: {default: 1}\nlocations: {default: 1}\n"
        "payment_methods: {default: 1}\ncustom_fields:\n  map:\n    Gate code: {name: gate_code}\n"
        "    Born: {to: customer_info.birthday}\n    Old id: ignore\n"
    )
    splynx = Splynx("gate_code")
    await check_ids(cast("SplynxClient", splynx), path)
    splynx.fields = ["another"]
    with pytest.raises(UnknownFields) as caught:
        await check_ids(cast("SplynxClient", splynx), path)
    assert str(caught.value) == (
        f"{path} line 8: custom_fields.map: Gate code: Splynx's customers have no additional field gate_code"
    )


async def test_an_attribute_that_is_written_and_that_splynx_does_not_list_is_named() -> None:
    class Older:
        async def options(self, endpoint: str) -> dict[str, list[dict[str, str]]]:
            (entity,) = (name for name, one in entities().items() if one == endpoint)
            known = Shape(TARGETS[entity]).attributes - {"gps", "password"}
            return {"attributes": [{"name": name} for name in known], "additional_attributes": []}

    found = {entity: await attributes_lacking(cast("SplynxClient", Older()), entity) for entity in entities()}
    assert {entity: names for entity, names in found.items() if names} == {"customer": ["gps"]}


def test_only_records_with_rows_of_their_own_are_asked_for() -> None:
    assert entities()["customer"] == "admin/customers/customer"
    assert "customer_info" not in entities()
