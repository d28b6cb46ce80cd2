"""Answers GraphQL requests over a store: graphql-core parses and validates, compiled selections do the reading."""

from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import orjson
from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    execute_sync,
    parse,
    validate,
)
from graphql.execution.values import get_variable_values

from sandbox.sonar.compile import Compiler, Conditions, ConnectionPlan, RowPlan, Run
from sandbox.sonar.declarations import Declarations
from sandbox.sonar.refusals import FieldDenied, QueryRefused
from sandbox.sonar.schema import build_schema
from sandbox.sonar.selection import Selections, operations, root_names, switches
from sandbox.sonar.store import Store
from sandbox.sonar.types import SINGLETONS

_DOCUMENTS = 512
"""Documents kept compiled; clients that inline their literals send a new one each time."""

_NORMAL = Conditions()

TOKEN_USER: Mapping[str, object] = {
    "id": "1",
    "name": "Migration Reader",
    "username": "reader",
    "public_name": "Reader",
    "super_admin": False,
    "role_id": "1",
    "email_address": "reader@example.com",
    "mobile_number": None,
    "language": "en",
    "report_builder": False,
    "report_viewer": False,
}
"""What `me` answers: the user that the token belongs to."""


class Engine:
    """Executes documents, one at a time, for all clients. `rows_read` counts root rows by collection."""

    def __init__(self, store: Store, declarations: Declarations | None = None) -> None:
        """`declarations`: what is shown of the store, all of it by default."""
        self.store = store
        self.declarations = declarations or store.declarations
        self.schema: GraphQLSchema = build_schema(self.declarations)
        self.rows_read: Counter[str] = Counter()
        self._documents: OrderedDict[str, _Document] = OrderedDict()

    def execute(
        self,
        query: str,
        variables: Mapping[str, Any] | None = None,
        operation_name: str | None = None,
        conditions: Conditions = _NORMAL,
    ) -> dict[str, Any]:
        """The answer's body: `data` and, when something went wrong, `errors`. Values are ready for orjson."""
        return self._document(query).answer(variables or {}, operation_name, conditions)

    def roots(self, query: str) -> tuple[str, ...]:
        """The names of a document's root fields, without repetition; empty when it is not valid."""
        return self._document(query).roots

    def _document(self, query: str) -> "_Document":
        document = self._documents.get(query)
        if document is None:
            document = self._documents[query] = _Document(query, self)
            if len(self._documents) > _DOCUMENTS:
                self._documents.popitem(last=False)
        else:
            self._documents.move_to_end(query)
        return document


@dataclass(frozen=True)
class _Valid:
    """A document that is valid under a schema."""

    node: DocumentNode
    switches: tuple[str, ...]
    operations: Mapping[str, OperationDefinitionNode]
    roots: tuple[str, ...]
    introspected: dict[tuple[str, bytes], dict[str, Any]] = field(default_factory=dict, compare=False)
    """What the schema answers about itself, for it is large and never changes."""


@lru_cache(maxsize=_DOCUMENTS)
def _read(query: str, schema: GraphQLSchema) -> "_Valid | list[dict[str, Any]]":
    """The document, or what is wrong with it. Remembered for all engines that show one schema."""
    try:
        node = parse(query, no_location=False)
    except GraphQLError as error:
        return [dict(error.formatted)]
    errors = [dict(error.formatted) for error in validate(schema, node)]
    if errors:
        return errors
    named = {one.name.value if one.name else "": one for one in operations(node)}
    return _Valid(node, tuple(sorted(switches(node))), named, root_names(node))


class _Document:
    """One document: its errors, or its operations with their plans."""

    def __init__(self, query: str, engine: Engine) -> None:
        self._engine = engine
        self._plans: dict[tuple[str, tuple[bool, ...]], _Plan] = {}
        self._read = _read(query, engine.schema)
        self.roots = () if isinstance(self._read, list) else self._read.roots

    def answer(self, variables: Mapping[str, Any], name: str | None, conditions: Conditions) -> dict[str, Any]:
        read = self._read
        if isinstance(read, list):
            return {"errors": read}
        operation = _choose(read.operations, name)
        if operation is None:
            return _failed("Must provide the name of one of the document's operations.")
        if operation.operation is not OperationType.QUERY:
            return _failed("Schema is not configured to execute mutation operation.")
        coerced = get_variable_values(
            self._engine.schema, operation.variable_definitions or (), dict(variables), max_errors=50
        )
        if isinstance(coerced, list):
            return {"errors": [dict(error.formatted) for error in coerced]}
        values = tuple(bool(coerced.get(one)) for one in read.switches)
        key = (operation.name.value if operation.name else "", values)
        if key not in self._plans:
            chosen = dict(zip(read.switches, values, strict=True))
            self._plans[key] = _Plan(read, operation, chosen, self._engine)
        return self._plans[key].run(coerced, conditions)


def _choose(known: Mapping[str, OperationDefinitionNode], name: str | None) -> OperationDefinitionNode | None:
    if name:
        return known.get(name)
    return next(iter(known.values())) if len(known) == 1 else None


class _Plan:
    """One operation under fixed directive variables."""

    def __init__(
        self,
        read: _Valid,
        operation: OperationDefinitionNode,
        chosen: Mapping[str, bool],
        engine: Engine,
    ) -> None:
        self._engine, self._read, self._operation = engine, read, operation
        selections = Selections(read.node, chosen)
        compiler = Compiler(engine.schema, engine.store, selections)
        self._parts: list[tuple[str, str, Any]] = []
        self._introspection: list[FieldNode] = []
        for key, nodes in selections.fields([operation], frozenset({"Query"})).items():
            name = nodes[0].name.value
            plan: Any = None
            if name in ("__schema", "__type"):
                self._introspection += nodes
            elif name in SINGLETONS:
                plan = compiler.row(engine.declarations.types[SINGLETONS[name]], nodes)
            elif name == "me":
                plan = compiler.plain("Me", nodes)
            elif name != "__typename":
                plan = compiler.collection(engine.declarations.collections[name], nodes)
            self._parts.append((key, name, plan))

    def run(self, variables: dict[str, Any], conditions: Conditions) -> dict[str, Any]:
        run = Run(self._engine.store, variables, conditions)
        introspected = self._introspect(variables) if self._introspection else {}
        try:
            data: dict[str, Any] | None = {
                key: self._field(key, name, plan, run, introspected) for key, name, plan in self._parts
            }
        except FieldDenied:
            data = None
        except QueryRefused as refusal:
            return {"errors": [{"message": str(refusal)}], "data": None}
        except GraphQLError as error:
            return {"errors": [dict(error.formatted)], "data": None}
        self._engine.rows_read.update(run.read)
        if run.errors:
            return {"errors": [{"message": message} for message in run.errors], "data": data}
        return {"data": data}

    def _field(self, key: str, name: str, plan: Any, run: Run, introspected: Mapping[str, Any]) -> Any:
        if isinstance(plan, ConnectionPlan):
            return plan.whole(run)
        if isinstance(plan, RowPlan):
            return plan.bind(run)(self._engine.store.tables[plan.kind.name].rows[1])
        if name == "me":
            return plan(TOKEN_USER)
        return "Query" if name == "__typename" else introspected[key]

    def _introspect(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """The schema about itself: graphql-core's own answer, kept as JSON."""
        name = self._operation.name.value if self._operation.name else ""
        # The variables decide on directives, too: no two plans of an operation have the same ones.
        key, answers = (name, orjson.dumps(variables, default=str)), self._read.introspected
        if key not in answers:
            operation = OperationDefinitionNode(
                operation=OperationType.QUERY,
                name=None,
                variable_definitions=self._operation.variable_definitions,
                directives=(),
                selection_set=SelectionSetNode(selections=tuple(self._introspection)),
            )
            others = [one for one in self._read.node.definitions if not isinstance(one, OperationDefinitionNode)]
            document = DocumentNode(definitions=(operation, *others))
            result = execute_sync(self._engine.schema, document, variable_values=dict(variables))
            answers[key] = {name: orjson.Fragment(orjson.dumps(one)) for name, one in (result.data or {}).items()}
        return answers[key]


def _failed(message: str) -> dict[str, Any]:
    return {"errors": [{"message": message}]}
