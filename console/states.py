"""Which state of Splynx each of Sonar's subdivisions is, as lines for the rules (mapping 5.6).

A mapper asks nobody, so what is looked up by code and name is looked up once, and stands in the rules where it is seen.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from clients.splynx import SplynxClient
from console.asking import asking_sonar
from plumbing.settings import Settings
from schemas.rules import read_rules
from sinks.readiness import LISTS

_QUERY = (
    'query Subdivisions { __type(name: "Subdivision") { enumValues(includeDeprecated: true) { name description } } }'
)


async def states_template(settings: Settings) -> str:
    """Lines for `customer.subdivisions`, from what both sides know of today.

    Raises:
        ConfigurationError: the rules file is wrong.
        SyncError: from the clients.
    """
    country = read_rules(settings.rules).file.customer.default_country
    async with asking_sonar(settings) as sonar:
        values = ((await sonar.query(_QUERY)).data["__type"] or {}).get("enumValues", ())
    async with SplynxClient(settings.splynx) as splynx:
        states = await splynx.list(LISTS["subdivision"])
    return template({one["name"]: one["description"] or "" for one in values}, states, country)


def template(subdivisions: Mapping[str, str], states: Sequence[Mapping[str, Any]], country: str) -> str:
    """The lines. `subdivisions`: `{Sonar's value: its name, where Sonar tells it}`; `states`: rows of Splynx."""
    found = matched(subdivisions, states, country)
    known = set(found.values())
    alone = sorted(str(one["name"]) for one in states if int(one["id"]) not in known)
    lines = [
        "# Put this under `customer:` in the rules. It is by code, and by name where no code says it.",
        f"# {len(found)} of Splynx's {len(states)} states are one of Sonar's subdivisions"
        + (f"; not these: {', '.join(alone)}" if alone else "."),
    ]
    return "\n".join(lines) + "\n" + yaml.safe_dump({"subdivisions": dict(sorted(found.items()))})


def matched(subdivisions: Mapping[str, str], states: Sequence[Mapping[str, Any]], country: str) -> dict[str, int]:
    """`{Sonar's value: id of Splynx's state}`: `US_CA` by the code US_CA, US-CA or, in the default country, CA.

    A state whose code says nothing is found by its name; not where several subdivisions have it and none, or more than
    one, lies in the default country.

    >>> matched({"US_CA": "California", "MX_BCN": "Baja California"}, [{"id": 7, "code": "CA", "name": "x"}], "US")
    {'US_CA': 7}
    """
    codes: dict[str, str] = {}
    names: dict[str, list[str]] = {}
    for value, name in subdivisions.items():
        codes |= dict.fromkeys((value, value.replace("_", "-", 1)), value)
        if name:
            names.setdefault(name.casefold(), []).append(value)
    ours = f"{country}_"
    short = {value.removeprefix(ours): value for value in subdivisions if value.startswith(ours)}
    found: dict[str, int] = {}
    by_name = []
    for state in states:
        code = str(state["code"]).strip().upper()
        if (by_code := codes.get(code) or short.get(code)) is None:
            by_name.append(state)
        else:
            found.setdefault(by_code, int(state["id"]))
    for state in by_name:
        values = names.get(str(state["name"]).strip().casefold(), [])
        at_home = [value for value in values if value.startswith(ours)]
        one = values if len(values) == 1 else at_home
        if len(one) == 1:
            found.setdefault(one[0], int(state["id"]))
    return found
