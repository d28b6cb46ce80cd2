"""What could open a door or take money is never asked for, whatever a record is widened by."""

import pytest
from graphql import FieldNode, InlineFragmentNode, SelectionSetNode

from producers import documents
from schemas.catalogue import AGGREGATES, aggregate
from schemas.selection import selection

SECRETS = {
    "token", "token_id", "creation_token", "password", "credential", "secret", "snmp_community",
    "full_processor_response", "processor_message", "processor_response_message", "routing_number",
}  # fmt: skip
"""Fields of Sonar's: of cards and bank accounts, of payments, of log-ins, of processors' credentials."""


def asked(selected: SelectionSetNode | None) -> set[str]:
    """Every field that a selection asks for, at any depth."""
    found: set[str] = set()
    for node in selected.selections if selected is not None else ():
        if isinstance(node, FieldNode):
            found |= {node.name.value} | asked(node.selection_set)
        elif isinstance(node, InlineFragmentNode):
            found |= asked(node.selection_set)
    return found


@pytest.mark.parametrize("name", [one.name for one in AGGREGATES])
def test_no_secret_is_asked_for(name: str) -> None:
    fields = asked(documents.selection_set(selection(aggregate(name), None, 10)))
    assert "id" in fields
    assert fields & SECRETS == set()
