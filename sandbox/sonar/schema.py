"""The GraphQL schema of declared types, with the arguments that Sonar gives every collection and relation."""

from collections.abc import Mapping
from functools import cache, lru_cache

from graphql import (
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLEnumValue,
    GraphQLField,
    GraphQLFloat,
    GraphQLID,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInt,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLString,
)

from sandbox.sonar.declarations import FURTHER_INTERFACE_COLUMNS, INTERFACE_COLUMNS, Declarations, ObjectType
from sandbox.sonar.types import SINGLETONS
from sandbox.sonar.values import READERS, read_text

_BUILT_IN = {
    "Boolean": GraphQLBoolean,
    "Float": GraphQLFloat,
    "ID": GraphQLID,
    "Int": GraphQLInt,
    "String": GraphQLString,
}

_INPUTS = {
    "Paginator": {"page": "Int!", "records_per_page": "Int!"},
    "Sorter": {"attribute": "String!", "direction": "SortDirection!"},
    "Aggregator": {
        "field_name": "String!",
        "aggregation_function": "AggregationFunction!",
        "sub_aggregators": "[Aggregator]",
    },
    "ReverseRelationFilter": {
        "relation": "String!",
        "search": "[Search]",
        "general_search": "String",
        "is_empty": "Boolean",
        "group": "String",
    },
    "Search": {
        "string_fields": "[SearchStringField]",
        "integer_fields": "[SearchIntegerField]",
        "float_fields": "[SearchFloatField]",
        "datetime_fields": "[SearchDatetimeField]",
        "date_fields": "[SearchDateField]",
        "ip_address_fields": "[SearchIpAddressField]",
        "boolean_fields": "[SearchBooleanField]",
        "geopoint_fields": "[SearchGeopointVertex]",
        "unset_fields": "[String]",
        "exists": "[String]",
        "reverse_relation_filters": "[ReverseRelationFilter]",
    },
    "SearchStringField": {
        "attribute": "String!",
        "search_value": "String!",
        "match": "Boolean!",
        "partial_matching": "Boolean",
    },
    "SearchIntegerField": {"attribute": "String!", "search_value": "Int64Bit!", "operator": "RangeOperator!"},
    "SearchFloatField": {"attribute": "String!", "search_value": "Float!", "operator": "RangeOperator!"},
    "SearchDatetimeField": {"attribute": "String!", "search_value": "Datetime!", "operator": "RangeOperator!"},
    "SearchDateField": {"attribute": "String!", "search_value": "Date!", "operator": "RangeOperator!"},
    "SearchBooleanField": {"attribute": "String!", "search_value": "Boolean!", "operator": "BooleanOperator"},
    "SearchIpAddressField": {"attribute": "String!", "search_value": "String!", "match": "Boolean!"},
    "SearchGeopointVertex": {"latitude": "Latitude!", "longitude": "Longitude!"},
}

_DEFAULTS = {
    ("ReverseRelationFilter", "is_empty"): False,
    ("ReverseRelationFilter", "group"): "1",
    ("SearchStringField", "partial_matching"): True,
}

_PAGE_INFO = {"page": "Int!", "total_pages": "Int!", "total_count": "Int!", "records_per_page": "Int!"}

_AGGREGATION = {
    "field": "String!",
    "value": "String",
    "counts": "[AggregationBucketResult]",
    "aggregation_function": "AggregationFunction!",
}

_BUCKET = {"value": "String!", "count": "String!", "sub_aggregator_results": "[Aggregation]"}

# Source: Sonar schema, type Me; its relations lead to types that are not served.
ME = {
    "id": "Int64Bit!",
    "name": "String!",
    "username": "String!",
    "public_name": "String!",
    "super_admin": "Boolean!",
    "role_id": "Int64Bit",
    "email_address": "EmailAddress!",
    "mobile_number": "Numeric",
    "language": "Language!",
    "report_builder": "Boolean!",
    "report_viewer": "Boolean!",
}


@lru_cache(maxsize=4)
def build_schema(declarations: Declarations) -> GraphQLSchema:
    """The schema that clients see by introspection and their documents are validated against.

    Built from types, never through printed SDL: printing drops the schema block, and the ordinary object type named
    `Subscription` would become the subscription root.
    """
    return _Builder(declarations).build()


class _Builder:
    def __init__(self, declarations: Declarations) -> None:
        self._declarations = declarations
        self._named: dict[str, GraphQLOutputType | GraphQLInputType] = dict(_BUILT_IN)
        for name, values in declarations.enums.items():
            self._named[name] = GraphQLEnumType(
                name, {value: GraphQLEnumValue(value, description=text) for value, text in values.items()}
            )
        for name, fields in _INPUTS.items():
            self._named[name] = self._input(name, fields)
        for name, fields in {
            "PageInfo": _PAGE_INFO,
            "Aggregation": _AGGREGATION,
            "AggregationBucketResult": _BUCKET,
        }.items():
            self._named[name] = self._object(name, fields)
        self._interface = cache(self._make_interface)
        self._column_arguments = cache(self._make_column_arguments)

    def build(self) -> GraphQLSchema:
        for kind in self._declarations.types.values():
            self._named[kind.name] = self._row_type(kind)
            self._named[f"{kind.name}Connection"] = self._connection(kind.name)
        self._named["Me"] = self._object("Me", ME)
        query = {
            name: GraphQLField(self._type(f"{kind.name}Connection!"), self._arguments(kind, root=True))
            for name, kind in self._declarations.collections.items()
        }
        for name, type_name in {**SINGLETONS, "me": "Me"}.items():
            query[name] = GraphQLField(self._type(f"{type_name}!"))
        rows = [self._named[kind] for kind in self._declarations.types]
        return GraphQLSchema(
            query=GraphQLObjectType("Query", query),
            subscription=None,
            types=[row for row in rows if isinstance(row, GraphQLObjectType)],
            assume_valid=True,
        )

    def _type(self, spelling: str) -> GraphQLOutputType:
        return _wrapped(spelling, self._resolve)  # type: ignore[return-value]  # callers know which side they are on

    def _input_type(self, spelling: str) -> GraphQLInputType:
        return _wrapped(spelling, self._resolve)  # type: ignore[return-value]

    def _resolve(self, name: str) -> GraphQLOutputType | GraphQLInputType:
        if name.endswith("Interface"):
            return self._interface(name)
        if name not in self._named:
            self._named[name] = _scalar(name)
        return self._named[name]

    def _make_interface(self, name: str) -> GraphQLInterfaceType:
        columns = {**INTERFACE_COLUMNS, **FURTHER_INTERFACE_COLUMNS.get(name, {})}
        return GraphQLInterfaceType(
            name, {column: GraphQLField(self._type(spelling)) for column, spelling in columns.items()}
        )

    def _object(self, name: str, fields: Mapping[str, str]) -> GraphQLObjectType:
        return GraphQLObjectType(
            name, lambda: {field: GraphQLField(self._type(spelling)) for field, spelling in fields.items()}
        )

    def _input(self, name: str, fields: Mapping[str, str]) -> GraphQLInputObjectType:
        return GraphQLInputObjectType(
            name,
            lambda: {
                field: (
                    GraphQLInputField(self._input_type(spelling), default_value=_DEFAULTS[name, field])
                    if (name, field) in _DEFAULTS
                    else GraphQLInputField(self._input_type(spelling))
                )
                for field, spelling in fields.items()
            },
        )

    def _connection(self, name: str) -> GraphQLObjectType:
        return self._object(
            f"{name}Connection",
            {"entities": f"[{name}]!", "page_info": "PageInfo!", "aggregations": "[Aggregation]!"},
        )

    def _row_type(self, kind: ObjectType) -> GraphQLObjectType:
        def fields() -> dict[str, GraphQLField]:
            found = {name: GraphQLField(self._type(column.spelling)) for name, column in kind.columns.items()}
            for relation in kind.relations.values():
                target = f"{relation.target}Connection!" if relation.is_connection else relation.target
                if relation.target in self._declarations.types:
                    arguments = self._arguments(self._declarations.types[relation.target], root=False)
                else:
                    arguments = self._interface_arguments()
                found[relation.name] = GraphQLField(self._type(target), arguments)
            return found

        return GraphQLObjectType(
            kind.name, fields, interfaces=lambda: [self._interface(name) for name in kind.interfaces]
        )

    def _arguments(self, kind: ObjectType, *, root: bool) -> dict[str, GraphQLArgument]:
        return self._column_arguments(kind.name, root)

    def _make_column_arguments(self, kind_name: str, root: bool) -> dict[str, GraphQLArgument]:
        kind = self._declarations.types[kind_name]
        found = {
            name: GraphQLArgument(self._input_type(column.spelling.removesuffix("!")))
            for name, column in kind.columns.items()
        }
        # Only accounts can be archived, and everything that leads to them has the switch.
        if "archived_at" in kind.columns:
            found["include_archived"] = GraphQLArgument(GraphQLBoolean)
        found["paginator"] = GraphQLArgument(self._input_type("Paginator"))
        found["sorter"] = GraphQLArgument(self._input_type("[Sorter]"))
        found["search"] = GraphQLArgument(self._input_type("[Search]"))
        found["general_search"] = GraphQLArgument(GraphQLString)
        if root:
            found["general_search_mode"] = GraphQLArgument(self._input_type("GeneralSearchMode"), default_value="ROOT")
        found["aggregation"] = GraphQLArgument(self._input_type("[Aggregator]"))
        found["reverse_relation_filters"] = GraphQLArgument(self._input_type("[ReverseRelationFilter]"))
        return found

    def _interface_arguments(self) -> dict[str, GraphQLArgument]:
        spellings = {name: spelling.removesuffix("!") for name, spelling in INTERFACE_COLUMNS.items()} | {
            "paginator": "Paginator",
            "sorter": "[Sorter]",
            "search": "[Search]",
            "general_search": "String",
            "include_archived": "Boolean",
        }
        return {name: GraphQLArgument(self._input_type(spelling)) for name, spelling in spellings.items()}


def _wrapped(spelling: str, resolve: object) -> object:
    if spelling.endswith("!"):
        return GraphQLNonNull(_wrapped(spelling[:-1], resolve))  # type: ignore[type-var]
    if spelling.startswith("["):
        return GraphQLList(_wrapped(spelling[1:-1], resolve))  # type: ignore[type-var]
    return resolve(spelling)  # type: ignore[operator]


def _scalar(name: str) -> GraphQLScalarType:
    return GraphQLScalarType(name, parse_value=READERS.get(name, read_text))
