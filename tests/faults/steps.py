"""Named steps of the code, and what a test lets happen at one of them: a kill before, after, or at a given turn."""

from collections.abc import Callable
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any

import pytest


class Killed(BaseException):
    """The end of the process, in the middle of anything. Nothing in the code may catch it."""


class NotInTime(Exception):
    """What was waited for has not come. Whatever hangs ends so, a busy machine too: it shows no guard by itself."""


def at_turn(turn: int, act: Callable[[], None]) -> Callable[[], None]:
    """Something that acts the `turn`-th time it is called, counted from 1, and never again."""
    left = turn

    def called() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            act()

    return called


def die() -> None:
    """End here."""
    raise Killed


Condition = Callable[..., bool]
"""Asked with the arguments of a step, whether this is the call that is meant."""


def _any(*_: Any, **__: Any) -> bool:
    return True


def before(patches: pytest.MonkeyPatch, step: str, act: Callable[[], None], when: Condition = _any) -> None:
    """Let `act` happen whenever the function (coroutine or not) at the dotted path `step` is about to run."""
    real = resolved(step)

    @wraps(real)
    async def acting(*args: Any, **options: Any) -> Any:
        if when(*args, **options):
            act()
        return await real(*args, **options)

    @wraps(real)
    def acting_at_once(*args: Any, **options: Any) -> Any:
        if when(*args, **options):
            act()
        return real(*args, **options)

    patches.setattr(step, acting if iscoroutinefunction(real) else acting_at_once)


def after(patches: pytest.MonkeyPatch, step: str, act: Callable[[], None], when: Condition = _any) -> None:
    """Let `act` happen whenever the function (coroutine or not) at the dotted path `step` has run."""
    real = resolved(step)

    @wraps(real)
    async def acting(*args: Any, **options: Any) -> Any:
        result = await real(*args, **options)
        if when(*args, **options):
            act()
        return result

    @wraps(real)
    def acting_at_once(*args: Any, **options: Any) -> Any:
        result = real(*args, **options)
        if when(*args, **options):
            act()
        return result

    patches.setattr(step, acting if iscoroutinefunction(real) else acting_at_once)


def resolved(path: str) -> Any:
    """What lies at a dotted path of modules, classes and members.

    Raises:
        AttributeError, ModuleNotFoundError: nothing does.
    """
    from importlib import import_module

    parts = path.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        try:
            found: Any = import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for name in parts[cut:]:
            found = getattr(found, name)
        return found
    raise ModuleNotFoundError(path)
