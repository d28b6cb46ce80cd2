"""Companies, account groups and types, and plans of Sonar that would have one name in Splynx."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from clients.sonar import SonarClient
from console.listing import read_listed
from plumbing.errors import ConfigurationError
from schemas.entities.service.tariff import CHARGE, PLAN
from schemas.names import shared_names
from schemas.rules import read_rules


class SharedNames(ConfigurationError):
    """Two of Sonar's objects would have one name in Splynx, where names tell partners, labels and tariffs apart."""

    remedy = "Add the lines to the rules with names of your choice, or rename one of the two in Sonar."


async def check_names(client: SonarClient, path: Path) -> None:
    """Compare the names that companies, groups, types and plans have with the rules file at `path`.

    Raises:
        SharedNames: names file, line and id of each whose name another has already.
        ConfigurationError: the rules file is wrong.
        SyncError: from the client.
    """
    companies = [one for one in await read_listed(client, "companies", "name enabled") if one["enabled"]]
    groups = await read_listed(client, "account_groups", "name")
    types = await read_listed(client, "account_types", "name")
    services = await read_listed(client, "services", "name type application")
    plans = [one for one in services if (one["type"], one["application"]) == (PLAN, CHARGE)]
    if shared := shared_names(read_rules(path), _names(companies), _names(groups), _names(types), _names(plans)):
        raise SharedNames("; ".join(shared))


def _names(rows: Iterable[Mapping[str, Any]]) -> dict[int, str]:
    return {int(row["id"]): str(row["name"]) for row in rows}
