"""What goes over REST can be found again after a lost answer; what cannot goes by SQL."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from clients.splynx import SplynxClient
from plumbing.settings import SplynxSettings
from schemas.aggregate import Target, WritePath
from schemas.catalogue import TARGETS
from sinks.handles import has_handle
from sinks.rest import RestRecords
from tests.unit.sinks.records import DETAIL, PERSON


def _rest(targets: dict[str, Target]) -> RestRecords:
    nothing: Any = None
    settings = SplynxSettings(url="http://splynx.example.com", key="k", secret=SecretStr("s"))
    return RestRecords(SplynxClient(settings), nothing, nothing, targets)


@pytest.mark.parametrize("entity", TARGETS)
def test_every_entity_that_goes_over_rest_has_a_handle(entity: str) -> None:
    assert TARGETS[entity].path is WritePath.SQL or has_handle(TARGETS[entity])


@pytest.mark.parametrize(
    "target",
    [
        pytest.param(PERSON, id="by its additional field"),
        pytest.param(DETAIL, id="by the id of what it is part of"),
        pytest.param(replace(PERSON, module=None, natural_key=("name",)), id="by what it says"),
        pytest.param(replace(PERSON, module=None, path=WritePath.SQL), id="by SQL, without any"),
    ],
)
def test_what_can_be_found_again_is_written(target: Target) -> None:
    assert _rest({"thing": target}).shape(replace(target, entity="thing")).target is target


def test_what_could_not_be_found_again_is_refused_before_anything_is_written() -> None:
    with pytest.raises(ValueError, match="without a handle: notes"):
        _rest({"person": PERSON, "notes": replace(PERSON, module=None)})
