"""IPv4 and IPv6 networks, and the addresses in them."""

# ruff: noqa: S608 - the names in the SQL are our own declarations, values are always passed beside it

import ipaddress
from collections.abc import Sequence
from typing import Any

from sandbox.splynx import search
from sandbox.splynx.call import Call, exists
from sandbox.splynx.database import Row
from sandbox.splynx.entity import Entity, Errors
from sandbox.splynx.problems import Problem, bad_request, cannot_be_deleted
from sandbox.splynx.resources import RESOURCES
from sandbox.splynx.wire import Given

_WIDEST = 16
"""The shortest mask of a network whose addresses are rows: 65,536 of them."""
_ROWS_AT_ONCE = 4096
_HOST = "location_id, title, comment, status"


class Ipv4Networks(Entity):
    """`admin/networking/ipv4`. An end network brings a row per address with it."""

    def __init__(self) -> None:
        super().__init__(RESOURCES["admin/networking/ipv4"])

    async def prepare(self, call: Call, given: Given) -> Given:
        network, _, mask = str(given.get("network", "")).partition("/")
        return {"network_type": "endnet", "type_of_usage": "static", "mask": mask or 24} | given | {"network": network}

    async def validate(self, call: Call, given: Given, before: Row | None) -> Errors:
        if before is not None or not given.get("network"):
            return []
        try:
            network = ipaddress.IPv4Network(f"{given['network']}/{given['mask']}")
        except ValueError:
            return [("network", "Network is invalid.")]
        if given["network_type"] == "endnet" and network.prefixlen < _WIDEST:
            return [("mask", "The network is too big.")]
        twin = await call.session.row(
            "SELECT id FROM ipv4_networks WHERE network = %s AND mask = %s AND deleted = '0'",
            (str(network.network_address), network.prefixlen),
        )
        return [("network", "Network has already been taken.")] if twin else []

    async def created(self, call: Call, row: Given, given: Given) -> None:
        if row["network_type"] != "endnet":
            return
        network = ipaddress.IPv4Network(f"{row['network']}/{row['mask']}")
        whole = str(row["allow_use_network_and_broadcast"]) == "1" or network.prefixlen >= 31
        first, last = int(network.network_address), int(network.broadcast_address)
        addresses = range(first, last + 1) if whole else range(first + 1, last)
        for start in range(0, len(addresses), _ROWS_AT_ONCE):
            some = ", ".join(
                f"({int(row['id'])}, {ip}, 0, '0', %s, '', '', 'Unknown', 0)"
                for ip in addresses[start : start + _ROWS_AT_ONCE]
            )
            location = int(row["location_id"] or 0)
            call.session.later(
                f"INSERT INTO ipv4_networks_ip (ipv4_networks_id, ip, customer_id, is_used, {_HOST}, last_check)"
                f" VALUES {some.replace('%s', str(location))}"
            )

    async def removing(self, call: Call, before: Row) -> None:
        sql = "SELECT id FROM ipv4_networks_ip WHERE ipv4_networks_id = %s AND is_used = '1' AND deleted = '0' LIMIT 1"
        if await call.session.row(sql, (before["id"],)) is not None:
            raise cannot_be_deleted("It is in use!")
        call.session.later("UPDATE ipv4_networks_ip SET deleted = '1' WHERE ipv4_networks_id = %s", (before["id"],))


class Ipv4Addresses(Entity):
    """`admin/networking/ipv4-ip/{network}--{ip}`: rows that exist already; the ip is shown and asked for as text."""

    def __init__(self) -> None:
        super().__init__(RESOURCES["admin/networking/ipv4-ip"])

    def by_id(self, row_id: str) -> list[search.Clause]:
        network, _, ip = row_id.partition("--")
        return super().by_id(f"{network}--{_as_number(ip)}")

    async def find(self, call: Call, row_id: str) -> Row:
        await _known(call, "ipv4_networks", row_id.partition("--")[0])
        return await super().find(call, row_id)

    async def view(self, call: Call, row_id: str) -> Any:
        if "--" in row_id:
            return await super().view(call, row_id)
        await _known(call, "ipv4_networks", row_id)
        call.query["main_attributes"] = {"ipv4_networks_id": row_id}
        return await self.index(call)

    async def computed(self, call: Call, rows: Sequence[Row], answers: Sequence[dict[str, Any]]) -> None:
        for row, answer in zip(rows, answers, strict=True):
            answer["ip"] = str(ipaddress.IPv4Address(row["ip"]))


class Ipv6Networks(Entity):
    """`admin/networking/ipv6`. Addresses and sub-networks are made when they are used."""

    def __init__(self) -> None:
        super().__init__(RESOURCES["admin/networking/ipv6"])

    async def prepare(self, call: Call, given: Given) -> Given:
        network, _, prefix = str(given.get("network", "")).partition("/")
        return (
            {"network_type": "endnet", "type_of_usage": "static", "prefix": prefix or 64} | given | {"network": network}
        )

    async def validate(self, call: Call, given: Given, before: Row | None) -> Errors:
        if before is not None or not given.get("network"):
            return []
        try:
            network = ipaddress.IPv6Network(f"{given['network']}/{given['prefix']}")
        except ValueError:
            return [("network", "Network is invalid.")]
        twin = await call.session.row(
            "SELECT id FROM ipv6_networks WHERE network = %s AND prefix = %s AND deleted = '0'",
            (str(network.network_address), network.prefixlen),
        )
        return [("network", "Network has already been taken.")] if twin else []


class Ipv6Addresses(Entity):
    """`admin/networking/ipv6-ip/{network}`: a POST there uses an address, which then has a row."""

    def __init__(self) -> None:
        super().__init__(RESOURCES["admin/networking/ipv6-ip"])

    async def view(self, call: Call, row_id: str) -> Any:
        await _known(call, "ipv6_networks", row_id.partition("--")[0])
        if "--" in row_id:
            return await super().view(call, row_id)
        call.query["main_attributes"] = {"ipv6_networks_id": row_id}
        return await self.index(call)

    async def add_below(self, call: Call, row_id: str, given: Given) -> tuple[int, Any]:
        network = await _known(call, "ipv6_networks", row_id)
        await self.create(call, {"is_used": 1} | given | {"ipv6_networks_id": network})
        return 202, None

    async def validate(self, call: Call, given: Given, before: Row | None) -> Errors:
        if before is not None:
            return []
        try:
            ipaddress.IPv6Address(str(given.get("ip", "")))
        except ValueError:
            return [("ip", "Ip is invalid.")]
        sql = "SELECT id FROM ipv6_networks_ip WHERE ipv6_networks_id = %s AND ip = %s AND deleted = '0'"
        twin = await call.session.row(sql, (given["ipv6_networks_id"], given["ip"]))
        return [("ip", "Ip has already been taken.")] if twin else []


def mark_used(call: Call, customer: int, addresses: str) -> None:
    """Mark permanent addresses, comma separated, as a customer's; those of no known network stay unknown."""
    for part in filter(None, (one.strip() for one in addresses.split(","))):
        try:
            number = _as_number(part.partition("/")[0])
        except Problem:
            continue
        call.session.later(
            "UPDATE ipv4_networks_ip SET is_used = '1', customer_id = %s WHERE ip = %s AND deleted = '0'",
            (customer, number),
        )


def free(call: Call, customer: int, addresses: str) -> None:
    """Give addresses of a customer back."""
    for part in filter(None, (one.strip() for one in addresses.split(","))):
        call.session.later(
            "UPDATE ipv4_networks_ip SET is_used = '0', customer_id = 0 WHERE ip = INET_ATON(%s) AND customer_id = %s",
            (part.partition("/")[0], customer),
        )


async def _known(call: Call, table: str, network: str) -> int:
    """Raises: Problem: 400, as the product answers for an unknown network."""
    if not await exists(call, table, network):
        raise bad_request("Unknown network!")
    return int(network)


def _as_number(ip: str) -> int:
    try:
        return int(ip) if ip.isdigit() else int(ipaddress.IPv4Address(ip))
    except ValueError:
        raise bad_request() from None
