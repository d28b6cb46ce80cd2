"""A record's row in Splynx, found again by its handle: its `sonar_id`, else its natural key."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from clients import splynx_paths
from clients.splynx import SplynxClient
from clients.splynx_errors import SplynxUnreachable
from clients.splynx_query import Search
from schemas.aggregate import Target
from schemas.names import collated
from sinks.bodies import SONAR_ID
from sinks.errors import RowMissing

HEAL_PAUSE_SECONDS = 1.0


def endpoint_of(target: Target) -> str:
    """The REST path of a target, as declared.

    Raises:
        RowMissing: it has none.
    """
    if target.endpoint is None:
        raise RowMissing(f"{target.entity} has no REST endpoint")
    return target.endpoint


def listing_of(target: Target) -> str:
    """Where all rows of a target are listed."""
    return splynx_paths.listing(endpoint_of(target))


def has_natural_key(target: Target) -> bool:
    """Whether a row is found by what it says, which another record may say too, for it has no place for an id."""
    return target.module is None and target.part_of is None


def has_handle(target: Target) -> bool:
    """Whether a row can be found again after a lost answer. What has none goes by SQL, whose answer is never lost."""
    return target.module is not None or target.part_of is not None or bool(target.natural_key)


class Handles:
    """Looks for rows in one Splynx."""

    def __init__(self, client: SplynxClient) -> None:
        self._client = client

    async def find(self, target: Target, key: str, document: Mapping[str, Any]) -> int | None:
        """The id of the row with this record's handle."""
        if target.module is not None:
            search = Search(additional={SONAR_ID: key}, order={"id": "ASC"})
        else:
            search = Search(main={name: document[name] for name in target.natural_key}, order={"id": "ASC"})
        rows = await self._client.list(listing_of(target), search)
        for row in rows:
            # Searched again here: a listing without filters would be every row there is.
            if target.module is not None:
                extra = row.get("additional_attributes")
                if isinstance(extra, dict) and str(extra.get(SONAR_ID)) == key:
                    return int(row["id"])
            elif all(collated(str(row.get(name))) == collated(str(document[name])) for name in target.natural_key):
                return int(row["id"])
        return None

    async def item(self, target: Target, target_id: int, document: Mapping[str, Any]) -> tuple[str, int | str]:
        """Path and id of a row, as the client takes them. `document`: resolved, as far as it is known.

        Raises:
            RowMissing: it lies below another row, and nobody knows which.
        """
        endpoint, above = endpoint_of(target), dict(document)
        names = splynx_paths.places(endpoint)
        if any(not above.get(name) for name in names):
            # What was healed or adopted may not say whose it is; its row does.
            rows = await self._client.list(listing_of(target), Search(main={"id": target_id}))
            above = next((row for row in rows if int(row["id"]) == target_id), {})
            if any(not above.get(name) for name in names):
                raise RowMissing(f"{target.entity} {target_id} is not in Splynx")
        return splynx_paths.item(endpoint, target_id, above)

    async def until_settled(self, find: Callable[[], Awaitable[int | None]]) -> int | None:
        """Search until Splynx cannot be executing the lost call any more."""
        end = asyncio.get_running_loop().time() + self._client.settings.settle_seconds
        while True:
            try:
                found = await find()
            except SplynxUnreachable:
                found = None
            if found is not None:
                return found
            if asyncio.get_running_loop().time() >= end:
                return None
            await asyncio.sleep(HEAL_PAUSE_SECONDS)
