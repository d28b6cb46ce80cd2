"""Compiles what a document selects of a type into functions from a row to its JSON-ready answer.

Rows leave here a thousand at a time, so the fields of an object become one dict display in generated code; nested
fields are calls to functions that are bound once per request, when the arguments are known.
"""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    ListValueNode,
    ObjectValueNode,
    ValueNode,
    VariableNode,
)
from graphql.execution.values import get_argument_values

from sandbox.sonar.aggregation import aggregate
from sandbox.sonar.declarations import Column, ObjectType, Relation
from sandbox.sonar.filters import Filters
from sandbox.sonar.listing import Listing, Page
from sandbox.sonar.refusals import FieldDenied, QueryRefused
from sandbox.sonar.relations import ids_of, one_of
from sandbox.sonar.rows import Row
from sandbox.sonar.selection import Fields, Selections
from sandbox.sonar.store import Store

Render = Callable[[Any], Any]


@dataclass(frozen=True)
class Conditions:
    """How the server behaves at the moment.

    `largest_page`: page sizes are silently clamped to it. `denied`: fields that the token may not read
    (`Account.contacts`, or a collection); `bubbles` makes a denied field that must not be null take its object with it,
    as GraphQL prescribes, instead of answering null in its place. `emptied`: collections that pretend to have no rows.
    `uncounted`: collections that fail when `page_info` is asked for.
    """

    largest_page: int | None = None
    denied: frozenset[str] = frozenset()
    bubbles: bool = True
    emptied: frozenset[str] = frozenset()
    uncounted: frozenset[str] = frozenset()
    same_attribute_or: bool = False


@dataclass
class Run:
    """One request under way; `errors` collects messages, `read` counts rows of collections by name."""

    store: Store
    variables: dict[str, Any]
    conditions: Conditions
    errors: list[str] = field(default_factory=list)
    read: dict[str, int] = field(default_factory=dict)


class _Arguments:
    """What a field is given: worked out once where no variable takes part, as in most nested fields."""

    def __init__(self, declared: GraphQLField, node: FieldNode) -> None:
        self._declared, self._node = declared, node
        self._varies = any(_has_variable(one.value) for one in node.arguments)
        self._known: Mapping[str, Any] | None = None

    def of(self, variables: dict[str, Any]) -> Mapping[str, Any]:
        """By name, defaults included."""
        if self._known is not None:
            return self._known
        found = get_argument_values(self._declared, self._node, variables)
        if not self._varies:
            self._known = found
        return found


def _has_variable(value: ValueNode) -> bool:
    if isinstance(value, ListValueNode):
        return any(map(_has_variable, value.values))
    if isinstance(value, ObjectValueNode):
        return any(_has_variable(one.value) for one in value.fields)
    return isinstance(value, VariableNode)


class Compiler:
    """Compiles the selections of one document."""

    def __init__(self, schema: GraphQLSchema, store: Store, selections: Selections) -> None:
        self._schema, self._store, self._selections = schema, store, selections

    def row(self, kind: ObjectType, nodes: Sequence[FieldNode]) -> "RowPlan":
        """The plan of one object below `nodes`."""
        fields = self._selections.fields(nodes, frozenset({kind.name, *kind.interfaces}))
        return RowPlan(kind, fields, self)

    def relation(self, kind: ObjectType, relation: Relation, nodes: Sequence[FieldNode]) -> "Nested":
        """The plan of a relation."""
        declared = self.declared(kind.name, relation.name)
        if relation.is_connection:
            target = self._store.declarations.types[relation.target]
            return ConnectionPlan(target, nodes, declared, self, f"{kind.name}.{relation.name}", kind, relation)
        return OnePlan(kind, relation, nodes, declared, self)

    def collection(self, kind: ObjectType, nodes: Sequence[FieldNode]) -> "ConnectionPlan":
        """The plan of a collection at the root."""
        assert kind.collection is not None
        return ConnectionPlan(kind, nodes, self.declared("Query", kind.collection), self, kind.collection)

    def plain(self, type_name: str, nodes: Sequence[FieldNode]) -> Render:
        """A function that picks the selected fields out of a mapping, lists and nested mappings included."""
        picks: list[tuple[str, str, Render | None]] = []
        nested = {"counts": "AggregationBucketResult", "sub_aggregator_results": "Aggregation"}
        for key, merged in self._selections.fields(nodes, frozenset({type_name})).items():
            name = merged[0].name.value
            picks.append((key, name, self.plain(nested[name], merged) if name in nested else None))

        def render(value: Mapping[str, Any]) -> dict[str, Any]:
            answer = {}
            for key, name, inner in picks:
                found = type_name if name == "__typename" else value[name]
                answer[key] = [inner(one) for one in found] if inner is not None and found is not None else found
            return answer

        return render

    def fields(self, type_name: str, nodes: Sequence[FieldNode]) -> Fields:
        """The fields selected below `nodes` of an object that implements nothing."""
        return self._selections.fields(nodes, frozenset({type_name}))

    def members(self, relation: Relation) -> list[ObjectType]:
        """The types a to-one relation can lead to."""
        declarations = self._store.declarations
        if relation.target in declarations.types:
            return [declarations.types[relation.target]]
        return declarations.members(relation.target)

    def stored(self, kind: ObjectType) -> Set[str]:
        """The columns that rows of a type really have."""
        return self._store.tables[kind.name].make.READ.keys()

    def declared(self, type_name: str, name: str) -> GraphQLField:
        """The schema's field, with its arguments."""
        parent = self._schema.type_map[type_name]
        assert isinstance(parent, GraphQLObjectType)
        field: GraphQLField = parent.fields[name]
        return field


class RowPlan:
    """One object type's selected fields, as generated code."""

    def __init__(self, kind: ObjectType, fields: Fields, compiler: Compiler) -> None:
        self.kind = kind
        self.nested: list[Nested] = []
        entries = []
        for key, nodes in fields.items():
            name = nodes[0].name.value
            if name == "__typename":
                expression = repr(kind.name)
            elif name in kind.columns:
                expression = _expression(kind.columns[name], compiler.stored(kind))
            else:
                expression = f"n{len(self.nested)}(row)"
                self.nested.append(compiler.relation(kind, kind.relations[name], nodes))
            entries.append(f"{key!r}: {expression}")
        parameters = ", ".join(f"n{number}" for number in range(len(self.nested)))
        source = f"def make({parameters}):\n def render(row):\n  return {{{', '.join(entries)}}}\n return render\n"
        namespace: dict[str, Any] = {}
        # Keys are GraphQL names, which the parser holds to letters, digits and underscores; columns are our own.
        exec(source, namespace)  # noqa: S102
        self._make: Callable[..., Render] = namespace["make"]

    def bind(self, run: Run) -> Render:
        """The rendering function for this request."""
        render = self._make(*(one.bind(run) for one in self.nested))
        if not run.conditions.denied:
            return render

        def guarded(row: Row) -> Any:
            try:
                return render(row)
            except FieldDenied:
                return None

        return guarded


class OnePlan:
    """A relation to one row or none."""

    def __init__(
        self,
        kind: ObjectType,
        relation: Relation,
        nodes: Sequence[FieldNode],
        declared: GraphQLField,
        compiler: Compiler,
    ) -> None:
        self._kind, self._relation, self._arguments = kind, relation, _Arguments(declared, nodes[0])
        self._plans = {target.name: compiler.row(target, nodes) for target in compiler.members(relation)}

    def bind(self, run: Run) -> Render:
        """The function that answers the relation; filters that the row does not meet make it null."""
        if f"{self._kind.name}.{self._relation.name}" in run.conditions.denied:
            return lambda row: run.errors.append(_denied(self._relation.name))
        arguments = self._arguments.of(run.variables)
        archived = bool(arguments.get("include_archived"))
        filters = Filters(run.store, archived, run.conditions.same_attribute_or)
        one = one_of(run.store, self._kind, self._relation)
        bound = {
            name: (plan.bind(run), filters.everything(plan.kind, arguments), "archived_at" in plan.kind.columns)
            for name, plan in self._plans.items()
        }
        if len(bound) == 1:
            [(render, test, archivable)] = bound.values()
            if test is None and (archived or not archivable):
                return lambda row: None if (found := one(row)) is None else render(found)

        def answer(row: Row) -> Any:
            found = one(row)
            if found is None or found.TYPE.name not in bound:
                return None
            render, test, archivable = bound[found.TYPE.name]
            if archivable and not archived and found["archived_at"] is not None:
                return None
            return render(found) if test is None or test(found) else None

        return answer


class ConnectionPlan:
    """A connection, nested in a row or at the root."""

    def __init__(
        self,
        kind: ObjectType,
        nodes: Sequence[FieldNode],
        declared: GraphQLField,
        compiler: Compiler,
        name: str,
        parent: ObjectType | None = None,
        relation: Relation | None = None,
    ) -> None:
        self.kind, self.name = kind, name
        self._parent, self._relation, self._arguments = parent, relation, _Arguments(declared, nodes[0])
        self._parts: list[tuple[str, str, Any]] = []
        self._counted = False
        for key, merged in compiler.fields(f"{kind.name}Connection", nodes).items():
            part = merged[0].name.value
            plan: Any = None
            if part == "entities":
                plan = compiler.row(kind, merged)
            elif part == "page_info":
                plan, self._counted = compiler.plain("PageInfo", merged), True
            elif part == "aggregations":
                plan = compiler.plain("Aggregation", merged)
            self._parts.append((key, part, plan))

    def bind(self, run: Run) -> Render:
        """The function that answers the nested connection of a row."""
        assert self._parent is not None
        assert self._relation is not None
        if self.name in run.conditions.denied:
            return self._refusal(run)
        listing, answer = self._prepare(run)
        ids = ids_of(run.store, self._parent, self._relation)
        return lambda row: answer(listing.of(found := ids(row)), lambda: listing.passing(found))

    def whole(self, run: Run) -> Any:
        """The answer of the collection.

        Raises:
            FieldDenied: it may not be read.
        """
        if self.name in run.conditions.denied:
            return self._refusal(run)(None)
        if self._counted and self.name in run.conditions.uncounted:
            raise QueryRefused(f"Aggregation for {self.name} does not exist.")
        listing, answer = self._prepare(run)
        if self.name in run.conditions.emptied:
            return answer(listing.of(()), list)
        page = listing.whole()
        run.read[self.name] = run.read.get(self.name, 0) + len(page.rows)
        return answer(page, listing.matching)

    def _prepare(self, run: Run) -> tuple[Listing, Callable[[Page, Callable[[], list[Row]]], dict[str, Any]]]:
        arguments = self._arguments.of(run.variables)
        conditions = run.conditions
        listing = Listing(
            run.store,
            self.kind,
            arguments,
            counted=self._counted,
            largest_page=conditions.largest_page,
            same_attribute_or=conditions.same_attribute_or,
        )
        bound = [(key, part, plan.bind(run) if part == "entities" else plan) for key, part, plan in self._parts]
        aggregators = arguments.get("aggregation") or ()
        type_name = f"{self.kind.name}Connection"

        def answer(page: Page, matching: Callable[[], list[Row]]) -> dict[str, Any]:
            answered: dict[str, Any] = {}
            for key, part, render in bound:
                if part == "entities":
                    answered[key] = [render(row) for row in page.rows]
                elif part == "page_info":
                    answered[key] = render(_page_info(page))
                elif part == "aggregations":
                    figures = aggregate(self.kind, aggregators, matching()) if aggregators else []
                    answered[key] = [render(figure) for figure in figures]
                else:
                    answered[key] = type_name
            return answered

        return listing, answer

    def _refusal(self, run: Run) -> Render:
        name = self.name.rpartition(".")[2]

        def refuse(row: Row | None) -> None:
            run.errors.append(_denied(name))
            if run.conditions.bubbles:
                raise FieldDenied(name)

        return refuse


Nested = OnePlan | ConnectionPlan


def _expression(column: Column, stored: Set[str]) -> str:
    """How a column is written to JSON: ids travel as text, all else as the encoder spells it.

    A column that appeared by drift is in no row yet: null.
    """
    if column.name not in stored:
        return "None"
    value = f"row.{column.name}"
    if column.scalar != "Int64Bit":
        return value
    return f"str({value})" if column.required else f"(None if {value} is None else str({value}))"


def _page_info(page: Page) -> dict[str, int]:
    total = page.total or 0
    return {
        "page": page.page,
        "total_pages": max(1, -(-total // page.per_page)),
        "total_count": total,
        "records_per_page": page.per_page,
    }


def _denied(name: str) -> str:
    return f"You are not authorized to access {name}."
