"""Which records of a rollback wait for each other."""

from typing import Any

from schemas.catalogue import TARGETS
from sinks.plan import Known
from sinks.planned import Planned, lane_of
from sinks.tables.crosswalk import Owned
from sinks.undo import Undo, Way


def planned(entity: str, key: str, before: dict[str, Any], **document: Any) -> Planned:
    owned = Owned(Known(entity, key, 1, "", 1, "live", 0, document), ("account", int(key)), 0, 1)
    return Planned(TARGETS[entity], key, owned, Undo(Way.RESTORE, before), ("r",), 1)


def test_what_belongs_to_one_customer_or_hands_values_on_is_undone_in_turn() -> None:
    ref = {"entity": "customer", "key": "7"}
    services = [planned("internet_service", key, {"status": "active"}, customer_id=ref) for key in ("1", "2")]
    assert {lane_of(one) for one in services} == {("customer", "7")}
    named = [planned("customer", key, {"name": "A"}) for key in ("1", "2")]
    assert len({lane_of(one) for one in named}) == 2
    # Of two that swap their log-ins one must give up its own before the other gets it.
    assert len({lane_of(planned("customer", key, {"login": key})) for key in ("1", "2")}) == 1
    assert len({lane_of(planned("label", key, {"label": key})) for key in ("1", "2")}) == 1
    # A payment's receipt is its own: those of several customers go beside each other.
    paid = [planned("payment", k, {"receipt_number": k}, customer_id=ref | {"key": k}) for k in ("1", "2")]
    assert len({lane_of(one) for one in paid}) == 2
