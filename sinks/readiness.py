"""Whether this Splynx is one that we can write: asked at start, and by the doctor, before anything is written."""

from collections.abc import Mapping
from pathlib import Path

from clients.splynx import SplynxClient
from clients.splynx_errors import NotSplynx, RecordMissing
from clients.splynx_paths import listing
from plumbing.errors import ConfigurationError
from schemas.catalogue import TARGETS
from schemas.rules import configured_ids, named_fields, read_rules, unknown_fields, unknown_ids
from sinks.bodies import Shape
from sinks.ledger_errors import TargetNotEmpty

LISTS = {
    "partner": "admin/administration/partners",
    "location": "admin/administration/locations",
    "internet_tariff": "admin/tariffs/internet",
    "tax": "admin/config/taxes",
    "payment_method": "admin/finance/payment-methods",
    "subdivision": "admin/config/states-provinces",
}
"""`{kind of a configured id: where Splynx lists it}`."""


CONTROLLERS = {
    "admin/administration/partners": r"api\admin\administration\Partners",
    "admin/customers/customer": r"api\admin\customers\Customer",
    "admin/finance/payments": r"api\admin\finance\Payments",
}
"""`{endpoint: what its rights are called}`, as far as these names are known (reference of Splynx's API, 3.4)."""
ACTIONS = ("index", "view", "add", "update")
"""What the API key must be allowed to do with what is written over REST."""
FIELDS = "admin/config/additional-fields/customers"
_NOT_LISTED = {"customer": frozenset({"customer_labels", "password"})}
"""What Splynx takes though its OPTIONS leaves it out (recorded on a live installation)."""


class UnknownFields(ConfigurationError):
    """The rules send custom fields to additional fields that Splynx does not have, and whose values it would drop."""

    remedy = "Add the fields in Splynx, under Config > System > Additional fields, or correct the rules."


class UnknownIds(ConfigurationError):
    """The rules name ids that Splynx does not have."""


def entities() -> dict[str, str]:
    """`{entity: where Splynx lists it}` of what is written over REST as rows of its own."""
    return {
        entity: listing(target.endpoint)
        for entity, target in TARGETS.items()
        if target.endpoint is not None and target.part_of is None
    }


async def rows_of(client: SplynxClient, endpoint: str) -> int:
    """How many rows an endpoint lists.

    Raises:
        NotSplynx: there is no such endpoint.
        SplynxModuleOff, SplynxRefused, SplynxUnreachable.
    """
    try:
        return await client.head_count(endpoint)
    except RecordMissing as exc:
        raise NotSplynx(f"what answers at splynx.url has no {endpoint}") from exc


def rights_lacking(permissions: Mapping[str, Mapping[str, str]], endpoint: str) -> list[str]:
    """The actions that our key may not do there; none where Splynx has not told its rights, or they have another name.

    `permissions`: see `SplynxClient`.
    """
    given = permissions.get(CONTROLLERS.get(endpoint, ""))
    return [] if given is None else [action for action in ACTIONS if given.get(action) != "allow"]


async def check_ids(client: SplynxClient, path: Path) -> None:
    """Look up every id, and every additional field, that the rules file names.

    Raises:
        UnknownFields: names file, line and name of each that Splynx does not have.
        UnknownIds: names file, line and id of each that Splynx does not have.
        ConfigurationError: the rules file is wrong.
        SplynxRefused, SplynxUnreachable.
    """
    text = read_rules(path)
    kinds = {kind for kind, _, _ in configured_ids(text.file)}
    known = {kind: {int(row["id"]) for row in await client.list(LISTS[kind])} for kind in sorted(kinds)}
    if named_fields(text.file):
        rows = await client.list(FIELDS)
        if lacking := unknown_fields(text, {str(row["name"]) for row in rows}):
            raise UnknownFields("; ".join(lacking))
    if unknown := unknown_ids(text, known):
        lists = ", ".join(f"{LISTS[kind]} lists each {kind.replace('_', ' ')}" for kind in sorted(kinds))
        raise UnknownIds("; ".join(unknown), remedy=f"Correct the ids in the rules file; {lists}.")


async def attributes_lacking(client: SplynxClient, entity: str) -> list[str]:
    """Attributes of an entity that are written over REST and that this Splynx does not list: of another version it is.

    Splynx drops what it does not know without a word.

    Raises:
        SplynxModuleOff, SplynxRefused, SplynxUnreachable.
    """
    listed = {str(one["name"]) for one in (await client.options(entities()[entity]))["attributes"]}
    return sorted(Shape(TARGETS[entity]).attributes - listed - _NOT_LISTED.get(entity, frozenset()))


async def check_no_customers(client: SplynxClient) -> None:
    """See that a Splynx into which nothing was written yet has no customers.

    Raises:
        TargetNotEmpty: it has, so perhaps it is not the one that is meant.
        NotSplynx, SplynxModuleOff, SplynxRefused, SplynxUnreachable.
    """
    if rows := await rows_of(client, entities()["customer"]):
        raise TargetNotEmpty(f"this ledger was never used, and Splynx has {rows} customers already")


async def check_ready(client: SplynxClient, path: Path) -> None:
    """Ask for every endpoint that is written and every id that the rules file at `path` names.

    Raises:
        NotSplynx, UnknownFields, UnknownIds, ConfigurationError: the settings or the rules are wrong.
        SplynxModuleOff, SplynxRefused, SplynxUnreachable.
    """
    for endpoint in entities().values():
        await rows_of(client, endpoint)
    await check_ids(client, path)
