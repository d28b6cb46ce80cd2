"""A batch of payments of which the database refuses values: what it refuses is set aside alone."""

from collections.abc import Mapping, Sequence

import pymysql
import pytest
from pydantic import SecretStr

from clients.mysql import Row, Transaction
from clients.mysql_errors import StatementRefused, error_of
from plumbing.settings import MysqlSettings
from sinks.payment_rows import PaymentRows
from sinks.payment_work import Work, Written
from sinks.payments import Payments
from sinks.plan import Step, Verb
from tests.unit.sinks.records import PERSON

AT = MysqlSettings(host="db.example.com", user="u", password=SecretStr("p"), name="n")


class Connection(Transaction):
    """Keeps what would be sent: the keys of records since the last savepoint are gone after a way back to it."""

    def __init__(self) -> None:
        super().__init__(None, AT)
        self.kept: list[str] = []
        self._savepoint = 0

    async def execute(self, sql: str, values: Sequence[object] = ()) -> int:
        if sql == "SAVEPOINT attempt":
            self._savepoint = len(self.kept)
        else:
            assert sql == "ROLLBACK TO SAVEPOINT attempt"
            del self.kept[self._savepoint :]
        return 0


class Picky(Payments):
    """Writes a batch up to the first record that the database refuses."""

    def __init__(self, refused: set[str], errno: int = 1264) -> None:
        super().__init__(PaymentRows(1, {}))
        self._refused, self._errno = refused, errno

    async def _write(self, tx: Transaction, work: Sequence[Work], old: Mapping[str, Row]) -> Written:
        assert isinstance(tx, Connection)
        done = Written()
        for one in work:
            if one.step.key in self._refused:
                raise error_of(pymysql.err.DataError(self._errno, "Out of range value '1e30'"), AT)
            tx.kept.append(one.step.key)
            done.target_ids[one.step.key] = int(one.step.key)
            done.before[one.step.key] = None
            done.revisions[one.step.key] = 0
            done.told[one.step.key] = []
        return done


def _work(count: int) -> list[Work]:
    return [Work(Step(Verb.CREATE, PERSON, str(n), "", {}, None), n, 1) for n in range(count)]


@pytest.mark.parametrize(
    ("count", "refused"),
    [
        pytest.param(9, set(), id="none"),
        pytest.param(1, {"0"}, id="the only one"),
        pytest.param(9, {"4"}, id="one in the middle"),
        pytest.param(9, {"0", "7", "8"}, id="several"),
        pytest.param(4, {"0", "1", "2", "3"}, id="all"),
    ],
)
async def test_all_but_what_the_database_refuses_are_written_once(count: int, refused: set[str]) -> None:
    tx = Connection()
    done = await Picky(refused).write(tx, _work(count))
    written = [str(n) for n in range(count) if str(n) not in refused]
    assert tx.kept == written
    assert set(done.refused) == refused
    assert all(error.code == "mysql.value_refused" for error in done.refused.values())
    for told in (done.target_ids, done.before, done.revisions, done.told):
        assert list(told) == written


@pytest.mark.parametrize("errno", [1054, 1146], ids=["no such column", "no such table"])
async def test_what_is_no_fault_of_a_record_ends_the_batch(errno: int) -> None:
    with pytest.raises(StatementRefused):
        await Picky({"4"}, errno).write(Connection(), _work(9))
