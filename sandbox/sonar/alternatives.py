"""One of several Search objects is enough: told at once for those that want a certain number in a column.

Clients ask for one of hundreds of ids. Of these only the one that a row has is tried.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from sandbox.sonar.declarations import ObjectType
from sandbox.sonar.rows import Row

Test = Callable[[Row], bool]


def any_of(tests: Sequence[Test]) -> Test:
    """Whether one of them holds, of at least one."""
    if len(tests) == 1:
        return tests[0]
    return lambda row: any(test(row) for test in tests)


def any_search(kind: ObjectType, searches: Sequence[Mapping[str, Any]], tests: Sequence[Test]) -> Test:
    """The same for the `tests` of Search objects, each of whose fields must hold."""
    others: list[Test] = []
    by_value: dict[str, dict[int, list[Test]]] = {}
    for search, test in zip(searches, tests, strict=True):
        equal = _equal_to(kind, search)
        if equal is None:
            others.append(test)
        else:
            by_value.setdefault(equal[0], {}).setdefault(equal[1], []).append(test)
    picked = [
        partial(_picked, name, {value: any_of(found) for value, found in of_column.items()})
        for name, of_column in by_value.items()
    ]
    return any_of([*picked, *others])


def _equal_to(kind: ObjectType, search: Mapping[str, Any]) -> tuple[str, int] | None:
    """A column and the number that it has in every row that a Search object finds; None: nothing says so."""
    for field in search.get("integer_fields") or ():
        if field is not None and field["operator"] == "EQ" and kind.columns[field["attribute"]].scalar != "Numeric":
            return field["attribute"], field["search_value"]
    return None


def _picked(name: str, tests: Mapping[int, Test], row: Row) -> bool:
    test = tests.get(getattr(row, name))
    return test is not None and test(row)
