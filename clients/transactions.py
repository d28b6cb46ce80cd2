"""Whether this task is inside a transaction: rows of Splynx are locked then, so nobody may be waited for."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_inside: ContextVar[bool] = ContextVar("inside_transaction", default=False)


class CallInTransaction(RuntimeError):
    """A mistake in the code: Splynx is called while a transaction is open."""


@contextmanager
def transaction_is_open() -> Iterator[None]:
    """Until the block ends, this task and those that it starts are inside a transaction."""
    before = _inside.get()
    _inside.set(True)
    try:
        yield
    finally:
        # Not by a token: an abandoned transaction is ended from another context than it was begun in.
        _inside.set(before)


def refuse_in_transaction(what: str) -> None:
    """See that no transaction is open.

    Raises:
        CallInTransaction: one is.
    """
    if _inside.get():
        raise CallInTransaction(f"{what} inside an open transaction")
