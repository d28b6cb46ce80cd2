"""A look reads Splynx before Sonar, and says nothing of records that were overtaken meanwhile."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from reconciliation.comparison import Comparison
from reconciliation.events import Newest
from reconciliation.findings import Collection, Finding

READ = datetime(2024, 5, 1, tzinfo=UTC)
FOUND = Finding("fields", "customer", "5", "city", "a", "b", ("5",), version="10")


class Records:
    """One finding, made of an event with sequence 10."""

    async def findings(self, _: Sequence[str] | None) -> Any:
        yield 1, [FOUND]


class Events:
    """`sequence` is the newest one by the time that the records were compared."""

    def __init__(self, sequence: int) -> None:
        self.sequence = sequence

    def read_on(self) -> None:
        """Nothing new."""

    def count(self) -> int:
        return 1

    def find(self, aggregate: str, id: int) -> Newest:
        return Newest(aggregate, id, id, self.sequence, "sonar.main.account", 0, 0)


def a_comparison(**parts: object) -> Comparison:
    made = Comparison.__new__(Comparison)
    vars(made).update({"_tell": lambda *_: None, **parts})
    return made


@pytest.mark.parametrize(("newest", "version"), [(10, "10"), (11, "10 overtaken")], ids=["still", "overtaken"])
async def test_a_finding_of_an_event_that_was_overtaken_is_marked(newest: int, version: str) -> None:
    found = Collection()
    await a_comparison(records=Records(), events=Events(newest))._compare_fields(None, found)
    assert [one.version for one in found.kept] == [version]


async def test_splynx_is_read_before_sonar() -> None:
    order: list[str] = []

    def reads(name: str) -> Any:
        async def read(*_: object) -> None:
            order.append(name)

        return read

    def nothing(*_: object) -> Iterator[Finding]:
        return iter(())

    comparison = a_comparison(
        facts=SimpleNamespace(forget=nothing, records=nothing, skip=nothing),
        _sonar=SimpleNamespace(server_time=READ),
        _ledger=SimpleNamespace(fetch=_no_rows),
        _read_splynx=reads("splynx"), _compare_fields=reads("fields"), _read_sonar=reads("sonar"),
    )  # fmt: skip
    look = await comparison.look()
    assert order == ["splynx", "fields", "sonar"]
    assert look.read_at > READ, "Sonar's clock comes in whole seconds"


async def _no_rows(*_: object) -> list[object]:
    return []
