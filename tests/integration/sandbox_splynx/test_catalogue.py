"""Every resource that is declared answers; every other documented path answers as the product does where it is off."""

import pytest

from sandbox.splynx.resources import RESOURCES
from tests.integration.sandbox_splynx.conftest import Splynx

NEEDS_A_FILTER = {"admin/support/ticket-messages"}
OFF = {"admin/fup/cap-tariff", "admin/fup/capped-data"}


def url(path: str) -> str:
    return path.removeprefix("admin/").replace("{customer_id}", "0")


async def test_each_resource_describes_counts_and_lists_itself(splynx: Splynx) -> None:
    await splynx.raw("PUT", "/_sandbox/modules", {"disabled": []})
    wrong = []
    for path, resource in RESOURCES.items():
        if not resource.on_collection:
            continue
        described = await splynx.call("OPTIONS", url(path))
        names = {attribute["name"] for attribute in described.body["attributes"]}
        counted = await splynx.call("HEAD", url(path))
        if (described.status, counted.status) != (200, 204) or not names or "X-total-count" not in counted.headers:
            wrong.append(f"{path}: {described.status}, {counted.status}")
        if "GET" in resource.on_collection:
            listed = await splynx.call("GET", url(path) + ("?limit=2" if path not in NEEDS_A_FILTER else ""))
            if listed.status != (500 if path in NEEDS_A_FILTER else 200):
                wrong.append(f"{path}: GET {listed.status}")
        if "POST" in resource.on_collection and resource.required + resource.also_required:
            refused = await splynx.call("POST", url(path), {})
            if refused.status not in (404, 422):  # 404: a service of nobody
                wrong.append(f"{path}: POST {refused.status}")
    assert wrong == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("GET", "fup/cap-tariff", 405, id="modelled, and off as on the recorded installation"),
        pytest.param("OPTIONS", "networking/cpe", 405, id="off: every method"),
        pytest.param("GET", "networking/cpe/7", 405, id="off: an item"),
        pytest.param("GET", "dashboard/dashboard", 403, id="a page for people"),
        pytest.param("GET", "auth/trusted-devices", 403, id="needs a user's token"),
        pytest.param("GET", "logs/pending-services", 500, id="a list that is broken"),
        pytest.param("GET", "support/ticket-messages", 500, id="messages of no ticket"),
        pytest.param("GET", "auth/two-factor-status", 405, id="POST only"),
        pytest.param("POST", "auth/two-factor-status", 400, id="nobody has a second factor"),
        pytest.param("OPTIONS", "auth/tokens", 500, id="a controller without a model"),
        pytest.param("PUT", "auth/tokens", 400, id="PUT of no token"),
        pytest.param("GET", "administration/roles", 404, id="roles have no endpoint"),
        pytest.param("GET", "support/canned-responses", 404, id="nor have canned responses"),
        pytest.param("POST", "support/tickets-types", 405, id="types are read only"),
        pytest.param("GET", "networking/ipv4-ip/999999", 400, id="an unknown network"),
    ],
)
async def test_what_is_not_modelled_answers_as_the_product(splynx: Splynx, method: str, path: str, status: int) -> None:
    assert (await splynx.call(method, path)).status == status


async def test_an_empty_request_for_a_token_is_401(splynx: Splynx) -> None:
    assert (await splynx.call("POST", "auth/tokens", {}, headers={})).status == 401
