"""`crossfade doctor --learn-guard`: a first picture, somebody turns the switch, a second picture tells its key."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from clients.splynx import SplynxClient
from console.guards_file import entry_of, write_guard
from console.output import stderr
from plumbing.errors import ConfigurationError, ExitCode
from plumbing.folders import writable
from plumbing.settings import Settings
from sinks.guards import Guard
from sinks.learning import (
    Picture,
    is_on,
    keep_picture,
    kept_picture,
    picture_file,
    read_configuration,
    value_of,
)
from sinks.switches import SWITCHES

PICTURED, UNCHANGED, ON, SEVERAL, LEARNED = "pictured", "unchanged", "on", "several", "learned"
"""The first picture is taken; the second is equal; it shows the switch on and is the first now; more than one setting
changed; the key is known."""


@dataclass(frozen=True)
class Learned:
    """How far it is. `applied`: the key stands in the guards file."""

    guard: str
    step: str
    settings: int
    next_step: str
    key: str | None = None
    expected: Any = None
    changed: list[str] = field(default_factory=list)
    applied: bool = False

    @property
    def exit_code(self) -> ExitCode:
        """3 when the second picture does not tell."""
        return ExitCode.FOUND if self.step in {UNCHANGED, SEVERAL} else ExitCode.DONE

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {"learn": asdict(self)}


async def learned(settings: Settings, name: str, look: Sequence[str], *, as_json: bool, apply: bool) -> Learned:
    """By asking where somebody sits at a terminal, else in two runs.

    Raises: as `learn_guard`.
    """
    if as_json or not (sys.stdin.isatty() and stderr.is_terminal):
        return await learn_guard(settings, name, look, apply=apply)

    def ask(text: str) -> None:
        stderr.print(f"{text} Then press Enter; ctrl-C ends it.", markup=False)
        sys.stdin.readline()

    return await learn_by_asking(settings, name, look, ask, apply=apply)


async def learn_guard(settings: Settings, name: str, look: Sequence[str], *, apply: bool) -> Learned:
    """Take the first picture, or with one that was kept within the hour the second, and tell what changed.

    Raises:
        ConfigurationError: there is no such guard; nothing to look at; the guards file cannot take the key.
        SyncError: Splynx does not answer.
    """
    where = place_of(name)
    path = picture_file(writable(settings.state_dir), name)
    first = kept_picture(path)
    values = await read_configuration(settings, look)
    if first is None:
        keep_picture(path, Picture.of(values))
        return Learned(name, PICTURED, len(values), f"Set {where}; then run the same command again.")
    found = await compare(settings, name, first, values, apply=apply)
    if found.step == ON:
        keep_picture(path, Picture.of(values))
    elif found.applied:
        path.unlink(missing_ok=True)
    return found


async def learn_by_asking(
    settings: Settings, name: str, look: Sequence[str], ask: Callable[[str], object], *, apply: bool
) -> Learned:
    """The same at one go: `ask` tells somebody what to do, and comes back when that is done.

    Raises: as `learn_guard`.
    """
    where = place_of(name)
    values = await read_configuration(settings, look)
    first = Picture.of(values)
    ask(f"{len(values)} settings of Splynx were looked at. Now set {where}; save it.")
    while True:
        values = await read_configuration(settings, look)
        found = await compare(settings, name, first, values, apply=apply)
        if found.step not in {UNCHANGED, ON}:
            return found
        if found.step == ON:
            first = Picture.of(values)
        ask(found.next_step)


def place_of(name: str) -> str:
    """Where a guard's switch is, with what it must be.

    Raises:
        ConfigurationError: there is no such guard.
    """
    if name not in SWITCHES:
        raise ConfigurationError(f"there is no guard {name}", remedy=f"Name one of {', '.join(SWITCHES)}.")
    return SWITCHES[name].where


async def compare(settings: Settings, name: str, first: Picture, values: dict[str, str], *, apply: bool) -> Learned:
    """What changed since the first picture, and so the key; with `apply` it goes into the guards file."""
    where, changed = place_of(name), first.changed(values)
    count = len(values)
    if not changed:
        return Learned(
            name, UNCHANGED, count, f"Nothing changed. Set {where}, and save it; if it is so, turn it on first."
        )
    if len(changed) > 1:
        next_step = (
            "Several settings changed. Turn the switch once more, alone, or put the right one into the file by hand."
        )
        return Learned(name, SEVERAL, count, next_step, changed=changed)
    (key,) = changed
    if is_on(values[key]):
        next_step = f"It is on now, by {key}. Set {where}; then look again."
        return Learned(name, ON, count, next_step, key=key, changed=changed)
    async with SplynxClient(settings.splynx) as client:
        expected = await value_of(client, key)
    guard = Guard(name=name, key=key, expected=expected)
    if apply:
        write_guard(settings.guards, guard)
        next_step = f"{settings.guards} has it; `crossfade doctor` reads it from now on."
    else:
        next_step = f"Do it with --apply, or put this into {settings.guards}:\n{entry_of(guard)}"
    return Learned(name, LEARNED, count, next_step, key, expected, changed, apply)


def text_of(document: dict[str, Any]) -> str:
    """How far it is, for people."""
    learn = document["learn"]
    lines = [f"{learn['guard']}: {learn['settings']} settings of Splynx looked at"]
    lines += [f"  changed: {one}" for one in learn["changed"]]
    if learn["step"] == LEARNED:
        lines.append(f"  its key is {learn['key']}, and it must be {learn['expected']}")
    return "\n".join([*lines, learn["next_step"]])
