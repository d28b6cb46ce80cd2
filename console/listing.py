"""Small collections of Sonar, read whole."""

from typing import Any

from clients.sonar import SonarClient, entities_of

_PAGE = 100


async def read_listed(client: SonarClient, collection: str, fields: str) -> list[dict[str, Any]]:
    """All rows of a collection by id, each with its id and `fields`.

    Raises:
        SyncError: from the client.
    """
    query = (
        f"query Listed($search: [Search]) {{ {collection}(search: $search,"
        f' sorter: [{{attribute: "id", direction: ASC}}], paginator: {{page: 1, records_per_page: {_PAGE}}})'
        f" {{ entities {{ id {fields} }} }} }}"
    )
    found: list[dict[str, Any]] = []
    while True:
        last = int(found[-1]["id"]) if found else 0
        after = [{"integer_fields": [{"attribute": "id", "operator": "GT", "search_value": last}]}]
        page = entities_of((await client.query(query, {"search": after})).data[collection], asked=_PAGE, counted=False)
        if not page:
            return found
        found += page
