"""What the world writes is what clients can read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from sandbox.sonar.declarations import Kind, Relation
from sandbox.sonar.execute import Engine
from sandbox.sonar.store import Store
from sandbox.sonar.types import SERVED
from sandbox.world import World


@pytest.fixture(scope="module")
def engine(sixty: World) -> Engine:
    return Engine(sixty.store)


@pytest.mark.parametrize("collection", sorted(SERVED.collections))
def test_each_collection_answers_with_all_its_fields_and_relations(
    sixty: World, engine: Engine, collection: str
) -> None:
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
    for row in found["entities"]:
        own = sixty.store.table(kind.name)[int(row["id"])]
        assert {name for name in kind.columns if row[name] is None} == {name for name in own if own[name] is None}
        for relation in kind.relations.values():
            if relation.kind is Kind.BELONGS_TO and kind.name != "Log":
                assert (row[relation.name] is None) == (seen(sixty.store, own, relation) is None), relation.name


def seen(store: Store, row: Mapping[str, Any], relation: Relation) -> Mapping[str, Any] | None:
    """What a row belongs to, unless it is archived: then it is only shown to who asks for it."""
    key = row[f"{relation.via}_id" if relation.polymorphic else relation.via]
    target = row[f"{relation.via}_type"] if relation.polymorphic else relation.target
    found = None if key is None else store.table(target)[key]
    return None if found is None or found.get("archived_at") is not None else found
