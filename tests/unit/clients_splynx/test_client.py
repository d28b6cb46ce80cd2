"""Splynx's client: signatures, query strings, errors as types; its transport stands in for the network."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from decimal import Decimal

import httpx2
import orjson
import pytest
from pydantic import SecretStr

from clients.splynx import SplynxClient
from clients.splynx_auth import NONCES_PER_SECOND, Nonces, basic_header, signature, signature_header
from clients.splynx_errors import (
    NotSplynx,
    RecordMissing,
    RecordRefused,
    SplynxBusy,
    SplynxModuleOff,
    SplynxRefused,
    SplynxUnauthorized,
    SplynxUnreachable,
    error_of,
)
from clients.splynx_query import Search
from clients.transactions import CallInTransaction, transaction_is_open
from plumbing.errors import Action
from plumbing.settings import SplynxSettings

Answer = (
    Callable[[httpx2.Request], httpx2.Response] | Callable[[httpx2.Request], Coroutine[None, None, httpx2.Response]]
)


def _client(answer: Answer, auth: str = "signature", **settings_: object) -> SplynxClient:
    settings = SplynxSettings.model_validate(
        {
            "url": "http://splynx.example.com",
            "key": "k",
            "secret": SecretStr("s"),
            "auth": auth,
            "requests_per_second": 1000,
            "timeout_seconds": 2,
        }
        | settings_
    )
    client = SplynxClient(settings)
    client._http = httpx2.AsyncClient(
        transport=httpx2.MockTransport(answer), base_url="http://splynx.example.com/api/2.0/"
    )
    return client


def test_the_signature_is_upper_case_hmac_of_nonce_and_key() -> None:
    # RFC 4231, test case 2: key "Jefe", data "what do ya want for nothing?"; here the data is nonce and key joined.
    assert signature("what do ya want ", "for nothing?", "Jefe") == (
        "5BDCC146BF60754E6A042426089575C75A003F089D2739839DEC58B964EC3843"
    )
    assert signature_header(1, "k", "s").startswith("Splynx-EA (key=k&nonce=1&signature=")


def test_a_nonce_is_above_every_earlier_one() -> None:
    nonces = Nonces()
    given = [nonces.next() for _ in range(1000)]
    assert given == sorted(set(given))


def test_a_search_is_written_as_php_arrays() -> None:
    search = Search(
        main={"login": "a", "status": ("IN", ["new", "active"])},
        additional={"sonar_id": "5"},
        order={"id": "ASC"},
        limit=10,
        offset=20,
    )
    assert search.pairs() == [
        ("main_attributes[login]", "a"),
        ("main_attributes[status][0]", "IN"),
        ("main_attributes[status][1][0]", "new"),
        ("main_attributes[status][1][1]", "active"),
        ("additional_attributes[sonar_id]", "5"),
        ("order[id]", "ASC"),
        ("limit", "10"),
        ("offset", "20"),
    ]


@pytest.mark.parametrize(
    ("status", "internal", "kind", "action"),
    [
        (401, "UNAUTHORIZED", SplynxUnauthorized, Action.HALT),
        (403, "FORBIDDEN", SplynxRefused, Action.HALT),
        (405, "METHOD_DISABLED", SplynxModuleOff, Action.HALT),
        (405, "ENTITY_CANNOT_BE_DELETED", RecordRefused, Action.DEAD_LETTER),
        (404, "NOT_FOUND", RecordMissing, Action.DEAD_LETTER),
        (422, "INVALID_INPUT_DATA", RecordRefused, Action.DEAD_LETTER),
        (409, "", RecordRefused, Action.DEAD_LETTER),
        (400, "BAD_REQUEST", RecordRefused, Action.DEAD_LETTER),
        (408, "", SplynxUnreachable, Action.RETRY),
        (429, "", SplynxBusy, Action.RETRY),
        (502, "", SplynxUnreachable, Action.RETRY),
        (500, "SERVER_ERROR", SplynxUnreachable, Action.RETRY),
    ],
)
def test_each_status_has_its_type_and_action(status: int, internal: str, kind: type[Exception], action: Action) -> None:
    error = error_of(status, orjson.dumps({"error": {"message": "x", "code": status, "internal_code": internal}}))
    assert type(error) is kind
    assert error.action is action


def test_a_module_that_is_off_is_named_as_the_menu_calls_it() -> None:
    for path, module in (("admin/support/tickets", "Tickets"), ("portal/invoices", "")):
        error = error_of(405, b"{}", path=path)
        assert isinstance(error, SplynxModuleOff)
        assert error.module == module
        assert (f"its module {module} is off" in str(error)) is bool(module)


@pytest.mark.parametrize("status", [301, 302, 400, 403, 404, 422])
def test_a_page_of_something_before_splynx_says_nothing_about_a_record(status: int) -> None:
    """A proxy, a maintenance page, a web server without its site: else each record would become a dead letter."""
    for body in (b"<html><title>404 Not Found</title></html>", b"Moved"):
        assert error_of(status, body).action is not Action.DEAD_LETTER


@pytest.mark.parametrize("status", [301, 302, 402, 410, 421, 451])
def test_a_status_that_is_not_about_the_record_stops_rather_than_sets_it_aside(status: int) -> None:
    assert error_of(status, b"{}").action is not Action.DEAD_LETTER


def test_a_refusal_names_fields_and_never_their_values() -> None:
    envelope = {"error": {"message": 'login: "anna@example.com" is taken; name: blank', "code": 422}}
    listed = [{"field": "login", "message": '"anna@example.com" is taken'}]
    for body in (envelope, listed):
        error = error_of(422, orjson.dumps(body))
        assert isinstance(error, RecordRefused)
        assert "login" in error.fields
        assert "anna" not in str(error)


async def test_html_with_status_200_is_no_answer() -> None:
    async with _client(lambda _: httpx2.Response(200, html="<h1>Maintenance</h1>")) as client:
        with pytest.raises(SplynxUnreachable):
            await client.get("admin/customers/customer", 1)


@pytest.mark.parametrize(
    ("told", "exact"),
    [
        pytest.param("759.5", "759.5000", id="fraction"),
        pytest.param("760", "760.0000", id="whole"),
        pytest.param("-0.1", "-0.1000", id="negative"),
        pytest.param("123456789012345.6789", "123456789012345.6789", id="all that a column holds"),
        pytest.param("0.30000000000000004", "0.3000", id="as PHP adds up"),
    ],
)
@pytest.mark.parametrize("name", ["amount", "total", "due"])
async def test_a_total_is_what_its_column_has_though_it_came_as_a_number(name: str, told: str, exact: str) -> None:
    row = f'{{"id": 7, "{name}": {told}, "remind_amount": "1.5000"}}'

    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, text=row if request.url.path.endswith("/7") else f"[{row}]")

    async with _client(answer) as client:
        one, (listed,) = await client.get("admin/finance/payments", 7), await client.list("admin/finance/payments")
    assert one == listed
    assert (one["id"], str(one[name]), one["remind_amount"]) == (7, exact, "1.5000")
    assert isinstance(one[name], Decimal)


async def test_no_number_of_a_row_was_a_float() -> None:
    async with _client(lambda _: httpx2.Response(200, text='{"price": 123456789012345.6789, "total": 3}')) as client:
        row = await client.get("admin/tariffs/internet", 7)
        settings = await client.settings_of("finance", "automation")
    assert (str(row["price"]), row["total"], type(row["total"])) == ("123456789012345.6789", 3, int)
    assert isinstance(settings["price"], float)  # a switch is compared with a value of a file


async def test_a_lost_connection_is_unreachable_and_a_write_is_not_repeated() -> None:
    calls: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        calls.append(request.method)
        raise httpx2.ReadError("gone")

    async with _client(answer) as client:
        with pytest.raises(SplynxUnreachable):
            await client.post("admin/customers/customer", {"name": "x"})
    assert calls == ["POST"]


async def test_a_nonce_overtaken_on_the_way_is_signed_again() -> None:
    seen: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.headers["Authorization"])
        return httpx2.Response(401 if len(seen) == 1 else 200, json={"id": 1})

    async with _client(answer) as client:
        assert await client.get("admin/customers/customer", 1) == {"id": 1}
    assert len(set(seen)) == 2


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the client would have waited, in seconds; a wait that is asked for is none."""
    told: list[float] = []

    async def sleep(seconds: float) -> None:
        told.append(seconds)

    monkeypatch.setattr("stamina._core._smart_sleep", sleep)
    return told


@pytest.mark.parametrize(
    ("header", "waited"),
    [
        pytest.param({"Retry-After": "7"}, pytest.approx(7), id="as long as Splynx says"),
        pytest.param({}, pytest.approx(0.15, abs=0.06), id="a little, where it says nothing"),
        pytest.param({"Retry-After": "86400"}, pytest.approx(120), id="not for a day"),
    ],
)
async def test_too_many_requests_are_sent_again_later(
    header: dict[str, str], waited: object, waits: list[float]
) -> None:
    seen: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.method)
        if len(seen) == 1:
            return httpx2.Response(429, text="Too Many Requests", headers=header)
        return httpx2.Response(200, json={"id": 1})

    async with _client(answer) as client:
        assert await client.post("admin/customers/customer", {"name": "x"}) == {"id": 1}
    assert seen == ["POST", "POST"]
    assert waits == [waited]


async def test_after_its_deadline_nothing_is_sent() -> None:
    seen: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.method)
        return httpx2.Response(429, headers={"Retry-After": "60"})

    async with _client(answer) as client:
        with pytest.raises(SplynxBusy):
            await client.post("admin/customers/customer", {}, deadline=time.monotonic() - 0.001)
        assert seen == []
        with pytest.raises(SplynxBusy):
            await client.post("admin/customers/customer", {}, deadline=time.monotonic() + 2)
    assert seen == ["POST"]


@pytest.mark.parametrize("method", ["post", "put"])
@pytest.mark.parametrize(
    ("fault", "nothing_happened"),
    [
        pytest.param(httpx2.ConnectError, True, id="no connection"),
        pytest.param(httpx2.ConnectTimeout, True, id="no connection in time"),
        pytest.param(httpx2.ReadError, False, id="the answer broke off"),
        pytest.param(httpx2.ReadTimeout, False, id="no answer in time"),
        pytest.param(httpx2.WriteError, False, id="the request broke off"),
    ],
)
async def test_a_call_that_was_surely_not_sent_is_told_from_one_that_may_have_been(
    method: str, fault: type[httpx2.TransportError], nothing_happened: bool
) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        raise fault("no")

    async with _client(answer) as client:
        call = client.post("a", {}) if method == "post" else client.put("a", 1, {})
        with pytest.raises(SplynxUnreachable) as caught:
            await call
    assert caught.value.nothing_happened is nothing_happened


async def test_a_put_is_not_sent_after_its_deadline_either() -> None:
    sent: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        sent.append(request.method)
        return httpx2.Response(202)

    async with _client(answer) as client:
        with pytest.raises(SplynxBusy):
            await client.put("admin/customers/customer", 1, {}, deadline=time.monotonic() - 0.001)
    assert sent == []


async def test_nothing_is_asked_of_splynx_while_rows_are_locked() -> None:
    sent: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        sent.append(request.method)
        return httpx2.Response(200, json=[])

    async with _client(answer) as client:
        with transaction_is_open():
            for call in (client.list("a"), client.post("a", {}), client.put("a", 1, {}), client.head_count("a")):
                with pytest.raises(CallInTransaction):
                    await call
            with pytest.raises(CallInTransaction):  # in a task that is begun there, too
                await asyncio.create_task(client.list("a"))
        assert sent == []
        await client.list("a")
    assert sent == ["GET"]


async def test_a_nonce_that_was_overtaken_just_before_the_deadline_is_no_refusal() -> None:
    answers = [httpx2.Response(401), httpx2.Response(200, json={"id": 1})]
    async with _client(lambda _: answers.pop(0)) as client:
        assert await client.post("admin/customers/customer", {}, deadline=time.monotonic() + 0.9) == {"id": 1}


async def test_signed_requests_never_run_ahead_of_the_clock() -> None:
    """Else the next process with this key would be refused until the clock has caught up."""
    ahead: list[float] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        nonce = int(request.headers["Authorization"].partition("nonce=")[2].partition("&")[0])
        ahead.append(nonce / NONCES_PER_SECOND - time.time())
        return httpx2.Response(200, json={"id": 1})

    async with _client(answer) as client:
        for _ in range(150):
            await client.get("admin/customers/customer", 1)
    assert max(ahead) < 1.1


async def test_no_more_calls_are_on_their_way_than_the_settings_allow() -> None:
    """Whoever calls; the transport of this client has no limit of its own."""
    on_their_way: list[str] = []
    most = 0

    async def answer(request: httpx2.Request) -> httpx2.Response:
        nonlocal most
        on_their_way.append(request.method)
        most = max(most, len(on_their_way))
        await asyncio.sleep(0.01)
        on_their_way.remove(request.method)
        return httpx2.Response(200, json={"id": 1})

    async with _client(answer, "basic", concurrency=3) as client:
        await asyncio.gather(
            *(client.get("admin/x", number) for number in range(10)), *(client.post("admin/x", {}) for _ in range(10))
        )
    assert most == 3


@pytest.mark.parametrize("refused", [False, True], ids=["each request once", "half of them are repeats"])
async def test_no_more_is_sent_than_the_rate_and_one_second_of_it_at_first(refused: bool) -> None:
    sent: list[float] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        sent.append(time.monotonic())
        if refused and len(sent) % 2:
            return httpx2.Response(429, headers={"Retry-After": "0"})
        return httpx2.Response(200, json={"id": 1})

    async with _client(answer, "basic", requests_per_second=20, concurrency=1) as client:
        for _ in range(18 if refused else 36):
            await client.get("admin/x", 1)
    assert len(sent) == 36
    # 20 at once at most, and the others at their rate; a clock's tick is let off.
    assert sent[-1] - sent[0] > (36 - 20 - 1) / 20


async def test_basic_sends_key_and_secret_and_gives_up_at_once() -> None:
    seen: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.headers["Authorization"])
        return httpx2.Response(401, json={})

    async with _client(answer, "basic") as client:
        with pytest.raises(SplynxUnauthorized):
            await client.get("admin/customers/customer", 1)
    assert seen == [basic_header("k", "s")]


async def test_a_token_is_asked_for_once_and_used() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.path.endswith("auth/tokens"):
            return httpx2.Response(201, json={"access_token": "t", "access_token_expiration": 9_999_999_999})
        assert request.headers["Authorization"] == "Splynx-EA (access_token=t)"
        return httpx2.Response(204, headers={"X-total-count": "7"})

    async with _client(answer, "token") as client:
        assert await client.head_count("admin/customers/customer") == 7
        assert await client.head_count("admin/customers/customer") == 7


@pytest.mark.parametrize(("auth", "told"), [("token", [{"A": {"add": "allow"}}, {}]), ("basic", [{}, {}])])
async def test_the_rights_of_our_key_are_those_of_now_where_a_log_in_tells_them(
    auth: str, told: list[dict[str, dict[str, str]]]
) -> None:
    permissions: list[object] = [{"A": {"add": "allow"}}, []]  # as PHP tells that there are none

    def answer(request: httpx2.Request) -> httpx2.Response:
        assert request.url.path.endswith("auth/tokens")
        until = {"access_token": "t", "access_token_expiration": 9_999_999_999}
        return httpx2.Response(201, json=until | {"permissions": permissions.pop(0)})

    async with _client(answer, auth) as client:
        assert [await client.rights(), await client.rights()] == told


async def test_what_has_no_log_in_is_no_splynx_and_one_that_lost_it_is_away() -> None:
    answers = [httpx2.Response(404, text="404: Not Found")]

    def answer(request: httpx2.Request) -> httpx2.Response:
        if not request.url.path.endswith("auth/tokens"):
            return httpx2.Response(200, json={})
        return answers.pop(0)

    client = _client(answer, auth="token")
    with pytest.raises(NotSplynx, match=r"splynx\.url"):
        await client.get("admin/x", 1)
    answers.append(httpx2.Response(200, json={"access_token": "t", "access_token_expiration": time.time()}))
    await client.get("admin/x", 1)
    answers.append(httpx2.Response(404, text="404: Not Found"))
    with pytest.raises(SplynxUnreachable):
        await client.get("admin/x", 1)
