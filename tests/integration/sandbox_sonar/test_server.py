"""The Sonar sandbox over real HTTP on the loopback: log-in, limit, faults, control room."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp.test_utils import TestClient, TestServer

from sandbox.sonar.control import Control
from sandbox.sonar.server import PATH, Clock, Server
from sandbox.sonar.store import Store

TOKEN = "sandbox.token"
GROUPS = "{ account_groups { entities { id name } page_info { total_count } } }"


class FakeWorld:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, float]] = []

    def step(self, n: int = 1) -> None:
        self.told.append(("step", n))

    def pause(self) -> None:
        self.told.append(("pause", 0))

    def resume(self, rate_per_second: float) -> None:
        self.told.append(("resume", rate_per_second))

    def summary(self) -> dict[str, Any]:
        return {"told": len(self.told)}


class Sonar:
    """A running sandbox with three account groups, and a client that is logged in."""

    def __init__(self, client: "TestClient[Any, Any]", server: Server, world: FakeWorld) -> None:
        self.client, self.server, self.world = client, server, world

    async def ask(self, query: str = GROUPS, **headers: str) -> aiohttp.ClientResponse:
        return await self.client.post(
            PATH, json={"query": query}, headers={"Authorization": f"Bearer {TOKEN}", **headers}
        )

    async def groups(self) -> list[str]:
        answer = await (await self.ask()).json()
        return [row["name"] for row in answer["data"]["account_groups"]["entities"]]

    async def control(self, path: str, body: Any = None, method: str = "POST") -> Any:
        answer = await self.client.request(method, f"/_sandbox/{path}", json=body)
        return await answer.json() if answer.status == 200 else (answer.status, (await answer.json())["error"])


@pytest.fixture
async def sonar() -> AsyncIterator[Sonar]:
    clock, world = Clock(), FakeWorld()
    store = Store(clock)
    for name in "ABC":
        store.insert("AccountGroup", name=name)
    server = Server(store, TOKEN, clock=clock)
    application = server.application()
    Control(server, clock, world).add_to(application)
    async with TestClient(TestServer(application)) as client:
        yield Sonar(client, server, world)


async def test_a_query_is_answered_as_json_with_the_servers_time(sonar: Sonar) -> None:
    answer = await sonar.ask()
    assert (answer.status, answer.content_type) == (200, "application/json")
    assert abs(parsedate_to_datetime(answer.headers["Date"]) - datetime.now(UTC)) < timedelta(seconds=5)
    assert (await answer.json())["data"]["account_groups"]["page_info"] == {"total_count": 3}


@pytest.mark.parametrize("authorization", [None, "", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer ñ"])
async def test_without_the_token_the_answer_is_a_200_that_says_so(sonar: Sonar, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = await sonar.client.post(PATH, json={"query": GROUPS}, headers=headers)
    assert (answer.status, await answer.json()) == (200, {"error": "Unauthenticated."})


async def test_a_get_with_a_json_body_is_answered_too(sonar: Sonar) -> None:
    answer = await sonar.client.request(
        "GET", PATH, data=orjson.dumps({"query": GROUPS}), headers={"Authorization": f"Bearer {TOKEN}"}
    )
    assert (await answer.json())["data"]["account_groups"]["page_info"]["total_count"] == 3


def a_file(store: Store, size: int, mime_type: str = "application/pdf") -> int:
    return store.insert(
        "File", file_size_in_bytes=size, filename="order.pdf", mime_type=mime_type, primary_image=False
    )  # fmt: skip


@pytest.mark.parametrize(
    ("size", "mime_type", "head"),
    [
        pytest.param(5000, "application/pdf", b"%PDF-1.4\n", id="a PDF"),
        pytest.param(3, "image/png", b"\x89PN", id="a PNG of three bytes"),
        pytest.param(40, "text/plain", b"This is invented file", id="a text"),
    ],
)
async def test_a_file_has_the_bytes_that_its_row_says(sonar: Sonar, size: int, mime_type: str, head: bytes) -> None:
    first, second = (a_file(sonar.server.store, size, mime_type) for _ in range(2))
    headers = {"Authorization": f"Bearer {TOKEN}", "Accept": "*/*"}
    answers = [await sonar.client.get(f"/api/files/{id}", headers=headers) for id in (first, first, second)]
    bodies = [await answer.read() for answer in answers]
    assert {(answer.status, answer.content_type) for answer in answers} == {(200, mime_type)}
    assert {len(body) for body in bodies} == {size}
    assert bodies[0].startswith(head)
    assert bodies[0] == bodies[1]
    assert size < 30 or bodies[0] != bodies[2]


@pytest.mark.parametrize("id", ["999", "x", "1.5", "²"])
async def test_a_file_that_does_not_exist_is_a_404(sonar: Sonar, id: str) -> None:
    a_file(sonar.server.store, 10)
    answer = await sonar.client.get(f"/api/files/{id}", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status == 404


async def test_a_file_needs_the_token_and_counts_against_the_limit(sonar: Sonar) -> None:
    path = f"/api/files/{a_file(sonar.server.store, 10)}"
    assert await (await sonar.client.get(path)).json() == {"error": "Unauthenticated."}
    sonar.server.limit.per_minute = 1
    answers = [await sonar.client.get(path, headers={"Authorization": f"Bearer {TOKEN}"}) for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 429]


async def test_a_body_that_is_no_request_is_answered_with_errors(sonar: Sonar) -> None:
    answer = await sonar.client.post(PATH, data=b"{", headers={"Authorization": f"Bearer {TOKEN}"})
    assert (answer.status, list(await answer.json())) == (200, ["errors"])


async def test_large_answers_are_packed_when_the_client_allows_it(sonar: Sonar) -> None:
    for number in range(100):
        sonar.server.store.insert("AccountGroup", name=f"group number {number}")
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        url, headers = sonar.client.make_url(PATH), {"Authorization": f"Bearer {TOKEN}"}
        packed = await session.post(url, json={"query": GROUPS}, headers={**headers, "Accept-Encoding": "gzip"})
        plain = await session.post(url, json={"query": GROUPS}, headers={**headers, "Accept-Encoding": "identity"})
        assert packed.headers["Content-Encoding"] == "gzip"
        assert "Content-Encoding" not in plain.headers
        assert gzip.decompress(await packed.read()) == await plain.read()


@pytest.mark.parametrize("status", [429, 200])
async def test_the_request_after_the_limit_is_refused_in_sonars_words(status: int) -> None:
    clock = Clock()
    server = Server(Store(clock), TOKEN, clock=clock, per_minute=3, limit_status=status)
    async with TestClient(TestServer(server.application())) as client:
        answers = [
            await client.post(PATH, json={"query": GROUPS}, headers={"Authorization": f"Bearer {TOKEN}"})
            for _ in range(4)
        ]
        assert [answer.status for answer in answers] == [200, 200, 200, status]
        assert await answers[3].json() == {"error": "Request limit of 3/min reached."}


@pytest.mark.parametrize(
    ("fault", "status", "text"),
    [
        ({"kind": "429", "retry_after": 7}, 429, '{"error":"Request limit of 400/min reached."}'),
        ({"kind": "500"}, 500, '{"message":"Server Error"}'),
        ({"kind": "errors", "message": "Boom"}, 200, '{"errors":[{"message":"Boom"}],"data":null}'),
        ({"kind": "unauthenticated"}, 200, '{"error":"Unauthenticated."}'),
        ({"kind": "html", "status": 503}, 503, "<html>"),
    ],
)
async def test_a_fault_takes_the_place_of_one_answer(
    sonar: Sonar, fault: dict[str, Any], status: int, text: str
) -> None:
    await sonar.control("faults", fault)
    answer = await sonar.ask()
    assert (answer.status, (await answer.text())[: len(text)]) == (status, text)
    assert answer.headers.get("Retry-After") == ("7" if "retry_after" in fault else None)
    assert await sonar.groups() == ["A", "B", "C"]


async def test_a_cut_off_body_ends_before_its_length(sonar: Sonar) -> None:
    await sonar.control("faults", {"kind": "cutoff"})
    answer = await sonar.ask()
    assert answer.status == 200
    with pytest.raises(aiohttp.ClientPayloadError):
        await answer.read()


async def test_a_reset_connection_has_no_answer(sonar: Sonar) -> None:
    # A client may try a dropped kept-alive connection again by itself, so the fault has to last.
    await sonar.control("faults", {"kind": "reset", "count": None})
    with pytest.raises(aiohttp.ClientError):
        await sonar.ask()


async def test_a_partial_answer_has_nulls_beside_errors(sonar: Sonar) -> None:
    await sonar.control("faults", {"kind": "partial"})
    answer = await (await sonar.ask()).json()
    assert [row and row["name"] for row in answer["data"]["account_groups"]["entities"]] == [None, "B", None]
    assert len(answer["errors"]) == 1


async def test_a_slow_answer_is_older_than_one_that_was_asked_for_later(sonar: Sonar) -> None:
    await sonar.control("faults", {"kind": "slow", "seconds": 0.3})
    slow = asyncio.create_task(sonar.groups())
    while (await sonar.control("faults", method="GET")) != []:  # noqa: ASYNC110  # the queue is behind HTTP
        await asyncio.sleep(0.01)
    await sonar.control("store", {"action": "update", "type": "AccountGroup", "id": 1, "columns": {"name": "new"}})
    assert await sonar.groups() == ["new", "B", "C"]
    assert await slow == ["A", "B", "C"]


async def test_a_clamp_and_a_lost_permission_are_conditions_of_one_answer(sonar: Sonar) -> None:
    await sonar.control("faults", [{"kind": "clamp", "rows": 1}, {"kind": "empty", "skip": 1, "match": "account_gr"}])
    assert [await sonar.groups() for _ in range(3)] == [["A"], [], ["A", "B", "C"]]


async def test_rows_are_changed_from_outside_in_one_go(sonar: Sonar) -> None:
    done = await sonar.control(
        "store",
        [
            {"action": "insert", "type": "AccountGroup", "columns": {"name": "D"}, "at": "2020-01-01T00:00:00Z"},
            {"action": "delete", "type": "AccountGroup", "id": 1},
            {"action": "hold", "type": "AccountGroup", "id": 2},
        ],
    )
    assert done == {"ids": [4, 1, 2]}
    assert await sonar.groups() == ["C", "D"]
    assert (await sonar.control("store/AccountGroup/4", method="GET"))["updated_at"] == "2020-01-01T00:00:00+00:00"
    await sonar.control("store", {"action": "release", "type": "AccountGroup", "id": 2})
    assert await sonar.control("store/AccountGroup", method="GET") == {"count": 3}
    tied = {"action": "tie", "type": "AccountGroup", "count": 2, "at": "2020-01-01T00:00:00Z"}
    assert await sonar.control("store", tied) == {"ids": [2, 3]}
    for action in ("lag", "catch_up"):
        await sonar.control("store", {"action": action, "type": "AccountGroup", "id": 2})


async def test_links_are_made_from_outside(sonar: Sonar) -> None:
    store = sonar.server.store
    company = store.insert(
        "Company", country="US", default=True, enabled=True, name="L", primary_color="0", secondary_color="0",
        show_remittance_slip=False,
    )  # fmt: skip
    field = store.insert("CustomField", entity_type="Account", name="F", required=False, type="TEXT", unique=False)
    link = {"type": "CustomField", "id": field, "relation": "companies", "other_id": company}
    await sonar.control("store", {"action": "attach", **link})
    assert store.linked("Company", "custom_fields", company) == [field]
    await sonar.control("store", {"action": "detach", **link})
    assert store.linked("Company", "custom_fields", company) == []


@pytest.mark.parametrize(
    ("path", "body", "complaint"),
    [
        ("store", {"action": "insert", "type": "Dragon"}, "no type is named Dragon"),
        (
            "store",
            {"action": "update", "type": "AccountGroup", "id": 9, "columns": {}},
            "AccountGroup 9 does not exist",
        ),
        ("store", {"action": "delete", "type": "AccountGroup"}, "delete needs an id"),
        ("store", {"action": "tie", "type": "AccountGroup"}, "tie needs a count"),
        ("store", {"action": "attach", "type": "Account", "id": 1}, "attach needs a relation and an other_id"),
        ("faults", {"kind": "earthquake"}, "Input should be"),
        ("schema", {"forget": []}, "Extra inputs are not permitted"),
    ],
)
async def test_the_control_room_says_what_was_wrong(sonar: Sonar, path: str, body: Any, complaint: str) -> None:
    status, text = await sonar.control(path, body)
    assert status == 400
    assert complaint in text


async def test_the_world_is_told_and_summarised(sonar: Sonar) -> None:
    await sonar.control("world", {"action": "step", "n": 5})
    await sonar.control("world", {"action": "resume", "rate": 2.5})
    assert await sonar.control("world", {"action": "pause"}) == {"told": 3}
    assert sonar.world.told == [("step", 5), ("resume", 2.5), ("pause", 0)]


async def test_the_schema_drifts_and_comes_back(sonar: Sonar) -> None:
    await sonar.groups()
    await sonar.control("schema", {"hide": ["AccountGroup.name"]})
    answer = await (await sonar.ask()).json()
    assert "Cannot query field 'name'" in answer["errors"][0]["message"]
    await sonar.control("schema", method="DELETE")
    assert await sonar.groups() == ["A", "B", "C"]
    assert (await sonar.control("stats", method="GET"))["rows"] == {"account_groups": 6}, "counted through the drift"


async def test_the_clock_can_be_wrong(sonar: Sonar) -> None:
    await sonar.control("clock", {"offset_seconds": -300})
    answer = await sonar.ask()
    assert datetime.now(UTC) - parsedate_to_datetime(answer.headers["Date"]) > timedelta(seconds=290)
    await sonar.control("store", {"action": "update", "type": "AccountGroup", "id": 1, "columns": {"name": "late"}})
    assert datetime.now(UTC) - sonar.server.store.table("AccountGroup")[1]["updated_at"] > timedelta(seconds=290)


async def test_the_statistics_count_requests_roots_faults_and_rows(sonar: Sonar) -> None:
    await sonar.control("faults", {"kind": "500"})
    await sonar.ask()
    await sonar.ask()
    stats = await sonar.control("stats", method="GET")
    assert stats == {
        "requests": {"received": 2, "root.account_groups": 2, "fault.500": 1},
        "rows": {"account_groups": 3},
    }


async def test_the_control_room_is_closed_to_other_machines(sonar: Sonar, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aiohttp.web.BaseRequest.remote", "192.0.2.7")
    assert await sonar.control("stats", method="GET") == (403, "the control room answers to this machine only")
    assert await sonar.groups() == ["A", "B", "C"]
