"""A row that is adopted: what differs is written where somebody approved of it, and a price never is unasked."""

from typing import Any

import pytest

from schemas.catalogue import TARGETS
from schemas.ledger import AGREED, KEPT, TAKEN, UNSETTLED
from schemas.ownership import DECLARED, Ownership
from sinks.bodies import same
from sinks.threeway import Decision, Merged, Side, Standing, merge

TARIFF = TARGETS["internet_tariff"]


def merged(theirs: str, ours: str = "65.0000", *, policy: Any = "hold", **more: Any) -> Merged:
    """A tariff of another title and price, of which nobody knows what was written last."""
    return merge(
        TARIFF, Ownership(policy=policy), base={}, source={"price": ours, "speed_download": 2},
        current={"price": theirs, "speed_download": 1}, same=same, **more,
    )  # fmt: skip


@pytest.mark.parametrize("policy", ["hold", "overwrite", "keep"])
def test_an_adopted_tariff_is_not_repriced_whatever_the_policy(policy: str) -> None:
    found = merged("60.0000", policy=policy)
    assert found.left == {"price"}
    assert [(one.field, one.state, one.source, one.target) for one in found.told] == [
        ("price", UNSETTLED, "65.0000", "60.0000")
    ]
    again = merged("60.0000", policy=policy, standing={"price": Standing(7, UNSETTLED, None, "65.0000", "60.0000")})
    assert (again.left, again.told) == ({"price"}, [])


def test_a_price_that_is_the_same_is_no_matter() -> None:
    assert merged("65.00") == Merged()
    agreed = merged("65.00", standing={"price": Standing(7, UNSETTLED, None, "65.0000", "60.0000")})
    assert [(one.state, one.row) for one in agreed.told] == [(AGREED, 7)]


@pytest.mark.parametrize(("side", "state", "left"), [(Side.SOURCE, TAKEN, set()), (Side.TARGET, KEPT, {"price"})])
def test_somebody_decides_about_it(side: Side, state: str, left: set[str]) -> None:
    standing = {"price": Standing(7, UNSETTLED, None, "65.0000", "60.0000")}
    found = merged("60.0000", standing=standing, decided={"price": Decision(side, "60.0000", "ada")})
    assert ([one.state for one in found.told], found.left) == ([state], left)
    # Splynx was changed since somebody looked: the decision was about another price.
    assert merged("61.0000", standing=standing, decided={"price": Decision(side, "60.0000", "ada")}).left == {"price"}


def test_a_price_that_was_kept_stays_until_sonar_has_another() -> None:
    standing = {"price": Standing(7, KEPT, None, "65.0000", "60.0000")}
    assert merged("60.0000", standing=standing).told == []
    later = merged("60.0000", "70.0000", standing=standing)
    assert ([one.state for one in later.told], later.left) == ([UNSETTLED], {"price"})


def test_of_a_row_that_is_only_used_nothing_is_written_unasked() -> None:
    found = merge(
        TARGETS["label"], DECLARED, base={}, source={"label": "grp: A", "color": "#1"},
        current={"label": "grp: A", "color": "#2"}, unasked={"label", "color"}, same=same,
    )  # fmt: skip
    assert found.left == {"color"}
    assert [(one.field, one.state) for one in found.told] == [("color", UNSETTLED)]
