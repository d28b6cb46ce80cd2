"""Which way an entity is written: its own, the rules' word by phase, and what there is without the database."""

from pathlib import Path

import pytest

from plumbing.errors import ConfigurationError
from schemas.aggregate import WritePath
from schemas.catalogue import TARGETS
from schemas.ledger import WRITTEN_IN
from schemas.rules import compile_rules, read_rules
from schemas.shapes import members
from schemas.write_paths import BY_SQL, WritePaths, check_paths
from tests.builders import FACTS
from tests.unit.schemas.test_ownership import RULES

PAYMENT = TARGETS["payment"]


def rules(folder: Path, text: str) -> Path:
    path = folder / "rules.yaml"
    path.write_text(RULES + text)
    return path


@pytest.mark.parametrize("entity", TARGETS)
def test_without_a_rule_an_entity_goes_the_way_it_declares(entity: str) -> None:
    assert BY_SQL.on(TARGETS[entity]) is TARGETS[entity]
    assert BY_SQL.cost(TARGETS[entity]) == ""


def test_a_rule_holds_in_every_phase_or_in_those_it_names(tmp_path: Path) -> None:
    whole = WritePaths.of(read_rules(rules(tmp_path, "write_paths: {payment: rest}")).file, sql=True)
    assert {whole.way(PAYMENT, phase) for phase in WRITTEN_IN} == {WritePath.REST}
    some = WritePaths.of(read_rules(rules(tmp_path, "write_paths: {payment: {drain: rest}}")).file, sql=True)
    assert [some.on(PAYMENT, phase).path for phase in ("shadow", "drain")] == [WritePath.SQL, WritePath.REST]
    assert (BY_SQL.by_phase, whole.by_phase, some.by_phase) == (False, False, True)


def test_without_the_database_what_can_goes_over_rest_unless_the_rules_insist(tmp_path: Path) -> None:
    assert WritePaths(sql=False).way(PAYMENT) is WritePath.REST
    insisting = WritePaths.of(read_rules(rules(tmp_path, "write_paths: {payment: sql}")).file, sql=False)
    assert insisting.way(PAYMENT) is WritePath.SQL
    assert insisting.cost(PAYMENT).startswith("not written")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("write_paths: {payments: rest}", r"line 7: write_paths: payments is nothing", id="no entity"),
        pytest.param("write_paths: {customer: sql}", r"customer cannot go by sql; rest is its only way", id="no way"),
        pytest.param("write_paths: {payment: post}", r"line 7: write_paths.payment", id="no such way"),
        pytest.param(
            "write_paths: {payment: {drain: rest}}\nid_mode: preserve",
            r"line 8: id_mode is preserve, and payment goes",
            id="Splynx gives the ids",
        ),
        pytest.param("write_paths: {payment: {live: rest}}", r"line 7: write_paths.payment", id="nothing is written"),
    ],
)
def test_a_rule_that_leads_nowhere_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        check_paths(read_rules(rules(tmp_path, text)))


def test_which_way_is_gone_makes_no_other_bundles(tmp_path: Path) -> None:
    versions = {
        compile_rules(read_rules(rules(tmp_path, text)).file, FACTS).version
        for text in ("", "write_paths: {payment: rest}")
    }
    assert len(versions) == 1


@pytest.mark.parametrize("entity", TARGETS)
def test_what_only_sql_can_write_is_a_member_of_a_dual_entity(entity: str) -> None:
    target = TARGETS[entity]
    assert set(target.record.not_over_rest) <= {one.name for one in members(target.record)}
    assert target.also is not None or not target.record.not_over_rest
    assert WritePath.REST not in target.ways or target.endpoint is not None
