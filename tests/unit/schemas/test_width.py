"""No field of a Sonar type that is captured gets lost: it is read somewhere, or left out with a reason."""

from collections import defaultdict
from functools import cache

import pytest
from pydantic import BaseModel

from clients.sonar_schema import SonarSchema
from schemas.catalogue import AGGREGATES
from schemas.records import SonarRecord
from schemas.selection import morph_of, sonar_field
from schemas.shapes import members
from tests.unit.producers.scene import the_schema

ALWAYS = {"_version"}
"""Asked for with every row, and kept in the child index."""


@cache
def reading() -> dict[str, set[type[BaseModel]]]:
    """`{Sonar type: the records that read it}`; settings and roots, and whatever nests in them."""
    found: dict[str, set[type[BaseModel]]] = defaultdict(set)

    def visit(record: type[BaseModel], type_name: str) -> None:
        found[type_name].add(record)
        for member in members(record):
            morph, field = morph_of(member), the_schema().field_type(type_name, sonar_field(member))
            if member.record is not None and field is not None:
                visit(member.record, field.name if morph is None else morph.type_name)

    for one in AGGREGATES:
        visit(one.root.record, one.root.type_name)
    return dict(found)


def columns(schema: SonarSchema, type_name: str) -> set[str]:
    """The fields of a type that lead to no other."""
    kinds = {name: schema.field_type(type_name, name) for name in schema.fields(type_name)}
    return {name for name, kind in kinds.items() if kind is not None and kind.name not in schema} - ALWAYS


@pytest.mark.parametrize("type_name", sorted(reading()))
def test_every_field_is_read_or_left_out_with_a_reason(type_name: str) -> None:
    records = reading()[type_name]
    read = {sonar_field(member) for record in records for member in members(record)}
    left_out = {
        name: why for record in records if issubclass(record, SonarRecord) for name, why in record.left_out.items()
    }
    known = columns(the_schema(), type_name)
    assert known - read - left_out.keys() == set(), "neither read nor left out"
    assert left_out.keys() & read == set(), "left out, and read all the same"
    assert left_out.keys() - known == set(), "left out, and not there"
    assert all(why.strip() for why in left_out.values())
