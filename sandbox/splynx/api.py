"""The REST API: one handler for every path below `/api/2.0/`."""

import logging
from dataclasses import dataclass, field
from typing import Any

import orjson
import pymysql
from aiohttp import web

from sandbox.splynx import configuration, fields, files, history, php, wire
from sandbox.splynx.access import Access, Token, known_as
from sandbox.splynx.call import Call
from sandbox.splynx.clock import Clock
from sandbox.splynx.database import Database, Session
from sandbox.splynx.effects import Log
from sandbox.splynx.memory import Key, Memory
from sandbox.splynx.problems import (
    Invalid,
    Problem,
    bad_request,
    method_disabled,
    method_not_allowed,
    server_error,
    unauthorized,
)
from sandbox.splynx.routing import Target, resolve
from sandbox.splynx.uploads import Upload
from sandbox.splynx.vault import Vault

PREFIXES = ("/api/2.0/", "/api/1.0/")
"""The version that is described, and the older one, which takes the same requests."""
_ACTIONS = {"POST": "add", "PUT": "update", "DELETE": "delete"}
_TRY_AGAIN = {1205, 1213}  # lock wait time-out, deadlock: the transaction is gone, the request is not
_TRIES = 4
_CALLER = web.RequestKey("caller", Key)

OFF_AT_FIRST = frozenset({"admin/fup/cap-tariff", "admin/fup/capped-data"})
"""Features that the recorded installation had switched off, of those modelled."""

log = logging.getLogger("sandbox.splynx")


@dataclass
class Api:
    """The product's API over one database.

    Attributes:
        disabled: paths of resources that are switched off for the whole installation; all methods answer 405.
        invalid_shape: body of a 422, `envelope` or `list`.
    """

    database: Database
    memory: Memory
    access: Access
    clock: Clock
    vault: Vault
    log: Log = field(default_factory=Log)
    disabled: set[str] = field(default_factory=lambda: set(OFF_AT_FIRST))
    invalid_shape: str = "envelope"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request; every error becomes an answer, and each tells whom it is for."""
        response: web.StreamResponse
        try:
            response = await self._handle(request)
        except Problem as problem:
            response = problem.response(shape=self.invalid_shape)
        except Exception:
            log.exception("request failed: %s %s", request.method, request.path)
            response = server_error().response()
        if (key := request.get(_CALLER)) is not None:
            response.headers.update(known_as(key))
        return response

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        await self.memory.refresh()
        path = request.match_info["path"].strip("/")
        if path == "admin/auth/tokens" or path.startswith("admin/auth/tokens/"):
            return await self._tokens(request, path.removeprefix("admin/auth/tokens").strip("/"))
        if path == "admin/auth/two-factor-status":
            # Whether a login has a second factor: there are no logins of people here.
            raise bad_request() if request.method == "POST" else method_not_allowed()
        key = request[_CALLER] = self.access.caller(request)
        query = php.parse(request.rel_url.raw_query_string)
        target = resolve(path, query)
        if target.path in self.disabled:
            raise method_disabled()
        method = request.method
        if method not in ("HEAD", "OPTIONS", *target.methods):
            if method in ("PUT", "DELETE") and target.row_id is None and not target.other:
                raise bad_request("Id is required!")
            raise method_not_allowed()
        if target.controller:
            action = _ACTIONS.get(method) or ("index" if target.row_id is None else "view")
            self.access.allow(key, target.controller, action)
        if target.unused is not None and method not in ("GET", "HEAD", "OPTIONS"):
            raise target.unused.refusal(method)
        if method == "GET" and target.action:  # `mail/8--send`: a GET that writes
            return await self._write(method, target, key, query, {}, [])
        if method in ("GET", "HEAD", "OPTIONS"):
            async with self.database.session() as session:
                return await self._read(method, target, self._call(session, key, query, target))
        given, uploads = await wire.body(request) if method != "DELETE" else ({}, [])
        return await self._write(method, target, key, query, given, uploads)

    def _call(self, session: Session, key: Key, query: php.Tree, target: Target) -> Call:
        return Call(session, key, self.memory, self.clock, self.vault, query, target.customer_id)

    async def _read(self, method: str, target: Target, call: Call) -> web.Response:
        if method == "OPTIONS":
            return wire.json(200, await self._options(target, call))
        if target.entity is None:
            answer = await self._read_other(target, call)
            if method == "GET":
                return wire.json(200, answer)
            return _counted(len(answer)) if isinstance(answer, list) else web.Response(status=204)
        if method == "HEAD":
            if target.row_id is not None:
                await target.entity.find(call, target.row_id)
                return web.Response(status=204)
            return _counted(await target.entity.count(call))
        if target.row_id is not None:
            return wire.json(200, await target.entity.view(call, target.row_id))
        return wire.json(200, await target.entity.index(call))

    async def _read_other(self, target: Target, call: Call) -> Any:
        if target.unused is not None:
            return target.unused.read()
        name, _, rest = target.other.partition(":")
        if name == "check":
            return {"status": "success", "message": "", "same_server": False}
        if name == "config":
            return await configuration.view(call)
        if name == "billing-info":
            return await history.billing_info(call, target.customer_id)
        if name == "download":
            return await files.download(call, rest)
        if name == "history":
            return await history.changes(call, target.customer_id, rest)
        if target.row_id:
            return await fields.view(call, rest, target.row_id)
        return await fields.index(call, rest)

    async def _write(
        self,
        method: str,
        target: Target,
        key: Key,
        query: php.Tree,
        given: dict[str, Any],
        uploads: list[Upload],
    ) -> web.Response:
        for attempt in range(1, _TRIES + 1):
            try:
                async with self.database.transaction() as session:
                    call = self._call(session, key, query, target)
                    call.files = uploads
                    response = await self._write_once(method, target, call, given)
                    call.effects.store(session)
            except Invalid as refused:
                await self._log_refusal(refused, method, target, key, given)
                raise
            except pymysql.err.OperationalError as error:
                if error.args[0] not in _TRY_AGAIN or attempt == _TRIES:
                    raise
            else:
                if target.entity is None:
                    self.memory.forget()  # fields or settings have changed
                return response
        raise server_error()

    async def _log_refusal(
        self, refused: Invalid, method: str, target: Target, key: Key, given: dict[str, Any]
    ) -> None:
        """The log has writes that were refused too, with their errors; they have no transaction of their own."""
        if target.entity is None or not key.enable_logging:
            return
        async with self.database.session() as session:
            call = self._call(session, key, {}, target)
            action = "create" if method == "POST" else "update"
            errors = orjson.dumps(dict(refused.errors)).decode()
            call.log_api(action, target.entity.model, target.customer_id, given, errors=errors)
            await session.flush()

    async def _write_once(self, method: str, target: Target, call: Call, given: dict[str, Any]) -> web.Response:
        if target.entity is not None:
            if target.action:
                return _answered(*await target.entity.act(call, target.row_id or "", target.action, given))
            if method == "POST" and target.row_id is not None:
                return _answered(*await target.entity.add_below(call, target.row_id, given))
            if method == "POST":
                return wire.json(201, await target.entity.create(call, given))
            if method == "PUT":
                await target.entity.update(call, target.row_id or "", given)
                return web.Response(status=202)
            await target.entity.delete(call, target.row_id or "")
            return web.Response(status=204)
        if target.other == "config":
            await configuration.update(call, given)
            return web.Response(status=202)
        module = target.other.partition(":")[2]
        if method == "POST":
            return wire.json(201, {"name": await fields.create(call, module, given)})
        if method == "PUT":
            await fields.update(call, module, target.row_id or "", given)
            return web.Response(status=202)
        await fields.delete(call, module, target.row_id or "")
        return web.Response(status=204)

    async def _options(self, target: Target, call: Call) -> dict[str, Any]:
        if target.entity is None:
            name, _, module = target.other.partition(":")
            own = fields.attributes(module) if name == "fields" else []
            return {"attributes": own, "additional_attributes": []}
        resource = target.entity.resource
        own = [
            {"name": name, "title": attribute.title, "type": attribute.type, "required": name in resource.required}
            for name, attribute in resource.attributes.items()
        ]
        extra = []
        if resource.module:
            for defined in await self.memory.fields(call.session, resource.module):
                flags = ("is_unique", "is_add", "show_in_list", "searchable", "readonly", "disabled", "hidden")
                extra.append(
                    {"name": defined.name, "title": defined.row["title"], "type": defined.type}
                    | {"required": defined.is_required, "module": resource.module}
                    | {flag: defined.row[flag] == "1" for flag in flags}
                )
        return {"attributes": own, "additional_attributes": extra}

    async def _tokens(self, request: web.Request, refresh: str) -> web.Response:
        if not refresh:
            if request.method == "POST":
                given = {name: str(value) for name, value in (await wire.body(request))[0].items()}
                return wire.json(201, self._shown(self.access.issue(request, given), renewed=False))
            if request.method in ("HEAD", "OPTIONS"):
                raise server_error()  # as recorded: the controller has no model to describe
            raise method_not_allowed() if request.method == "GET" else bad_request()
        if request.method == "GET":
            return wire.json(200, self._shown(self.access.renew(request, refresh), renewed=True))
        if request.method == "DELETE":
            self.access.revoke(refresh)
            return web.Response(status=204)
        raise method_not_allowed()

    def _shown(self, token: Token, *, renewed: bool) -> dict[str, Any]:
        answer: dict[str, Any] = {
            "access_token": token.access,
            "access_token_expiration": int(token.access_until),
            "refresh_token": token.refresh,
            "refresh_token_expiration": int(token.refresh_until),
        }
        if not renewed:
            key = self.memory.keys.get(token.key)
            if key is None:
                raise unauthorized()
            permissions: dict[str, dict[str, str]] = {}
            for owner, controller, action in sorted(self.memory.rights):
                if owner == key.id:
                    permissions.setdefault(controller, {})[action] = "allow"
            answer["permissions"] = permissions or []
        return answer


def _counted(count: int) -> web.Response:
    """What HEAD answers of a list."""
    headers = {"X-total-count": str(count), "Access-Control-Expose-Headers": "X-total-count"}
    return web.Response(status=204, headers=headers)


def _answered(status: int, body: Any) -> web.Response:
    return web.Response(status=status) if body is None else wire.json(status, body)
