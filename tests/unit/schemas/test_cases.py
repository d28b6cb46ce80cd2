"""Oddities met in real data, each in a folder of `tests/cases`: what Sonar says, and exactly what comes of it.

`sonar.json`: `{aggregate: [record as capture reads it, null where it was deleted]}`. `splynx.json`: for each of these
the records by target, the reason and the notes; or the code and field of the error that sets it aside. `rules.yaml`
where a case needs rules of its own, else that of `tests/cases`. Expected files are written and read by people.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from schemas.avro import bundle_from_avro, bundle_schema, bundle_to_avro, envelope_schema, value_of
from schemas.bundle import record_document
from schemas.catalogue import AGGREGATES, aggregate
from schemas.envelope import Event, envelope_of, event_of
from schemas.mapping import map_event
from schemas.rules import Rules, compile_rules, load_rules
from schemas.values.errors import MappingError
from tests.builders import FACTS, stamped, through

CASES = Path(__file__).parents[2] / "cases"
NAMES = sorted(folder.name for folder in CASES.iterdir() if folder.is_dir())


def rules_of(case: Path) -> Rules:
    own = case / "rules.yaml"
    return compile_rules(load_rules(own if own.exists() else CASES / "rules.yaml"), FACTS, hmac_key=b"k" * 32)


def mapped(name: str, number: int, record: dict[str, Any] | None, rules: Rules) -> dict[str, Any]:
    """What becomes of one record on its way over both topics."""
    declared = aggregate(name)
    after = None if record is None else value_of(declared.root.record.model_validate(record))
    event = Event(
        aggregate=name,
        sonar_id=number,
        owner_id=None,
        op="d" if record is None else "r",
        after=after,
        sequence=1,
        snapshot=True,
        source_ts_ms=1,
        read_ts_ms=1,
        run_id="r",
        schema_fingerprint="f",
        instance="main",
    )
    try:
        bundle = map_event(event_of(through(envelope_schema(declared), envelope_of(event))), rules)
    except MappingError as exc:
        return {"code": exc.code, "field": exc.field}
    assert bundle is not None
    sent = through(bundle_schema(declared), bundle_to_avro(stamped(name, number, bundle)))
    received = bundle_from_avro(sent).bundle
    assert received == bundle
    result: dict[str, Any] = {
        entity: None if rows is None else [record_document(row) for row in rows]
        for entity, rows in received.records.items()
    }
    if received.deleted:
        result["deleted"] = True
    if received.reason is not None:
        result["reason"] = received.reason
    if received.refused:
        result["refused"] = [f"{one.entity} {one.key}: {one.reason} [{one.code}]" for one in received.refused]
    if received.notes:
        result["notes"] = list(received.notes)
    return result


@pytest.mark.parametrize("name", NAMES)
def test_what_becomes_of(name: str) -> None:
    sonar = json.loads((CASES / name / "sonar.json").read_text(encoding="utf-8"))
    rules = rules_of(CASES / name)
    found = {
        kind: [mapped(kind, place, record, rules) for place, record in enumerate(records, 1)]
        for kind, records in sonar.items()
    }
    assert found == json.loads((CASES / name / "splynx.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", [one.name for one in AGGREGATES if one.mapper is not None])
def test_every_aggregate_that_is_mapped_has_cases(name: str) -> None:
    cases = [case for case in NAMES if name in json.loads((CASES / case / "sonar.json").read_text(encoding="utf-8"))]
    assert len(cases) >= 2
