"""A Splynx stand-in over a real MariaDB: one database per process, the application anew for each test."""

import os
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp
import pymysql
import pytest
from aiohttp import web

from sandbox.splynx import settings
from sandbox.splynx.database import Database, Server
from sandbox.splynx.install import connect, install
from sandbox.splynx.routing import controllers
from sandbox.splynx.seed import ACTIONS, KEY_ID, Credentials
from sandbox.splynx.server import application, open_api
from tests.conftest import MariaDbAccess

ENVIRONMENT = "CROSSFADE_TEST_MARIADB"


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest) -> Server:
    """The database server that the environment names (`host:port:user:password`), else that of the whole run."""
    given = os.environ.get(ENVIRONMENT)
    if given:
        host, port, user, password = given.split(":", 3)
        return Server(host, int(port), user, password)
    shared: MariaDbAccess = request.getfixturevalue("mariadb")
    return Server(shared.host, shared.port, shared.user, shared.password)


@pytest.fixture(scope="session")
def installed(server: Server) -> Iterator[tuple[Server, Credentials]]:
    """A fresh installation in a database of this process."""
    own = replace(server, name=f"splynx_test_{os.getpid()}")
    yield own, install(own)
    with connect(own) as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE `{own.name}`")


@dataclass
class Answer:
    """What the API answered."""

    status: int
    body: Any
    headers: dict[str, str]


@dataclass
class Splynx:
    """The stand-in under test: its API as a client sees it, and its database."""

    url: str
    credentials: Credentials
    server: Server
    http: aiohttp.ClientSession
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def basic(self) -> dict[str, str]:
        return {"Authorization": aiohttp.encode_basic_auth(self.credentials.key, self.credentials.secret)}

    async def call(self, method: str, path: str, body: Any = None, *, headers: Any = None, **more: Any) -> Answer:
        """A request below `/api/2.0/admin/`, with Basic log-in unless headers are given."""
        return await self.raw(
            method, f"/api/2.0/admin/{path}", body, headers=self.basic if headers is None else headers, **more
        )

    async def raw(self, method: str, path: str, body: Any = None, **more: Any) -> Answer:
        if body is not None:
            more["json"] = body
        async with self.http.request(method, self.url + path, **more) as response:
            text = await response.text()
            is_json = response.content_type == "application/json" and text
            return Answer(response.status, await response.json() if is_json else text, dict(response.headers))

    async def created(self, path: str, body: dict[str, Any]) -> int:
        answer = await self.call("POST", path, body)
        assert answer.status == 201, answer.body
        return int(answer.body["id"])

    async def customer(self, **fields: Any) -> int:
        """A new customer, active unless said otherwise."""
        values = {"name": "Ada Example", "partner_id": 1, "location_id": 1, "category": "person", "status": "active"}
        return await self.created("customers/customer", values | fields)

    async def side_effects(self) -> Any:
        return (await self.raw("GET", "/_sandbox/side-effects")).body

    def sql(self, text: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Run a statement as the product's own user would; the rows."""
        with connect(self.server) as connection, connection.cursor(pymysql.cursors.DictCursor) as cursor:
            cursor.execute(text, values or None)
            rows = list(cursor.fetchall())
            connection.commit()
            return rows

    def deposit(self, customer: int) -> str:
        return str(self.sql("SELECT deposit FROM customer_billing WHERE customer_id = %s", [customer])[0]["deposit"])

    def reset(self) -> None:
        """Settings, rights and the key as a fresh system has them."""
        rows = [(KEY_ID, "", controller, action, "allow") for controller in controllers() for action in ACTIONS]
        with connect(self.server) as connection, connection.cursor() as cursor:
            cursor.executemany(
                "UPDATE config SET `value` = '1' WHERE `module` = %s AND `path` = %s AND `key` = %s", settings.GUARDS
            )
            cursor.execute("UPDATE api SET unsecure_auth = '1', check_nonce = '1', partner_id = 0, white_list = '[]'")
            cursor.execute("SELECT COUNT(*) FROM permissions_api_key")
            if cursor.fetchone() != (len(rows),):
                cursor.executemany("REPLACE INTO permissions_api_key VALUES (%s, %s, %s, %s, %s)", rows)
            connection.commit()


@pytest.fixture
async def splynx(installed: tuple[Server, Credentials]) -> AsyncIterator[Splynx]:
    """The application over the session's database, with everything reset."""
    server, credentials = installed
    api = await open_api(await Database.open(server, connections=8))
    runner = web.AppRunner(application(api))  # as the command does: a client that leaves cancels nothing
    await runner.setup()
    listening = socket.create_server(("127.0.0.1", 0))
    await web.SockSite(runner, listening).start()
    async with aiohttp.ClientSession() as http:
        made = Splynx(f"http://127.0.0.1:{listening.getsockname()[1]}", credentials, server, http)
        made.reset()
        await made.raw("DELETE", "/_sandbox/side-effects")
        api.memory.forget()
        yield made
    await runner.cleanup()


@pytest.fixture
async def quiet(splynx: Splynx) -> Splynx:
    """The same with everything off that must be off while another system bills."""
    for module, path in {(module, path) for module, path, _ in settings.GUARDS}:
        off = {key: False for own, below, key in settings.GUARDS if (own, below) == (module, path)}
        answer = await splynx.call("PUT", f"config/config?module={module}&path={path}", off)
        assert answer.status == 202
    return splynx
