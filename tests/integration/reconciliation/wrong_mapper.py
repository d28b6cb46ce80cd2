"""`crossfade` with planted mappers: `python -m … <payment> <account> <account> <command> …`.

The payment is wrong by a cent, and the two accounts have each other's status.
"""

import sys
from dataclasses import replace
from typing import Any

import schemas.mapping
from console.__main__ import main
from schemas.aggregate import Aggregate, Mapper
from schemas.bundle import Bundle
from schemas.catalogue import aggregate
from schemas.rules import Rules


def planted(declared: Aggregate, payment: int, accounts: tuple[int, int], statuses: dict[int, str]) -> Aggregate:
    """The aggregate with a mapper that is wrong for these."""
    right = declared.mapper
    if right is None or declared.name not in {"payment", "account"}:
        return declared

    def wrong(record: Any, rules: Rules) -> Bundle:
        bundle: Bundle = right(record, rules)
        if declared.name == "payment" and record.id == payment:
            first, *others = bundle.records["payment"] or ()
            mended = first.model_copy(update={"amount_minor": first.amount_minor + 1})  # type: ignore[attr-defined]
            return replace(bundle, records={"payment": [mended, *others]})
        if declared.name == "account" and record.id in accounts:
            (customer,) = bundle.records["customer"] or ()
            swapped = customer.model_copy(update={"status": statuses[record.id]})
            return replace(bundle, records={**bundle.records, "customer": [swapped]})
        return bundle

    return replace(declared, mapper=_as_mapper(wrong))


def _as_mapper(mapper: Mapper) -> Mapper:
    return mapper


if __name__ == "__main__":
    payment, first, second, statuses = sys.argv[1:5]
    one, other = statuses.split("/")
    swap = {int(first): other, int(second): one}
    del sys.argv[1:5]
    schemas.mapping.aggregate = lambda name: planted(  # type: ignore[attr-defined]
        aggregate(name), int(payment), (int(first), int(second)), swap
    )
    main()
