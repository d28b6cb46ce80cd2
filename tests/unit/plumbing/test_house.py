"""The house stays in order: rooms are ours alone, and what one may not import is not imported."""

import importlib.metadata

ROOMS = {
    "plumbing",
    "schemas",
    "clients",
    "producers",
    "processors",
    "sinks",
    "reconciliation",
    "console",
    "sandbox",
    "tests",
}


def test_no_dependency_installs_a_package_with_the_name_of_a_room() -> None:
    owners = importlib.metadata.packages_distributions()
    taken = {room: owners[room] for room in ROOMS if set(owners.get(room, [])) - {"crossfade"}}
    assert taken == {}
