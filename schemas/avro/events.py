"""Events as they lie on a topic, the envelope written around the bytes of `after`."""

from typing import Literal

from plumbing.avro_binary import GIVEN, NULL, text, whole
from schemas.aggregate import Aggregate
from schemas.envelope import CONNECTOR, VERSION


class EventWriter:
    """Writes the events of one aggregate in one run: `schemas.envelope.envelope_of`, in Avro.

    Most of an envelope is the same in all of them, and Avro is what is written one after the other.
    """

    def __init__(self, declared: Aggregate, header: bytes, *, instance: str, run_id: str, fingerprint: str) -> None:
        """`header` stands in front of each message (`plumbing.avro.Codec.header`)."""
        before = header + NULL
        self._deleted, self._written = before + NULL, before + GIVEN
        self._source = text(VERSION) + text(CONNECTOR) + text(instance)
        self._snapshot = {kept: text(shown) + text(instance) for kept, shown in ((True, "true"), (False, "false"))}
        self._table = text(declared.name)
        self._run = text(run_id) + text(fingerprint)
        self._of, self._middle, self._end = ("", 0, 0), b"", b""

    def write(
        self,
        op: Literal["r", "c", "u", "d"],
        sonar_id: int,
        owner_id: int | None,
        after: bytes | None,
        *,
        sequence: int,
        source_ts_ms: bytes,
        read_ts_ms: int,
    ) -> bytes:
        """The message of one event.

        `after`: as a `RowWriter` writes it, None for a delete; `source_ts_ms` too is in Avro; the rest as in `Event`.
        """
        if self._of != (op, sequence, read_ts_ms):  # the same in all events of a page
            self._of = op, sequence, read_ts_ms
            self._middle = self._snapshot[op == "r"] + text(str(sequence)) + self._table
            self._end = self._run + text(op) + whole(read_ts_ms)
        return b"".join(
            (
                self._deleted if after is None else self._written + after,
                self._source,
                source_ts_ms,
                self._middle,
                whole(sonar_id),
                NULL if owner_id is None else GIVEN + whole(owner_id),
                self._end,
            )
        )


def key_bytes(header: bytes, sonar_id: int) -> bytes:
    """The key of an event (`schemas.envelope.key_of`), in Avro behind its header."""
    return header + whole(sonar_id)
