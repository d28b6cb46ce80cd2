"""The one table of Splynx's errors: what an HTTP answer means, as a type that says what to do.

Source: Splynx REST fact sheet, error codes.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import orjson

from clients.retry_after import retry_after
from plumbing.errors import Action, ConfigurationError, DependencyRefused, DependencyUnreachable, ExitCode, SyncError


class SplynxUnreachable(DependencyUnreachable):
    """Splynx does not answer, or not in time, or with an error of its own. A write may or may not have happened."""

    code = "splynx.unreachable"

    def __init__(self, message: str, *, nothing_happened: bool = False) -> None:
        """`nothing_happened`: the call was surely not sent, so that nobody has to look for its traces."""
        super().__init__(message)
        self.nothing_happened = nothing_happened


class SplynxBusy(SplynxUnreachable):
    """Splynx takes no more requests for now (429); nothing happened. `retry_after`: seconds it asked us to wait."""

    code = "splynx.busy"
    remedy = "It goes on by itself; lower splynx.requests_per_second when it lasts."

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message, nothing_happened=True)
        self.retry_after = retry_after


class SplynxRefused(DependencyRefused):
    """Splynx refuses us as such: a wrong key or secret, a missing right, a module that is off."""

    code = "splynx.refused"
    remedy = "Run `crossfade doctor`: it prints the API permissions and modules that are needed."


class SplynxModuleOff(SplynxRefused):
    """Splynx has the module behind a path switched off, or not allowed for this key's partner (405).

    A sink that has written before does not end for a module that is off: it is a guard, and what it concerns waits.
    """

    code = "splynx.module_off"
    remedy = (
        "Switch the module on in Splynx (Config > Main > Modules), or allow it for this API key, then run `crossfade"
        " doctor`."
    )

    def __init__(self, message: str, module: str = "") -> None:
        """`module`: as Splynx's menu calls it; empty where that is not known."""
        super().__init__(message)
        self.module = module


class SplynxUnauthorized(SplynxRefused):
    """Splynx does not let us in (401)."""

    remedy = "Check splynx.key, splynx.secret and splynx.auth; the key must have unsecure access for basic."


class RecordRefused(SyncError):
    """Splynx refuses one record (422). `fields` are the attributes it names, never their values."""

    code = "splynx.record_refused"
    action = Action.DEAD_LETTER
    exit_code = ExitCode.PARTLY
    remedy = "See the named fields of that record in Sonar or the rules, mend them; a later event supersedes this one."

    def __init__(self, fields: tuple[str, ...]) -> None:
        super().__init__(f"Splynx refuses the fields {', '.join(fields) or '(none named)'}")
        self.fields = fields


class RecordMissing(SyncError):
    """Splynx has no such row or path (404)."""

    code = "splynx.record_missing"
    action = Action.DEAD_LETTER
    exit_code = ExitCode.PARTLY
    remedy = "Somebody removed the row in Splynx; restore it there, or rebuild the ledger."


class NotSplynx(ConfigurationError):
    """What answers at `splynx.url` has none of Splynx's endpoints."""

    remedy = "Check splynx.url and sonar.url in the settings; are source and target swapped?"


_ABOUT_RECORD = frozenset({400, 404, 409, 422})


_MODULES = {
    "administration": "Administration",
    "config": "Config",
    "crm": "CRM",
    "customers": "Customers",
    "finance": "Finance",
    "fup": "FUP and CAP",
    "inventory": "Inventory",
    "networking": "Networking",
    "scheduling": "Scheduling",
    "support": "Tickets",
    "tariffs": "Tariff plans",
}
"""By the first part of a path below `admin/`, as Splynx's menu calls them."""


def error_of(status: int, body: bytes, headers: Mapping[str, str] = MappingProxyType({}), path: str = "") -> SyncError:
    """The one table of Splynx's answers that are no success. `path` is what was asked, without its arguments."""
    internal = ""
    parsed: Any = None
    foreign = False
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        # The API answers in JSON (to HEAD with nothing); a page is that of a proxy, or of a web server without Splynx.
        foreign = bool(body)
    error = parsed.get("error") if isinstance(parsed, dict) else None
    if isinstance(error, dict):
        internal = str(error.get("internal_code") or "")
    told = f"{status} {internal}".strip() + (f" for {path}" if path else "")
    if foreign and status in _ABOUT_RECORD:
        return SplynxUnreachable(f"something before Splynx answered {told}")
    if status == 404:
        return RecordMissing(f"Splynx answered {told}")
    if status in _ABOUT_RECORD or status == 413 or internal == "ENTITY_CANNOT_BE_DELETED":
        return RecordRefused(_fields_of(parsed))
    if status == 401:
        return SplynxUnauthorized(f"Splynx answered {told}")
    if status == 405:
        module = _MODULES.get(path.removeprefix("admin/").partition("/")[0], "")
        off = f": its module {module} is off, or not allowed for this key" if module else ""
        return SplynxModuleOff(f"Splynx answered {told}{off}", module)
    if status == 429:
        return SplynxBusy(f"Splynx answered {told}", retry_after(headers))
    if status == 408 or status >= 500:
        return SplynxUnreachable(f"Splynx answered {told}")
    # 403; and what an API does not answer: a redirection, a licence that ended. Never laid at one record's door.
    return SplynxRefused(f"Splynx answered {told}")


def _fields_of(parsed: Any) -> tuple[str, ...]:
    """Field names of a 422: the documented envelope or the framework's list. Texts are localised and left out."""
    if isinstance(parsed, dict):
        inner = parsed.get("error", parsed)
        if isinstance(inner, dict):
            for member in ("errors", "message", "fields"):
                if isinstance(inner.get(member), list | dict):
                    return _fields_of(inner[member])
            if isinstance(inner.get("message"), str):
                # `attribute: localised text; attribute: …`: the names alone are taken.
                return tuple(sorted(set(re.findall(r"(?:^|; )([a-z][a-z0-9_]*): ", inner["message"]))))
            known = {"message", "code", "internal_code", "error", "name", "status", "type"}
            return tuple(sorted(str(name) for name in inner if name not in known))
        return _fields_of(inner) if isinstance(inner, list) else ()
    if isinstance(parsed, list):
        return tuple(sorted({str(one["field"]) for one in parsed if isinstance(one, dict) and "field" in one}))
    return ()
