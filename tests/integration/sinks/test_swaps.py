"""Log-ins that change hands between customers, over REST."""

import pytest

from tests.integration.sinks.conftest import Site
from tests.integration.sinks.records import ACCOUNTS, Topic, customer

pytestmark = pytest.mark.timeout(120)


@pytest.mark.fault(28)
async def test_two_customers_swap_their_logins_and_who_wants_a_third_ones_is_set_aside(site: Site) -> None:
    """1 and 2 swap, 3 takes what 4 gives up, 5 wants what 6 keeps, 7 what 5 keeps because of that."""
    writer, topic = await site.own(site.make_writer()), Topic()
    await writer.write([topic.send(ACCOUNTS, n, customer(n), sequence=1) for n in range(1, 8)])
    ids = {row["login"]: row["id"] for row in site.rows("SELECT id, login FROM customers")}
    wanted = {1: "S2", 2: "s1", 3: "s4", 4: "new", 5: "s6", 7: "s5"}
    batch = [topic.send(ACCOUNTS, n, customer(n, login=login), sequence=2) for n, login in wanted.items()]
    await writer.write(batch)
    now = {row["id"]: row["login"] for row in site.rows("SELECT id, login FROM customers")}
    assert [now[ids[f"s{n}"]] for n in range(1, 8)] == ["S2", "s1", "s4", "new", "s5", "s6", "s7"]
    assert site.rows("SELECT record_key, state FROM {ledger}.held WHERE entity = 'customer' ORDER BY 1") == [
        {"record_key": "5", "state": "dead"}, {"record_key": "7", "state": "dead"},
    ]  # fmt: skip
    assert site.rows("SELECT * FROM {ledger}.conflicts") == []
    requests = site.client.requests
    await writer.write(topic.rewind(batch[:4]))
    assert site.client.requests == requests, "it is written once"
