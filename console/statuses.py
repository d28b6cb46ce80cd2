"""Account statuses that are in use in Sonar while strict rules do not name them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from clients.sonar import SonarClient, entities_of
from plumbing.errors import ConfigurationError, SyncError
from plumbing.logs import get_logger
from plumbing.settings import Settings
from schemas.rules import read_rules, unmapped_statuses

log = get_logger("process")

_PAGE = 100
_AT_ONCE = 20
_STATUSES = (
    "query Statuses($search: [Search]) { account_statuses(search: $search,"
    f' sorter: [{{attribute: "id", direction: ASC}}], paginator: {{page: 1, records_per_page: {_PAGE}}})'
    " { entities { id name } } }"
)


class UnmappedStatuses(ConfigurationError):
    """Accounts in Sonar have statuses that the rules, which say `strict`, do not name."""

    remedy = "Name them, or set status_map.strict: false to let Sonar's own flag of each status decide."


async def check_statuses(client: SonarClient, path: Path) -> None:
    """Compare the statuses that accounts have with the rules file at `path`; nothing is asked unless it says `strict`.

    Raises:
        UnmappedStatuses: names file, line and id of each status that is in use without a mapping.
        ConfigurationError: the rules file is wrong.
        SyncError: from the client.
    """
    text = read_rules(path)
    if not text.file.status_map.strict:
        return
    names = {int(one["id"]): str(one["name"]) for one in await _read_statuses(client)}
    used = await _in_use(client, list(names))
    if unmapped := unmapped_statuses(text, {id: names[id] for id in used}):
        raise UnmappedStatuses("; ".join(unmapped))


async def check_statuses_where_possible(settings: Settings) -> None:
    """The same for a stage that works without Sonar: that Sonar is away keeps it from nothing.

    Raises:
        UnmappedStatuses, ConfigurationError.
    """
    async with SonarClient(settings.sonar, attempts=1) as client:
        try:
            await check_statuses(client, settings.rules)
        except ConfigurationError:
            raise
        except SyncError as exc:
            log.warning("process.statuses_not_checked", error=exc.code)


async def _read_statuses(client: SonarClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        last = int(found[-1]["id"]) if found else 0
        after = [{"integer_fields": [{"attribute": "id", "operator": "GT", "search_value": last}]}]
        answer = await client.query(_STATUSES, {"search": after})
        page = entities_of(answer.data["account_statuses"], asked=_PAGE, counted=False)
        if not page:
            return found
        found += page


async def _in_use(client: SonarClient, ids: Sequence[int]) -> list[int]:
    """Those that an account has, archived ones too: one row each tells it, and needs no counting."""
    used: list[int] = []
    for start in range(0, len(ids), _AT_ONCE):
        part = ids[start : start + _AT_ONCE]
        fields = " ".join(
            f"s{id}: accounts(account_status_id: {id}, include_archived: true,"
            " paginator: {page: 1, records_per_page: 1}) { entities { id } }"
            for id in part
        )
        data = (await client.query(f"query StatusesInUse {{ {fields} }}")).data
        used += [id for id in part if entities_of(data[f"s{id}"], asked=1, counted=False)]
    return used
