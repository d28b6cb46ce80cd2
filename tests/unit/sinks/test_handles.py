"""What goes over REST can be found again after a lost answer; what cannot goes by SQL."""

from dataclasses import replace
from typing import Any, cast

import pytest
from pydantic import SecretStr

from clients.splynx import SplynxClient
from clients.splynx_query import Search
from plumbing.settings import SplynxSettings
from schemas.aggregate import Target, WritePath
from schemas.catalogue import TARGETS
from sinks.errors import RowMissing
from sinks.handles import Handles, has_handle
from sinks.rest import RestRecords
from tests.unit.sinks.records import DETAIL, LINE, PERSON


def _rest(targets: dict[str, Target]) -> RestRecords:
    nothing: Any = None
    settings = SplynxSettings(url="http://splynx.example.com", key="k", secret=SecretStr("s"))
    return RestRecords(SplynxClient(settings), nothing, nothing, targets)


@pytest.mark.parametrize("entity", TARGETS)
def test_every_entity_that_goes_over_rest_has_a_handle(entity: str) -> None:
    assert WritePath.REST not in TARGETS[entity].ways or has_handle(TARGETS[entity])


@pytest.mark.parametrize(
    "target",
    [
        pytest.param(PERSON, id="by its additional field"),
        pytest.param(DETAIL, id="by the id of what it is part of"),
        pytest.param(replace(PERSON, module=None, natural_key=("name",)), id="by what it says"),
        pytest.param(replace(PERSON, module=None, path=WritePath.SQL), id="by SQL, without any"),
    ],
)
def test_what_can_be_found_again_is_written(target: Target) -> None:
    assert _rest({"thing": target}).shape(replace(target, entity="thing")).target is target


def test_what_could_not_be_found_again_is_refused_before_anything_is_written() -> None:
    with pytest.raises(ValueError, match="without a handle: notes"):
        _rest({"person": PERSON, "notes": replace(PERSON, module=None)})


class OneService:
    """A Splynx that has service 12 of customer 5."""

    searched: Search | None = None

    async def list(self, path: str, search: Search) -> list[dict[str, Any]]:
        assert path == "admin/customers/customer/0/internet-services"
        self.searched = search
        return [{"id": 11, "customer_id": 4}, {"id": 12, "customer_id": 5}]


@pytest.mark.parametrize(
    ("document", "asked"),
    [
        pytest.param({"customer_id": 5}, False, id="its record says whose it is"),
        pytest.param({"customer_id": 0}, True, id="its customer is not known any more"),
        pytest.param({}, True, id="it was found again, and nobody knows what was written"),
    ],
)
async def test_a_row_below_a_customer_is_found_there(document: dict[str, Any], asked: bool) -> None:
    splynx = OneService()
    handles = Handles(cast("SplynxClient", splynx))
    assert await handles.item(LINE, 12, document) == ("admin/customers/customer/5", "internet-services--12")
    assert (splynx.searched is not None) == asked
    assert await handles.item(PERSON, 12, document) == ("admin/customers/customer", 12)


async def test_a_row_of_which_nobody_knows_whose_it_is_and_that_is_not_there_is_missing() -> None:
    with pytest.raises(RowMissing, match="line 13 is not in Splynx"):
        await Handles(cast("SplynxClient", OneService())).item(LINE, 13, {})
