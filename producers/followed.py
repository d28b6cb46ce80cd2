"""Which of Sonar's collections are followed, and what a change in each of them means."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from clients.sonar_schema import SonarSchema
from producers.documents import Thin
from producers.owners import owner_paths
from schemas.aggregate import Aggregate, LookUp, Touch

CREATED = "created_at"
"""Of a look-up: beside `updated_at` it tells one that is new from one that changed before it was first seen."""


@dataclass
class Followed:
    """One collection that is followed, and what a change in it means."""

    thin: Thin
    aggregate: Aggregate
    touch: Touch | None = None
    look_up: LookUp | None = None

    @property
    def is_root(self) -> bool:
        """Whether its rows are the aggregate's roots."""
        return self.touch is None and self.look_up is None


def followed(aggregates: Sequence[Aggregate], schema: SonarSchema) -> list[Followed]:
    """Every collection to follow: roots, then children, then look-ups; each once per aggregate.

    All that follow one collection ask for the same of it, so that one thin page serves them.
    """
    result = []
    for one in (each for each in aggregates if not each.root.singleton):
        result.append(Followed(Thin(one.root.name, archived=_archives(schema, one.root.name)), one))
        for touch in one.touched_by:
            paths = tuple(dict.fromkeys(path for owner in touch.owners for path in owner_paths(owner)))
            result.append(
                Followed(Thin(touch.collection, paths, _archives(schema, touch.collection)), one, touch=touch)
            )
        for look_up in one.looks_up:
            paths = look_up.columns if look_up.of is None else (*look_up.columns, *owner_paths(look_up.of))
            if CREATED in schema.fields(look_up.type_name):
                paths = (*paths, CREATED)
            thin = Thin(look_up.collection, tuple(dict.fromkeys(paths)), _archives(schema, look_up.collection))
            result.append(Followed(thin, one, look_up=look_up))
    return _alike([one for one in result if schema.field_type("Query", one.thin.collection) is not None])


def _alike(found: Sequence[Followed]) -> list[Followed]:
    paths: dict[str, list[str]] = {}
    for one in found:
        paths.setdefault(one.thin.collection, []).extend(one.thin.extra)
    return [
        replace(one, thin=replace(one.thin, extra=tuple(dict.fromkeys(paths[one.thin.collection])))) for one in found
    ]


def _archives(schema: SonarSchema, collection: str) -> bool:
    found = schema.field_type("Query", collection)
    return found is not None and "include_archived" in found.arguments
