"""What a comparison finds: one difference, where it comes from, and whether it lasts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Cause:
    """Why a record differs, and the message of the bundle that would have written it."""

    why: str
    topic: str | None = None
    partition: int | None = None
    offset: int | None = None


UNEXPLAINED = Cause("unexplained")


@dataclass(frozen=True)
class Finding:
    """A difference between both ends. None means that the record is not there. Values are ids, statuses and money."""

    check: str
    entity: str
    key: str
    field: str
    expected: str | None
    actual: str | None
    cause: Cause = UNEXPLAINED
    confirmed: bool = False


def differences(
    check: str, entity: str, field: str, expected: Mapping[str, str], actual: Mapping[str, str]
) -> list[Finding]:
    """A finding for each key whose two values are not equal, in the order of keys.

    >>> [one.key for one in differences("counts", "customer", "records", {"a": "1", "b": "2"}, {"a": "1"})]
    ['b']
    """
    return [
        Finding(check, entity, key, field, expected.get(key), actual.get(key))
        for key in sorted({*expected, *actual})
        if expected.get(key) != actual.get(key)
    ]


def lasting(before: Iterable[Finding], after: Iterable[Finding]) -> list[Finding]:
    """The findings of the second look that stood in the first one just so: these are confirmed.

    Between both looks every stage has passed a watermark later than the first read, so what was only late is gone; and
    what changed between the looks differs from itself.
    """
    seen = {_identity(one) for one in before}
    return [replace(one, confirmed=True) for one in after if _identity(one) in seen]


def _identity(one: Finding) -> tuple[str, str, str, str, str | None, str | None]:
    return one.check, one.entity, one.key, one.field, one.expected, one.actual
