"""What a row of Splynx that carries Sonar's ids is taken for."""

from dataclasses import replace
from typing import Annotated, Any, cast

import pytest

from clients.mysql import Database
from clients.splynx import SplynxClient
from schemas.ledger import LIVE
from schemas.records import Ref, To
from sinks.adoption import Marked, amounts_of
from sinks.plan import Known, Step, Verb, is_of_another
from tests.unit.sinks.records import LINE, PERSON, Line

CUSTOMER = replace(PERSON, entity="customer")


class Served(Line):
    """A service of a customer."""

    customer_id: Annotated[Ref, To("customer")] = Ref(entity="customer", key="1")


class Rows:
    """A Splynx that has these customers, and a service of each."""

    def __init__(self, *fields: dict[str, str]) -> None:
        self._fields = fields

    async def list(self, path: str) -> list[dict[str, Any]]:
        if path == "admin/customers/customer/0/internet-services":
            return [
                {"id": id + 50, "customer_id": id, "additional_attributes": {"sonar_id": str(id + 500)}}
                for id, _ in enumerate(self._fields, 40)
            ]
        assert path == CUSTOMER.endpoint
        return [{"id": id, "additional_attributes": one} for id, one in enumerate(self._fields, 40)]


@pytest.mark.parametrize(
    ("fields", "reused"),
    [
        pytest.param({"sonar_unique_id": "one"}, False, id="of this object"),
        pytest.param({"sonar_unique_id": "before"}, True, id="of an object that had the id before"),
        pytest.param({"sonar_unique_id": ""}, False, id="it does not say"),
        pytest.param({}, False, id="it has no such field"),
    ],
)
async def test_a_row_of_an_object_that_had_the_id_before_is_not_taken_for_this_one(
    fields: dict[str, str], reused: bool
) -> None:
    client = cast("SplynxClient", Rows({"sonar_id": "7"} | fields, {"sonar_id": ""}, {"sonar_id": "by hand"}))
    marked = Marked(client, cast("Database", None), {"customer": CUSTOMER}, sql=False)
    ((found,),) = [page async for page in marked.pages("customer")]
    assert (found.key, found.owner, found.target_id) == ("7", 7, 40)
    known = Known("customer", found.key, found.target_id, "", 0, LIVE, found.revision, found.document)
    step = Step(Verb.CHANGE, CUSTOMER, "7", "", {"key": "7", "sonar_unique_id": "one"}, known)
    assert is_of_another(step) == reused


async def test_a_service_is_owned_by_the_account_of_its_customer() -> None:
    client = cast("SplynxClient", Rows({"sonar_id": "7"}, {"sonar_id": "by hand"}))
    below = replace(LINE, record=Served, entity="line")
    marked = Marked(client, cast("Database", None), {"customer": CUSTOMER, "line": below}, sql=False)
    assert marked.entities == ["customer", "line"]
    ((found,),) = [page async for page in marked.pages("line")]
    assert (found.key, found.owner, found.target_id) == ("540", 7, 90)
    assert found.document == {"customer_id": {"entity": "customer", "key": "7"}}


@pytest.mark.parametrize(
    ("minor", "exponent", "told"),
    [
        pytest.param(1000, 2, "10.0000", id="in cents"),
        pytest.param(100000, 4, "10.0000", id="as Splynx has it"),
        pytest.param(-1, 0, "-1.0000", id="of a currency without cents"),
    ],
)
def test_an_amount_is_told_as_splynx_has_it(minor: int, exponent: int, told: str) -> None:
    document = {
        "customer_id": {"key": "1"}, "receipt_number": "SP1", "date": "2026-01-02", "payment_type": 1,
        "amount_minor": minor, "exponent": exponent,
    }  # fmt: skip
    assert amounts_of(document)["amount"] == told
