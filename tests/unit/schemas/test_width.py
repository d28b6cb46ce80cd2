"""No field of a Sonar type that is captured gets lost: it is read somewhere, or left out with a reason."""

import pytest

from sandbox.sonar.declarations import Kind
from sandbox.sonar.newer import GENERATIONS, NEWER
from sandbox.sonar.schema import build_schema
from sandbox.sonar.types import SERVED
from schemas.aggregate import Aggregate
from schemas.catalogue import AGGREGATES
from tests.sources import columns, left_out_fields, read_fields, reading

SONAR = {name: build_schema(one) for name, one in GENERATIONS.items()}
READING = {name: reading(one, AGGREGATES) for name, one in SONAR.items()}


def known(generation: str, type_name: str) -> set[str]:
    """A type's columns, and what relations of the newer generation tell that no column does."""
    relations = GENERATIONS[generation].types[type_name].relations
    told = {
        name
        for name in relations.keys() - SERVED.types[type_name].relations.keys()
        if relations[name].polymorphic or relations[name].kind is Kind.PIVOT
    }
    return columns(SONAR[generation], type_name) | told


@pytest.mark.parametrize(
    ("generation", "type_name"), [(name, kind) for name in GENERATIONS for kind in sorted(READING[name])]
)
def test_every_field_is_read_or_left_out_with_a_reason(generation: str, type_name: str) -> None:
    records = READING[generation][type_name]
    read, left_out = read_fields(records), left_out_fields(records)
    assert known(generation, type_name) - read - left_out.keys() == set(), "neither read nor left out"
    assert left_out.keys() & read == set(), "left out, and read all the same"
    kind = NEWER.types[type_name]
    assert left_out.keys() - {*kind.columns, *kind.relations} == set(), "left out, and not there"
    assert all(why.strip() for why in left_out.values())


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("one", AGGREGATES, ids=[one.name for one in AGGREGATES])
def test_a_root_reads_each_field_itself_or_leaves_it_out_with_a_reason(generation: str, one: Aggregate) -> None:
    # What another aggregate reads of such a row, nested in its own, is on another topic.
    own = [one.root.record]
    missing = known(generation, one.root.type_name) - read_fields(own) - left_out_fields(own).keys()
    assert missing == set(), "neither read nor left out"
