"""A document's selection sets, flattened: which fields are asked of a type, with fragments and directives resolved."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from graphql import (
    BooleanValueNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    Visitor,
    visit,
)

Fields = dict[str, list[FieldNode]]
"""Response key → the field nodes merged under it (the validator has seen to it that they agree)."""


class Selections:
    """Flattens the selection sets of one document, under fixed values of the variables that its directives use.

    Without `switches` everything counts as selected.
    """

    def __init__(self, document: DocumentNode, switches: Mapping[str, Any] | None) -> None:
        self._switches = switches
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }

    def fields(self, nodes: Iterable[FieldNode | OperationDefinitionNode], names: frozenset[str]) -> Fields:
        """The fields below `nodes` that apply to an object called by any of `names` (its type and interfaces)."""
        found: Fields = {}
        for node in nodes:
            if node.selection_set is not None:
                self._collect(node.selection_set, names, found)
        return found

    def _collect(self, selections: SelectionSetNode, names: frozenset[str], found: Fields) -> None:
        for node in selections.selections:
            if not self._is_included(node.directives):
                continue
            if isinstance(node, FieldNode):
                key = node.alias.value if node.alias else node.name.value
                found.setdefault(key, []).append(node)
            elif isinstance(node, FragmentSpreadNode):
                fragment = self._fragments[node.name.value]
                if fragment.type_condition.name.value in names:
                    self._collect(fragment.selection_set, names, found)
            elif isinstance(node, InlineFragmentNode) and (
                node.type_condition is None or node.type_condition.name.value in names
            ):
                self._collect(node.selection_set, names, found)

    def _is_included(self, directives: Iterable[DirectiveNode]) -> bool:
        for directive in directives if self._switches is not None else ():
            name = directive.name.value
            if name in ("include", "skip") and self._switch(directive) != (name == "include"):
                return False
        return True

    def _switch(self, directive: DirectiveNode) -> bool:
        value = directive.arguments[0].value
        if isinstance(value, VariableNode):
            return bool((self._switches or {})[value.name.value])
        return isinstance(value, BooleanValueNode) and value.value


def switches(document: DocumentNode) -> frozenset[str]:
    """The variables that decide which fields are selected."""
    finder = _SwitchFinder()
    visit(document, finder)
    return frozenset(finder.names)


def operations(document: DocumentNode) -> Iterator[OperationDefinitionNode]:
    """The operations of a document."""
    return (node for node in document.definitions if isinstance(node, OperationDefinitionNode))


def root_names(document: DocumentNode) -> tuple[str, ...]:
    """The names of the root fields of a valid document, in order, without repetition."""
    fields = Selections(document, None).fields(operations(document), frozenset({"Query"}))
    return tuple(dict.fromkeys(nodes[0].name.value for nodes in fields.values()))


class _SwitchFinder(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_directive(self, node: DirectiveNode, *_: object) -> None:
        if node.name.value in ("include", "skip"):
            self.names |= {
                argument.value.name.value for argument in node.arguments if isinstance(argument.value, VariableNode)
            }
