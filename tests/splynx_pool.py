"""Splynx sandboxes that tests use one after the other: emptied in between, which costs far less than 150 new tables."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.local.sandboxes import SplynxSandbox
from sandbox.local.stack import Addresses
from sandbox.splynx.database import Server
from sandbox.splynx.install import connect
from tests.prepared import ForkedServer, Prepared

_COLUMNS = (
    "SELECT table_name, column_name, ordinal_position, column_default, is_nullable, column_type, collation_name,"
    " column_key, extra FROM information_schema.columns WHERE table_schema = %s ORDER BY 1, 3"
)
_Shape = tuple[object, ...]


class SplynxPool:
    """Sandboxes over databases of their own. A test finds its own as if it were freshly installed."""

    def __init__(self, stack: Addresses, folder: Path, prepared: Prepared) -> None:
        self._stack, self._folder, self._prepared = stack, folder, prepared
        self._idle: list[SplynxSandbox] = []
        self._shape: _Shape = ()

    @contextmanager
    def taken(self) -> Iterator[SplynxSandbox]:
        """One that nobody else has; stopped afterwards."""
        sandbox = self._idle.pop() if self._idle else None
        if sandbox is not None and self._shape_of(sandbox) != self._shape:
            sandbox.drop()  # the test before has changed its tables
            sandbox = None
        if sandbox is not None:
            sandbox.renew()
        else:
            sandbox = self._installed()
        try:
            yield sandbox
        finally:
            sandbox.stop()
            self._idle.append(sandbox)

    def close(self) -> None:
        """Drop all databases."""
        while self._idle:
            self._idle.pop().drop()

    def _installed(self) -> SplynxSandbox:
        mark = secrets.token_hex(4)
        sandbox = SplynxSandbox(
            self._folder,
            self._stack,
            name=f"splynx-{mark}",
            database=f"splynx_{mark}",
            ledger=f"crossfade_{mark}",
            writer=f"writer_{mark}",
        )
        sandbox.process = ForkedServer(sandbox.process, self._prepared)
        try:
            sandbox.start()
        except BaseException:
            sandbox.stop()
            sandbox.drop()
            raise
        self._shape = self._shape_of(sandbox)
        return sandbox

    def _shape_of(self, sandbox: SplynxSandbox) -> _Shape:
        at = self._stack
        server = Server(at.mariadb_host, at.mariadb_port, at.mariadb_user, at.mariadb_password, sandbox.database)
        with connect(server) as connection, connection.cursor() as cursor:
            cursor.execute(_COLUMNS, (sandbox.database,))
            return tuple(cursor.fetchall())
