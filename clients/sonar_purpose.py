"""What each request to Sonar is made for: so that one can see what the budget goes to."""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Literal, NamedTuple, get_args

Purpose = Literal[
    "follow",
    "overlap",
    "re-read",
    "look-up",
    "log",
    "settings",
    "snapshot",
    "sweep",
    "webhook",
    "probe",
    "schema",
    "other",
]
"""follow: the first page of a look for changes. overlap: its further pages, where more has changed within the overlap
than one page holds. re-read: roots by id, because they changed. look-up: who carries a look-up that changed. log: the
audit log. webhook: rows that one told of. probe: whether something may be read, or is there at all. schema:
introspection. other: of a command."""
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)


class Asked(NamedTuple):
    """For what, and of which collection; None: of many in one request, or of none."""

    purpose: Purpose
    collection: str | None = None


_UNSAID = Asked("other")
_current: ContextVar[Asked] = ContextVar("asked", default=_UNSAID)


@contextlib.contextmanager
def asking(purpose: Purpose, collection: str | None = None) -> Iterator[None]:
    """All that is asked inside, tasks that begin there included, is asked for this."""
    token = _current.set(Asked(purpose, collection))
    try:
        yield
    finally:
        _current.reset(token)


def asked_for() -> Asked:
    """What a request that is made now is made for."""
    return _current.get()
