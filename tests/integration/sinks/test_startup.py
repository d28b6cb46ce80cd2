"""What must hold before the first batch: fields that refuse twins, and one process at a time at the marks."""

from types import SimpleNamespace
from typing import Any

import pytest

from clients.mysql import Database
from plumbing.errors import ConfigurationError
from sandbox.splynx.settings import WELCOME_MESSAGE
from schemas.catalogue import additional_fields
from sinks.errors import FieldUnfit
from sinks.learning import Picture, is_on, read_configuration, value_of
from sinks.ledger_errors import MarkBusy, WrongDatabase
from sinks.startup import FIELDS, check_database, check_epoch, check_same_target, define_fields, define_flag_labels
from tests.integration.sinks.conftest import Site
from tests.integration.sinks.records import CUSTOMER, GROUPS, Label, Topic

pytestmark = pytest.mark.timeout(120)


@pytest.mark.parametrize("apply", [True, False], ids=["apply", "dry"])
async def test_a_handle_that_two_records_could_share_is_refused(site: Site, apply: bool) -> None:
    assert any(spec.name == "sonar_id" and spec.unique for spec in additional_fields(CUSTOMER))
    assert await define_fields(site.client, [CUSTOMER], apply=False) == []
    await site.client.put(FIELDS, "customers--sonar_id", {"is_unique": "0"})
    with pytest.raises(FieldUnfit, match="sonar_id of customers") as caught:
        await define_fields(site.client, [CUSTOMER], apply=apply)
    assert "unique in Splynx" in caught.value.next_step


async def test_the_marks_are_compared_by_one_process_at_a_time(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    await check_epoch(site.client, site.db, site.ledger, approve=False)
    monkeypatch.setattr("sinks.startup._MARK_SECONDS", 0)
    async with site.db.session() as tx:
        await tx.fetch("SELECT GET_LOCK(%s, 0)", (f"{site.ledger.schema}.epoch",))
        with pytest.raises(MarkBusy):
            await check_same_target(site.client, site.db, site.ledger)
        await tx.fetch("SELECT RELEASE_LOCK(%s)", (f"{site.ledger.schema}.epoch",))
    await check_same_target(site.client, site.db, site.ledger)


@pytest.mark.fault(34)
async def test_a_database_of_another_splynx_than_the_api_is_found_out(site: Site) -> None:
    await check_epoch(site.client, site.db, site.ledger, approve=False)
    await check_database(site.client, site.db)
    # A copy of this installation, as a test system has it: the mark was renewed in one of the two since.
    site.run("CREATE TABLE {ledger}.customers_fields AS SELECT * FROM customers_fields")
    async with Database(site.db.settings.model_copy(update={"name": site.ledger.schema})) as copy:
        await check_database(site.client, copy)
        await check_epoch(site.client, site.db, site.ledger, approve=False)
        await check_database(site.client, site.db)
        with pytest.raises(WrongDatabase) as caught:
            await check_database(site.client, copy)
        assert "splynx.url and splynx.db" in caught.value.next_step
        site.run("DELETE FROM {ledger}.customers_fields")
        with pytest.raises(WrongDatabase):
            await check_database(site.client, copy)


async def test_a_mark_that_is_renewed_between_two_reads_is_no_other_splynx(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await check_epoch(site.client, site.db, site.ledger, approve=False)
    fetch, renewed = site.db.fetch, list[str]()

    async def just_before(sql: str, parameters: tuple[object, ...] = ()) -> list[dict[str, Any]]:
        if not renewed:
            renewed.append(sql)
            await check_epoch(site.client, site.db, site.ledger, approve=False)
        return await fetch(sql, parameters)

    monkeypatch.setattr(site.db, "fetch", just_before)
    await check_database(site.client, site.db)
    assert renewed


async def test_a_flag_of_a_newer_release_does_not_take_the_label_of_a_group(site: Site) -> None:
    topic = Topic()
    writer = await site.own(site.make_writer())
    await writer.write([topic.send(GROUPS, 1, [Label(key="group:1", label="Archived")], sequence=1)])
    (group,) = site.rows("SELECT record_key, target_id FROM {ledger}.crosswalk WHERE entity = 'label'")
    assert "flag:archived" not in await define_flag_labels(site.client, site.db, site.ledger, apply=True)
    kept = "SELECT record_key, target_id FROM {ledger}.crosswalk WHERE record_key IN ('group:1', 'flag:archived')"
    assert site.rows(kept) == [group]

    await writer.write([topic.send(GROUPS, 1, [Label(key="group:1", label="Archived #1")], sequence=2)])
    assert await define_flag_labels(site.client, site.db, site.ledger, apply=True) == ["flag:archived"]
    rows = {row["record_key"]: row["target_id"] for row in site.rows(kept)}
    assert rows["group:1"] == group["target_id"] != rows["flag:archived"]


async def test_the_key_of_a_switch_is_found_in_the_database_and_over_the_api(site: Site) -> None:
    settings: Any = SimpleNamespace(splynx=site.client.settings.model_copy(update={"db": site.db.settings}))
    module, path, key = WELCOME_MESSAGE
    before = [Picture.of(await read_configuration(settings, look)) for look in ((), (f"{module}/{path}",))]
    await site.client.put("admin/config", f"config?module={module}&path={path}", {key: True})
    for look, picture in zip(((), (f"{module}/{path}",)), before, strict=True):
        values = await read_configuration(settings, look)
        (found,) = picture.changed(values)
        assert found == "/".join(WELCOME_MESSAGE)
        assert is_on(values[found])
        assert await value_of(site.client, found) is True
    with pytest.raises(ConfigurationError, match="does not tell main/customers/none"):
        await value_of(site.client, "main/customers/none")
