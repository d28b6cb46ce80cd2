"""A Sonar that cannot serve some requests although it serves all others."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import pytest

from clients.sonar_errors import IncompletePage, SonarFailed, SonarGraphqlError, SonarTimeout
from plumbing.errors import SyncError
from schemas.aggregate import Aggregate
from tests.unit.producers.scene import Scene

ERRORS = [
    SonarGraphqlError("Sonar answered with 1 errors"),
    SonarTimeout("too slow"),
    SonarFailed("failed"),
    IncompletePage("never whole"),
]
of_a_request = pytest.mark.parametrize("error", ERRORS[:3], ids=lambda one: one.code)
each_error = pytest.mark.parametrize("error", ERRORS, ids=lambda one: one.code)


def failing(error: SyncError, is_it: Callable[[str, Mapping[str, Any]], bool]) -> Callable[..., None]:
    """A Sonar that does not answer some requests."""

    def before(document: str, variables: Mapping[str, Any]) -> None:
        if is_it(document, variables):
            raise error

    return before


def covered_of(scene: Scene, aggregate: Aggregate) -> datetime:
    at = scene.following.covered(aggregate)
    assert at is not None
    return at


def looks_at(document: str, *collections: str) -> bool:
    return "query Changed" in document and any(f" {name}(" in document for name in collections)


def spoil(monkeypatch: pytest.MonkeyPatch, scene: Scene, collection: str, id: int, error: SyncError) -> None:
    """Let Sonar fail as often as a whole row is to be shown."""
    execute = scene.shop.engine.execute

    def executed(document: str, *rest: Any) -> Any:
        answer = execute(document, *rest)
        shown = (answer.get("data") or {}).get(collection) if document.startswith("query Page") else None
        if shown and any(int(row["id"]) == id for row in shown["entities"]):
            raise error
        return answer

    monkeypatch.setattr(scene.shop.engine, "execute", executed)


def noted(scene: Scene, kind: str) -> list[tuple[str, int]]:
    """Queries of one kind, as they are asked from now on: `(document, rows asked for)`."""
    asked, fails = list[tuple[str, int]](), scene.client.before

    def before(document: str, variables: Mapping[str, Any]) -> None:
        if f"query {kind}" in document:
            asked.append((document, variables["n"]))
        if fails is not None:
            fails(document, variables)

    scene.client.before = before
    return asked


def rests_told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, float]]:
    """What is said of rows that cannot be read: `(id, seconds until they are tried again)`."""
    told = list[tuple[int, float]]()
    monkeypatch.setattr(
        "producers.rereading.log.error", lambda _, **said: told.append((said["key"], said["again_in_seconds"]))
    )
    return told
