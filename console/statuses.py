"""Account statuses that are in use in Sonar while strict rules do not name them."""

from collections.abc import Sequence
from pathlib import Path

from clients.sonar import SonarClient, entities_of
from console.listing import read_listed
from plumbing.errors import ConfigurationError
from schemas.rules import read_rules, unmapped_statuses

_AT_ONCE = 20


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
    names = {int(one["id"]): str(one["name"]) for one in await read_listed(client, "account_statuses", "name")}
    used = await _in_use(client, list(names))
    if unmapped := unmapped_statuses(text, {id: names[id] for id in used}):
        raise UnmappedStatuses("; ".join(unmapped))


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
