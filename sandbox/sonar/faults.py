"""Faults on demand: what the next requests will meet, in the shapes that real clients reported."""

from collections.abc import Iterable
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from sandbox.sonar.compile import Conditions

ENDS = frozenset({"429", "500", "errors", "html", "cutoff", "reset", "unauthenticated"})
"""Kinds that replace the answer; the others change how it comes about."""


class Fault(BaseModel):
    """One fault in the queue, by kind.

    - `429`, `500`, `unauthenticated`: what they say, in the words of the real one.
    - `errors`: HTTP 200 with GraphQL errors (`message`) and no data.
    - `html`: the page of a proxy, with `status`.
    - `cutoff`: half of the body, then the connection closes. `reset`: it closes before any answer.
    - `slow`: the answer is made now and sent after `seconds`; with `early` the wait comes first.
    - `clamp`: page sizes are silently cut to `rows`.
    - `partial`: every second root row is null, beside errors.
    - `permission`: `field` (`Account.contacts`, or a collection) may not be read. A field that must not be null takes
      its object with it; with `bubbles` false it is null in place.
    - `empty`: collections that match pretend to have no rows.
    - `page_info`: collections that match fail when page_info is asked for.
    """

    model_config = ConfigDict(extra="forbid")

    kind: Literal[
        "429", "500", "errors", "html", "cutoff", "reset", "unauthenticated", "slow", "clamp", "partial",
        "permission", "empty", "page_info",
    ]  # fmt: skip
    count: int | None = Field(default=1, ge=1, description="requests it hits; null: all until it is cleared")
    skip: int = Field(default=0, ge=0, description="matching requests that pass before it begins")
    match: str = Field(default="", description="part of the name of a root field; empty matches every request")
    retry_after: int | None = Field(default=None, description="seconds, for 429 and html")
    seconds: float = Field(default=0.0, ge=0)
    early: bool = False
    status: int = 502
    rows: int = Field(default=1, ge=1)
    field: str = ""
    bubbles: bool = True
    message: str = "Internal server error"


class FaultQueue:
    """Faults in the order they were asked for. A request meets every one that matches it."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Put a fault at the end."""
        self._faults.append(fault)

    def clear(self) -> None:
        """Forget all."""
        self._faults = []

    def waiting(self) -> list[Fault]:
        """Those still waiting, with what is left of their counts."""
        return [fault.model_copy() for fault in self._faults]

    def take(self, roots: Iterable[str]) -> list[Fault]:
        """The faults that a request for these root fields meets; each is counted down.

        Of those that replace the answer only the first is taken, so that three queued ones hit three requests.
        """
        names, met, ended = list(roots), [], False
        for fault in list(self._faults):
            if not any(fault.match in name for name in names or [""]) or (ended and fault.kind in ENDS):
                continue
            if fault.skip:
                fault.skip -= 1
                continue
            met.append(fault.model_copy())
            ended = ended or fault.kind in ENDS
            if fault.count is not None:
                fault.count -= 1
                if fault.count == 0:
                    self._faults.remove(fault)
        return met


def conditions(faults: Iterable[Fault], roots: Iterable[str], normal: Conditions) -> Conditions:
    """The conditions of a request that meets `faults`."""
    names = list(roots)
    largest, denied, emptied, uncounted, bubbles = normal.largest_page, set(normal.denied), set(), set(), normal.bubbles
    for fault in faults:
        matching = {name for name in names if fault.match in name}
        if fault.kind == "clamp":
            largest = fault.rows if largest is None else min(largest, fault.rows)
        elif fault.kind == "permission":
            denied.add(fault.field)
            bubbles = bubbles and fault.bubbles
        elif fault.kind == "empty":
            emptied |= matching
        elif fault.kind == "page_info":
            uncounted |= matching
    return Conditions(
        largest_page=largest,
        denied=frozenset(denied),
        bubbles=bubbles,
        emptied=normal.emptied | emptied,
        uncounted=normal.uncounted | uncounted,
        same_attribute_or=normal.same_attribute_or,
    )
