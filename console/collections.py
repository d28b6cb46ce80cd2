"""How capture is doing, collection by collection: what is fresh is folded, what is stuck is shown with its reason."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from console.advance import duration
from console.output import table
from producers.brake import CODE as DELETES_HELD
from producers.telling import TOLD

_STALE = timedelta(minutes=20)
"""As the alert CrossfadeEntityNotFresh has it."""
_SILENT = timedelta(minutes=2)
FRESH, READING, STALE, HALTED, HELD = "fresh", "reading", "stale", "halted", "held"


def capture_of(cursors: Mapping[str, dict[str, Any]], now: datetime) -> dict[str, Any] | None:
    """As capture last told of itself, see `status` in `shapes`; None before its first poll.

    `cursors`: all of them by name. `silent`: it has told nothing for so long that it does not run, or hangs.
    """
    told = cursors.get(TOLD)
    if told is None:
        return None
    at = datetime.fromisoformat(told["at"])
    held, is_silent = (cursors.get("brake") or {}).get("held", {}), now - at > _SILENT
    return {
        **{name: told[name] for name in ("at", "since", "run_id", "requests", "fingerprint", "events")},
        "swept": told.get("swept"),  # an older release tells nothing of it
        "silent": is_silent,
        "collections": [
            _collection(name, one, _progress(one, cursors.get(f"snapshot:{name}"), is_silent=is_silent), held, at)
            for name, one in told["entities"].items()
        ],
    }


def _progress(told: Mapping[str, Any], snapshot: Mapping[str, Any] | None, *, is_silent: bool) -> dict[str, Any] | None:
    if snapshot is None:
        return None
    done = all(one[2] for one in snapshot["ranges"])
    left = None if done or is_silent else told.get("seconds_left")
    return {"read": snapshot["read"], "total": snapshot["total"], "done": done, "seconds_left": left}


def _collection(
    name: str, told: Mapping[str, Any], progress: Mapping[str, Any] | None, held: Mapping[str, Any], at: datetime
) -> dict[str, Any]:
    state, why = _state(told, progress, held, at)
    return {
        "entity": name,
        "state": state,
        "why": why,
        "rows": told["rows"],
        "snapshot": progress,
        "changes": told["changes"],
        "deletes": told["deletes_up_to"],
        "swept": told.get("swept"),
        "late_seconds": told["late_seconds"],
        "requests": told["requests"],
        "deletes_by": told["deletes"],
        "schema": {name: told[name] for name in ("lacks", "missing", "unreadable")},
    }


def _state(
    told: Mapping[str, Any], progress: Mapping[str, Any] | None, held: Mapping[str, Any], at: datetime
) -> tuple[str, str]:
    """Whether it is fresh, and if not why. An idle collection is as fresh as a busy one: nothing has changed in it."""
    stopped = [f"{one} ({held[one][0]} of {held[one][1]} rows)" for one in told["collections"] if one in held]
    if told["standing"] is not None:
        return HALTED, ": ".join(filter(None, (told["standing"], ", ".join(told["lacks"]))))
    if stopped:
        return HELD, f"{DELETES_HELD}: {', '.join(stopped)}"
    if progress is None or not progress["done"]:
        return READING, ""
    # By what capture told: how long ago that was is told once, and makes not each of them stale.
    if told["changes"] is not None and at - datetime.fromisoformat(told["changes"]) > _STALE:
        return STALE, "something has changed and cannot be read as it should: see capture's log"
    return FRESH, ""


def text_of(capture: Mapping[str, Any] | None, *, every: bool = False) -> str:
    """The account for people: only what is not fresh, or lacks something, unless `every` is asked for."""
    if capture is None:
        return ""
    collections = capture["collections"]
    fresh = sum(one["state"] == FRESH for one in collections)
    purposes = ", ".join(f"{name} {count}" for name, count in sorted(capture["requests"].items(), key=_most))
    lines = [
        f"{fresh} of {len(collections)} collections are fresh; schema {capture['fingerprint']}",
        f"requests since {capture['since']}: {purposes or 'none'}",
    ]
    if capture["silent"]:
        lines.insert(0, f"Capture does not run, or hangs: it last told of itself at {capture['at']}.")
    lines.append(f"swept for what no log tells of: {_swept(capture)}")
    deleted: dict[str, int] = {}
    for one in collections:
        for channel, count in one["deletes_by"].items():
            deleted[channel] = deleted.get(channel, 0) + count
    if deleted:
        lines.append("deletes by channel: " + ", ".join(f"{name} {count}" for name, count in sorted(deleted.items())))
    shown = [one for one in collections if every or one["state"] != FRESH]
    if shown:
        lines += ["", table([_HEAD, *(_row(one) for one in shown)])]
    if len(shown) < len(collections):
        lines.append(f"{len(collections) - len(shown)} that are fresh are not shown: crossfade status --all")
    lines += [
        f"{one['entity']} is null in {', '.join([*schema['missing'], *schema['unreadable']])}"
        for one in collections
        if (schema := one["schema"])["unreadable"] or (every and schema["missing"])
    ]
    return "\n".join(lines) + "\n"


def _swept(capture: Mapping[str, Any]) -> str:
    if capture["swept"] is not None:
        return f"every collection since {capture['swept']}"
    followed = [one for one in capture["collections"] if one["changes"] is not None]  # settings are not swept
    return f"{sum(one['swept'] is not None for one in followed)} of {len(followed)} collections so far"


_HEAD = [
    "collection", "state", "rows", "snapshot", "changes up to", "deletes up to", "swept", "late", "deletes", "why",
]  # fmt: skip


def _row(one: Mapping[str, Any]) -> list[str]:
    progress = one["snapshot"]
    snapshot = "not begun"
    if progress is not None:
        snapshot = "done" if progress["done"] else f"{progress['read']} of {progress['total'] or '?'}"
        if progress["seconds_left"] is not None:
            snapshot += f", about {duration(progress['seconds_left'])} left"
    deletes = ", ".join(f"{name} {count}" for name, count in sorted(one["deletes_by"].items()))
    return [
        one["entity"], one["state"], str(one["rows"]), snapshot, one["changes"] or "-", one["deletes"] or "-",
        one["swept"] or "-", f"{one['late_seconds']:.0f} s", deletes or "-", one["why"],
    ]  # fmt: skip


def _most(entry: tuple[str, int]) -> tuple[int, str]:
    return -entry[1], entry[0]
