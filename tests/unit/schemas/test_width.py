"""No field of a Sonar type that is captured gets lost: it is read somewhere, or left out with a reason."""

import pytest

from sandbox.sonar.schema import build_schema
from sandbox.sonar.types import SERVED
from schemas.catalogue import AGGREGATES
from tests.sources import columns, left_out_fields, read_fields, reading

SONAR = build_schema(SERVED)
READING = reading(SONAR, AGGREGATES)


@pytest.mark.parametrize("type_name", sorted(READING))
def test_every_field_is_read_or_left_out_with_a_reason(type_name: str) -> None:
    records = READING[type_name]
    read, left_out = read_fields(records), left_out_fields(records)
    known = columns(SONAR, type_name)
    assert known - read - left_out.keys() == set(), "neither read nor left out"
    assert left_out.keys() & read == set(), "left out, and read all the same"
    assert left_out.keys() - known == set(), "left out, and not there"
    assert all(why.strip() for why in left_out.values())
