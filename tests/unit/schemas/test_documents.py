"""All that capture asks for is understood by both generations of Sonar, or the reference check says so."""

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from clients.sonar_schema import SonarSchema
from producers import documents
from sandbox.sonar.newer import GENERATIONS
from sandbox.sonar.schema import build_schema
from schemas.catalogue import AGGREGATES, aggregate
from tests.documents import schema_of, sent, wrong

SONAR = {name: build_schema(one) for name, one in GENERATIONS.items()}
BUILDERS = sorted(name for name in vars(documents) if name.endswith("_document"))
SOME = [aggregate(name) for name in ("ticket", "service", "billing_setting")]
"""With nested lists, look-ups on every way, and settings."""


@cache
def schema(generation: str) -> SonarSchema:
    """As capture sees it; made once, and by whoever runs these tests only."""
    return schema_of(SONAR[generation])


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_sonar_of_either_generation_understands_all_that_capture_asks_for(generation: str) -> None:
    asked = list(sent(schema(generation), AGGREGATES))
    assert wrong(SONAR[generation], asked) == []
    named = {one.name for one in asked}
    assert {f"page of {one.name}" for one in AGGREGATES if not one.root.singleton} <= named
    assert {f"carriers of {one.name}" for one in AGGREGATES if one.looks_up} <= named
    assert {f"settings of {one.name}" for one in AGGREGATES if one.root.singleton} <= named


@pytest.mark.parametrize("builder", BUILDERS)
def test_whichever_document_names_a_field_that_is_not_there_is_reported(
    builder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Callable[..., str] = getattr(documents, builder)

    def astray(*arguments: Any, **named: Any) -> str:
        head, brace, rest = real(*arguments, **named).rpartition(" }")
        return f"{head} nowhere_to_be_found{brace}{rest}"

    monkeypatch.setattr(documents, builder, astray)
    found = wrong(SONAR["newer"], sent(schema("newer"), SOME))
    assert any("Cannot query field 'nowhere_to_be_found'" in line for line in found), f"nothing is asked by {builder}"


def test_a_search_in_another_form_than_sonars_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "after_id", lambda last, high=None: [{"integer_fields": [{"attribute": "id"}]}])
    found = wrong(SONAR["newer"], sent(schema("newer"), SOME))
    assert any("Field 'operator' of required type" in line for line in found)
