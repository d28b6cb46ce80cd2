"""Sonar's ids can be kept where it is we who give them."""

import pytest

from plumbing.errors import ConfigurationError
from schemas.write_paths import WritePaths
from sinks.payment_ids import FLOOR, check_sql, own_id


def test_without_the_database_ids_cannot_be_kept() -> None:
    with pytest.raises(ConfigurationError, match="Splynx gives the ids") as told:
        check_sql(WritePaths(sql=False, keeps_ids=True))
    assert "splynx.db" in told.value.next_step
    for ways in (WritePaths(sql=True, keeps_ids=True), WritePaths(sql=False)):
        check_sql(ways)


@pytest.mark.parametrize(
    ("key", "revision", "id"),
    [
        pytest.param("4711", 0, 4711, id="a payment"),
        pytest.param("4711-R3", 0, None, id="a reversal, which is none in Sonar's count of payments"),
        pytest.param("4711", 2, None, id="one that came back, whose first row has its id"),
        pytest.param(str(FLOOR), 0, None, id="one that would stand among those of Splynx"),
        pytest.param("0", 0, None, id="no id"),
    ],
)
def test_a_payment_has_an_id_of_its_own(key: str, revision: int, id: int | None) -> None:
    assert own_id(key, revision) == id
