"""What the world writes is what clients can read."""

from __future__ import annotations

import orjson
import pytest

from sandbox.sonar.execute import Engine
from sandbox.sonar.types import SERVED
from sandbox.world import World


@pytest.fixture(scope="module")
def engine(sixty: World) -> Engine:
    return Engine(sixty.store)


@pytest.mark.parametrize("collection", sorted(SERVED.collections))
def test_each_collection_answers_with_all_its_fields_and_relations(engine: Engine, collection: str) -> None:
    kind = SERVED.collections[collection]
    fields = " ".join(kind.columns)
    ones = " ".join(f"{one.name} {{ id }}" for one in kind.relations.values() if not one.is_connection)
    many = " ".join(
        f"{one.name}(paginator: {{ page: 1, records_per_page: 1 }}) {{ entities {{ id }} }}"
        for one in kind.relations.values()
        if one.is_connection
    )
    page = "(paginator: { page: 1, records_per_page: 100 })"
    answer = orjson.loads(
        orjson.dumps(
            engine.execute(
                f"{{ {collection}{page} {{ entities {{ {fields} {ones} {many} }} page_info {{ total_count }} }} }}"
            )
        )
    )
    assert "errors" not in answer, answer["errors"]
    found = answer["data"][collection]
    assert len(found["entities"]) == min(100, found["page_info"]["total_count"])
