"""Splynx's rows as reconciliation reads them: by SQL, or over REST where the database is not to be had."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Protocol

Row = Mapping[str, Any]
PART_TABLES = {"customer_info": "customer_info", "customer_billing": "customer_billing"}
"""Tables, keyed by `customer_id`, of the records that share a customer's id."""
SERVICE_TABLES = {"internet_service": "services_internet"}
"""Tables of the services of customers."""


class SplynxRows(Protocol):
    """Reads rows that are not deleted. Ids are numbers; other values are as the way gives them, text perhaps.

    All raise SyncError when Splynx cannot be read.
    """

    at_once: int
    """So many customers at a time are not too long a wait until it is told how far it is."""

    def begin(self) -> None:
        """A new look begins: nothing that was read before counts."""
        ...

    async def customers(self, ids: Sequence[int]) -> Sequence[Row]:
        """`id`, `status` and `login` of customers."""
        ...

    async def named(self, logins: Sequence[str]) -> Sequence[Row]:
        """`id` and `login` of whoever has one of these log-ins, as Splynx compares them, by id."""
        ...

    async def holders(self, entity: str, ids: Sequence[int]) -> Collection[int]:
        """Those of these customers that have a part's row."""
        ...

    async def parts(self, entity: str, ids: Sequence[int]) -> Mapping[int, Row]:
        """The whole rows of a part, by customer."""
        ...

    async def services(self, entity: str, customers: Sequence[int]) -> Sequence[Row]:
        """`id`, `customer_id` and `status` of the services of customers, by id."""
        ...

    async def payments_of(self, customers: Sequence[int]) -> Sequence[Row]:
        """`id`, `customer_id`, `date`, `payment_type` and `amount` of the payments of customers, by id."""
        ...

    async def balances(self, customers: Sequence[int]) -> Iterable[Row]:
        """`customer_id`, `deposit`, and the `total` of the ledger rows that a balance is made of."""
        ...

    async def charges(self, customers: Sequence[int]) -> Sequence[Row]:
        """`id`, `customer_id`, `type`, `date` and `total` of the ledger rows that no payment made, by id."""
        ...

    async def payments(self, ids: Sequence[int]) -> Mapping[int, Row]:
        """Whole payments with `charset_*` of their texts, and `ledger_*` of the rows of the customers' ledger."""
        ...
