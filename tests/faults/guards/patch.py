"""A guard's patch points: where it stands, and the same place without it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Patch:
    """A place (dotted path) and how to make its unguarded version of what stands there."""

    at: str
    unguarded: Callable[[Any], Any]


def always(value: Any) -> Callable[[Any], Any]:
    """A function that answers `value` whatever it is asked."""
    return lambda real: lambda *args, **options: value


def always_soon(make: Callable[[], Any]) -> Callable[[Any], Any]:
    """A coroutine function that answers a fresh `make()`."""

    def patched(real: Any) -> Any:
        async def answer(*args: Any, **options: Any) -> Any:
            return make()

        return answer

    return patched


Guards = Mapping[str, tuple[Patch, ...]]
"""By what is promised."""
