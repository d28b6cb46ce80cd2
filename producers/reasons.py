"""Why a row is set aside, in words that hold none of its values."""

from msgspec import Struct, json
from msgspec.structs import asdict
from pydantic import ValidationError


def ill_formed(exc: ValidationError | OverflowError) -> str:
    """The members whose values are not what was declared, and no value."""
    if isinstance(exc, OverflowError):
        return "a whole number of more than 64 bits"
    return ", ".join(sorted({".".join(str(part) for part in one["loc"]) for one in exc.errors()}))[:500]


def largest(row: Struct) -> str:
    """The child collection that takes most of an aggregate's room."""
    sizes = [(len(json.encode(value)), name) for name, value in asdict(row).items() if isinstance(value, list)]
    return max(sizes, default=(0, "its own columns"))[1]
