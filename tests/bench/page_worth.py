"""How many requests it takes to read what has changed: `page_worth`, 1.2 ÷ (requests per page-worth of changed rows).

Capture follows a Sonar in which nothing happens. Then rows of several collections change at once, of each as many as
fill whole pages; of every other account it is a telephone number, for which the account is read again. Counted, by
purpose, are the requests of a round of looks less those of a round in which nothing has changed; those for the overlap
are not. Nested lists that are longer than what is asked for with their page count. Noise: two rounds in which nothing
has changed, against each other.
"""

import asyncio
import json
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from clients.sonar import SonarClient
from producers.capturing import Capture
from producers.glimpses import SHOWN_LATE
from sandbox.local.sandboxes import SonarSandbox
from sandbox.local.stack import Addresses
from schemas.aggregate import Aggregate
from schemas.catalogue import AGGREGATES
from tests.bench.capturing import capturing, snapshot
from tests.bench.entry import Entry
from tests.bench.servers import instance

ACCOUNTS = 2_000
ALLOWED = 1.2
LOOKS = 24
"""Some things have their turn with every twelfth look only."""
_BETWEEN_SECONDS = 0.25
_SETTLED_SECONDS = 2.0
"""Sonar tells whole seconds: what changes within that of a look is read once more, to be sure."""
_PAGES: dict[str, tuple[int, str]] = {
    "account": (5, "next_recurring_charge_amount"),
    "payment": (12, "description"),
    "email": (4, "subject"),
    "account_event": (6, "current"),
    "task": (3, "task"),
    "ticket": (1, "subject"),
    "ticket_comment": (1, "body"),
    "call_log": (1, "subject"),
}
"""`{aggregate: (pages of it that change, the column)}`; none that another aggregate shows, or looks up."""

Action = dict[str, Any]


async def measure(at: Addresses, folder: Path) -> list[Entry]:
    """The entry `page_worth`."""
    sonar = SonarSandbox(folder, accounts=ACCOUNTS, requests_per_minute=0, name="sonar-page-worth")
    sonar.start()
    try:
        with instance(at, folder, sonar) as settings:
            async with capturing(settings) as (capture, client):
                await snapshot(capture)
                await _round(capture, client)  # the sweep begins
                await asyncio.sleep(SHOWN_LATE.total_seconds())
                await _round(capture, client)  # what changed beside the snapshot has been shown by now
                idle = await _round(capture, client)
                before, changes = capture._publisher.counts.copy(), _changes(capture)
                _change(sonar, [one for some in changes.values() for one in some])
                await asyncio.sleep(_SETTLED_SECONDS)
                ours = await _round(capture, client)
                published = capture._publisher.counts - before
                again = await _round(capture, client)
    finally:
        sonar.stop()
    assert published == {(name, "u"): len(some) for name, some in changes.items()}, published
    pages = sum(pages for pages, _ in _PAGES.values())
    spent = {purpose: ours[purpose] - idle[purpose] for purpose in sorted(ours | idle) if purpose != "overlap"}
    requests = sum(spent.values())
    figures = {
        "changed_rows": published.total(),
        **{f"{name}_page_rows": len(changes[name]) // _PAGES[name][0] for name in ("account", "payment")},
        "pages": pages,
        "requests": requests,
        **{f"requests_{purpose}": count for purpose, count in spent.items() if count},
        "overlap_apart": ours["overlap"],
        "idle_apart": idle.total(),
    }
    noise = round(abs(again.total() - idle.total()) / requests, 3)
    return [Entry("page_worth", round(ALLOWED * pages / requests, 3), 1.0, noise, figures)]


async def _round(capture: Capture, client: SonarClient) -> Counter[str]:
    """Some looks; the requests that they took, by purpose."""
    before = client.asked.copy()
    for _ in range(LOOKS):
        await asyncio.sleep(_BETWEEN_SECONDS)
        await capture._following.poll()
    spent = Counter[str]()
    for asked, count in (client.asked - before).items():
        spent[asked.purpose] += count
    return spent


def _changes(capture: Capture) -> dict[str, list[Action]]:
    """`{aggregate: changes, each of which is read with another of its roots}`."""
    return {one.name: list(_whole_pages(capture, one)) for one in AGGREGATES if one.name in _PAGES}


def _whole_pages(capture: Capture, aggregate: Aggregate) -> Iterator[Action]:
    index, root, (pages, column) = capture._following._index, aggregate.root, _PAGES[aggregate.name]
    below: dict[int | None, int] = {}
    if aggregate.name == "account":
        for id in index.shown("accounts", "phone_numbers"):
            phone = index.child("accounts", "phone_numbers", id)
            below[phone.root if phone is not None else None] = id
    live, rows = index.live(root.name), pages * capture._snapshot._reader.page_size(aggregate)
    assert rows <= len(live), f"{len(live)} rows of {aggregate.name}: {rows} are to change"
    for place in range(rows):
        id = live[place * len(live) // rows]  # from all over the collection
        if place % 2 and id in below:
            yield _update("PhoneNumber", below[id], "extension", place)
        else:
            yield _update(root.type_name, id, column, place)


def _update(type_name: str, id: int, column: str, value: int) -> Action:
    written = value if column.endswith("_amount") else str(value)
    return {"action": "update", "type": type_name, "id": id, "columns": {column: written}}


def _change(sonar: SonarSandbox, actions: Sequence[Action]) -> None:
    """All at once: no look comes between."""
    request = urllib.request.Request(f"{sonar.control}/store", data=json.dumps(actions).encode())
    urllib.request.urlopen(request, timeout=60).close()
