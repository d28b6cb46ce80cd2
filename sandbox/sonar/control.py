"""The control room under `/_sandbox/`: faults, rows, the world, drift, the clock. Answers to this machine only.

GET|POST|DELETE /_sandbox/faults    the queue; POST one `Fault` or a list; DELETE clears
POST /_sandbox/store                one action or a list (see `Action`); the answer lists the ids
GET  /_sandbox/store/{type}[/{id}]  how many rows are visible, or one row
GET|POST /_sandbox/world            its summary; POST {"action": "step", "n": 5}, "pause", "resume" (with "rate")
POST|DELETE /_sandbox/schema        drift: {"hide": [...], "columns": {...}, "values": {...}}; DELETE undoes it
POST /_sandbox/clock                {"offset_seconds": -300}
GET  /_sandbox/stats                requests and rows so far
"""

import ipaddress
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

from sandbox.sonar.execute import Engine
from sandbox.sonar.faults import Fault
from sandbox.sonar.server import Clock, Server
from sandbox.sonar.store import Store

PREFIX = "/_sandbox"


class World(Protocol):
    """What lives in the store."""

    def step(self, n: int = 1) -> None:
        """Let `n` events happen."""

    def pause(self) -> None:
        """Stop living."""

    def resume(self, rate_per_second: float) -> None:
        """Live on by itself, inside the running event loop."""

    def summary(self) -> dict[str, Any]:
        """Exact counts and sums, straight from the rows."""


class Action(BaseModel):
    """One change of the store, by the arguments of the method that it names.

    - `insert`, `update` (`columns`), `delete` (with what belongs to the row): `at` dates them back.
    - `attach`, `detach` (`relation`, `other_id`): pivots, of which no row's time tells.
    - `hold`, `release`: a commit that becomes visible late, with the time that it had.
    - `lag`, `catch_up`: the index by change is behind for a row; reads by id show it.
    - `tie` (`count`): so many rows of a type change in one second.
    """

    model_config = ConfigDict(extra="forbid")

    action: Literal[
        "insert", "update", "delete", "attach", "detach", "hold", "release", "lag", "catch_up", "tie"
    ]  # fmt: skip
    type: str
    id: int | None = None
    columns: dict[str, Any] = {}
    relation: str | None = None
    other_id: int | None = None
    count: int | None = None
    at: datetime | None = None
    user_id: int | None = None


class Drift(BaseModel):
    """A change of the schema, by the arguments of `Declarations.drifted`."""

    model_config = ConfigDict(extra="forbid")

    hide: list[str] = []
    columns: dict[str, str] = {}
    values: dict[str, list[str]] = {}


class Deed(BaseModel):
    """What the world is told to do."""

    model_config = ConfigDict(extra="forbid")

    action: Literal["step", "pause", "resume"]
    n: int = 1
    rate: float = 1.0


class Control:
    """The routes, over one server and (if there is one) its world."""

    def __init__(self, server: Server, clock: Clock, world: World | None = None) -> None:
        self._server, self._clock, self._world = server, clock, world

    def add_to(self, application: web.Application) -> None:
        """Put the control room beside the endpoint."""
        application.middlewares.append(_guard)
        application.router.add_routes(
            [
                web.get(f"{PREFIX}/faults", self._list_faults),
                web.post(f"{PREFIX}/faults", self._add_faults),
                web.delete(f"{PREFIX}/faults", self._clear_faults),
                web.post(f"{PREFIX}/store", self._change_store),
                web.get(f"{PREFIX}/store/{{type}}", self._count),
                web.get(f"{PREFIX}/store/{{type}}/{{id}}", self._row),
                web.get(f"{PREFIX}/world", self._summarise_world),
                web.post(f"{PREFIX}/world", self._tell_world),
                web.post(f"{PREFIX}/schema", self._drift),
                web.delete(f"{PREFIX}/schema", self._undo_drift),
                web.post(f"{PREFIX}/clock", self._set_clock),
                web.get(f"{PREFIX}/stats", self._stats),
            ]
        )

    async def _list_faults(self, request: web.Request) -> web.Response:
        return _json([fault.model_dump() for fault in self._server.faults.waiting()])

    async def _add_faults(self, request: web.Request) -> web.Response:
        body = orjson.loads(await request.read())
        for fault in [Fault.model_validate(one) for one in (body if isinstance(body, list) else [body])]:
            self._server.faults.add(fault)
        return await self._list_faults(request)

    async def _clear_faults(self, request: web.Request) -> web.Response:
        self._server.faults.clear()
        return _json([])

    async def _change_store(self, request: web.Request) -> web.Response:
        """Apply actions in order, without letting a request in between; the answer lists the ids they were about."""
        body = orjson.loads(await request.read())
        actions = [Action.model_validate(one) for one in (body if isinstance(body, list) else [body])]
        return _json({"ids": [id for one in actions for id in apply(self._server.store, one)]})

    async def _count(self, request: web.Request) -> web.Response:
        return _json({"count": len(self._server.store.table(request.match_info["type"]))})

    async def _row(self, request: web.Request) -> web.Response:
        row = self._server.store.table(request.match_info["type"])[int(request.match_info["id"])]
        return _json(dict(row))

    async def _summarise_world(self, request: web.Request) -> web.Response:
        return _json(self._living().summary())

    async def _tell_world(self, request: web.Request) -> web.Response:
        deed, world = Deed.model_validate_json(await request.read()), self._living()
        if deed.action == "step":
            world.step(deed.n)
        elif deed.action == "pause":
            world.pause()
        else:
            world.resume(deed.rate)
        return _json(world.summary())

    async def _drift(self, request: web.Request) -> web.Response:
        drift = Drift.model_validate_json(await request.read())
        store = self._server.store
        for enum, values in drift.values.items():
            for value in values:
                store.allow(enum, value)
        changed = self._server.engine.declarations.drifted(hide=drift.hide, columns=drift.columns, values=drift.values)
        self._replace_engine(Engine(store, changed))
        return _json({"types": len(changed.types)})

    async def _undo_drift(self, request: web.Request) -> web.Response:
        self._replace_engine(Engine(self._server.store))
        return _json({"types": len(self._server.engine.declarations.types)})

    async def _set_clock(self, request: web.Request) -> web.Response:
        self._clock.offset = timedelta(seconds=float(orjson.loads(await request.read())["offset_seconds"]))
        return _json({"now": self._clock()})

    async def _stats(self, request: web.Request) -> web.Response:
        return _json({"requests": dict(self._server.requests), "rows": dict(self._server.engine.rows_read)})

    def _replace_engine(self, engine: Engine) -> None:
        engine.rows_read = self._server.engine.rows_read
        self._server.engine = engine

    def _living(self) -> World:
        if self._world is None:
            raise KeyError("there is no world: start with --accounts")
        return self._world


_UNDATED = {"hold": Store.hold, "release": Store.release, "lag": Store.lag, "catch_up": Store.catch_up}


def apply(store: Store, action: Action) -> list[int]:
    """Do one action; return the ids of the rows it was about.

    Raises:
        KeyError: the row, type or relation does not exist.
        ValueError: an argument is missing or cannot be used.
    """
    common: dict[str, Any] = {"at": action.at, "by": action.user_id}
    if action.action == "insert":
        return [store.insert(action.type, **common, **action.columns)]
    if action.action == "tie":
        if action.count is None:
            raise ValueError("tie needs a count")
        return store.tie(action.type, action.count, **common)
    if action.id is None:
        raise ValueError(f"{action.action} needs an id")
    if action.action == "update":
        store.update(action.type, action.id, **common, **action.columns)
    elif action.action == "delete":
        store.delete(action.type, action.id, **common)
    elif action.action in _UNDATED:
        _UNDATED[action.action](store, action.type, action.id)
    else:
        if action.relation is None or action.other_id is None:
            raise ValueError(f"{action.action} needs a relation and an other_id")
        link = store.attach if action.action == "attach" else store.detach
        link(action.type, action.id, action.relation, action.other_id, **common)
    return [action.id]


@web.middleware
async def _guard(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Let only this machine in, and say what was wrong with a request instead of failing with a 500."""
    if not request.path.startswith(f"{PREFIX}/"):
        return await handler(request)
    if request.remote is None or not ipaddress.ip_address(request.remote).is_loopback:
        return _json({"error": "the control room answers to this machine only"}, status=403)
    try:
        return await handler(request)
    except (ValueError, KeyError, TypeError) as error:
        text = error.json(include_url=False, include_input=False) if isinstance(error, ValidationError) else str(error)
        return _json({"error": text}, status=400)


def _json(value: Mapping[str, Any] | list[Any], *, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(value), status=status, content_type="application/json")
