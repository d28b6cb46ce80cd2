"""The server: the API, and control pages below `/_sandbox/` that the real product does not have."""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web

from sandbox.splynx import automation, php, settings, wire
from sandbox.splynx.access import Access
from sandbox.splynx.api import PREFIXES, Api
from sandbox.splynx.call import Call
from sandbox.splynx.clock import Clock
from sandbox.splynx.database import Database
from sandbox.splynx.faults import Fault, Faults
from sandbox.splynx.memory import Key, Memory
from sandbox.splynx.problems import Problem, bad_request
from sandbox.splynx.seed import INSTALLATION_KEY
from sandbox.splynx.vault import Vault

log = logging.getLogger("sandbox.splynx")

_SAVE_SECONDS = 0.5
_SYSTEM = Key(0, 0, "", "", False, False, False, frozenset())
"""Who the scheduled job acts as."""


async def open_api(database: Database) -> Api:
    """The API over an installed database.

    Raises:
        LookupError: the database holds no installation.
    """
    memory = Memory(database)
    await memory.refresh()
    zone = memory.setting(*settings.TIMEZONE)
    if zone is None:
        raise LookupError("the database holds no installation: run with --install")
    vault = Vault(str(memory.setting(*INSTALLATION_KEY)))
    return Api(database, memory, Access(memory), Clock(zone), vault)


def application(api: Api, *, scheduled_seconds: float = 0) -> web.Application:
    """The web application; it closes the database when it is cleaned up.

    With `scheduled_seconds` the product's scheduled job runs that often, with 0 only when it is asked to.
    """
    app = web.Application(client_max_size=64 * 1024 * 1024)
    faults = Faults()
    control = Control(api, faults, scheduled_seconds)

    async def answer(request: web.Request) -> web.StreamResponse:
        return await faults.around(request, api.handle)

    for prefix in PREFIXES:
        app.router.add_route("*", prefix + "{path:.*}", answer)
    control.add_routes(app)
    app.cleanup_ctx.append(control.save_counters)
    app.cleanup_ctx.append(control.run_on_schedule)
    return app


class Control:
    """`/_sandbox/*`: what would have gone out, faults, modules and rights to take away, the scheduled job."""

    def __init__(self, api: Api, faults: Faults, scheduled_seconds: float = 0) -> None:
        self.api = api
        self.faults = faults
        self.scheduled_seconds = scheduled_seconds

    def add_routes(self, app: web.Application) -> None:
        routes = {
            ("GET", "side-effects"): self.side_effects,
            ("DELETE", "side-effects"): self.clear_side_effects,
            ("GET", "faults"): self.list_faults,
            ("POST", "faults"): self.add_fault,
            ("DELETE", "faults"): self.clear_faults,
            ("GET", "modules"): self.modules,
            ("PUT", "modules"): self.set_modules,
            ("GET", "permissions"): self.permissions,
            ("POST", "permissions"): self.grant,
            ("DELETE", "permissions"): self.revoke,
            ("PUT", "invalid-shape"): self.set_invalid_shape,
            ("POST", "automation/run"): self.run_automation,
        }
        for (method, path), handler in routes.items():
            app.router.add_route(method, f"/_sandbox/{path}", _answering(handler))

    async def side_effects(self, given: dict[str, Any]) -> Any:
        """All since the last DELETE; with `{"all": true}` all there ever was."""
        async with self.api.database.session() as session:
            return await self.api.log.shown(session, all_of_them=bool(given.get("all")))

    async def clear_side_effects(self, given: dict[str, Any]) -> Any:
        """Show from now on only what comes; the log itself stays."""
        async with self.api.database.session() as session:
            await self.api.log.hide(session)

    async def list_faults(self, given: dict[str, Any]) -> Any:
        return [vars(fault) for fault in self.faults.queue]

    async def add_fault(self, given: dict[str, Any]) -> Any:
        self.faults.queue.append(Fault.read(given))

    async def clear_faults(self, given: dict[str, Any]) -> Any:
        self.faults.queue.clear()

    async def modules(self, given: dict[str, Any]) -> Any:
        return {"disabled": sorted(self.api.disabled)}

    async def set_modules(self, given: dict[str, Any]) -> Any:
        """`{"disabled": [path, ...]}` replaces the list, as `admin/finance/payments`."""
        self.api.disabled = {str(path).strip("/") for path in given["disabled"]}

    async def permissions(self, given: dict[str, Any]) -> Any:
        return [
            {"key_id": key, "controller": controller, "action": action}
            for key, controller, action in sorted(self.api.memory.rights)
        ]

    async def grant(self, given: dict[str, Any]) -> Any:
        """`{"key_id", "controller", "action"}`: give a right."""
        async with self.api.database.session() as session:
            await session.execute(
                "INSERT INTO permissions_api_key (id, module, controller, action, rule)"
                " VALUES (%s, '', %s, %s, 'allow')"
                " ON DUPLICATE KEY UPDATE rule = 'allow'",
                (given["key_id"], given["controller"], given["action"]),
            )
        self.api.memory.forget()

    async def revoke(self, given: dict[str, Any]) -> Any:
        """`{"key_id", "controller", "action"}`: take a right away; without an action, all of the controller."""
        sql = "DELETE FROM permissions_api_key WHERE id = %s AND controller = %s"
        values = [given["key_id"], given["controller"]]
        if "action" in given:
            sql += " AND action = %s"
            values.append(given["action"])
        async with self.api.database.session() as session:
            await session.execute(sql, values)
        self.api.memory.forget()

    async def set_invalid_shape(self, given: dict[str, Any]) -> Any:
        """`{"shape": "envelope" | "list"}`: the body of a 422."""
        if given["shape"] not in ("envelope", "list"):
            raise bad_request("Unknown shape!")
        self.api.invalid_shape = given["shape"]

    async def run_on_schedule(self, app: web.Application) -> AsyncIterator[None]:
        """Run the scheduled job again and again, where the server was started so."""

        async def again_and_again() -> None:
            while True:
                await asyncio.sleep(self.scheduled_seconds)
                try:
                    await self.run_automation({})
                except Exception:
                    log.exception("the scheduled job failed")

        task = asyncio.create_task(again_and_again()) if self.scheduled_seconds else None
        yield
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def run_automation(self, given: dict[str, Any]) -> Any:
        """Run the scheduled job once; what it did."""
        api = self.api
        api.memory.forget()
        await api.memory.refresh()
        async with api.database.transaction() as session:
            call = Call(session, _SYSTEM, api.memory, api.clock, api.vault, php.parse(""))
            done = await automation.run(call)
            call.effects.store(session)
        return done

    async def save_counters(self, app: web.Application) -> AsyncIterator[None]:
        """Write the keys' counters now and then, and at the end."""
        memory, clock = self.api.memory, self.api.clock

        async def again_and_again() -> None:
            while True:
                await asyncio.sleep(_SAVE_SECONDS)
                await memory.save_counters(clock.datetime())

        task = asyncio.create_task(again_and_again())
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await memory.save_counters(clock.datetime())
        await self.api.database.close()


def _answering(handler: Any) -> Any:
    async def answer(request: web.Request) -> web.Response:
        try:
            raw = await request.text()
            result = await handler(json.loads(raw) if raw else {})
        except Problem as problem:
            return problem.response()
        except (KeyError, TypeError, json.JSONDecodeError):
            return bad_request().response()
        return web.Response(status=204) if result is None else wire.json(200, result)

    return answer
