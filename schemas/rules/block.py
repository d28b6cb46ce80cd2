"""What every block of the rules is, and kinds of values that more than one of them has."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Id = Annotated[int, Field(ge=1)]


class Block(BaseModel):
    """A part of the rules: known keys only, and never changed."""

    # strict: YAML has types of its own, and a country NO that became false should be heard of.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
