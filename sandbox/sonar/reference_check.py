"""Holds what the sandbox serves against Sonar's real schema, given as an SDL file."""

from collections.abc import Iterator
from pathlib import Path

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    get_named_type,
    is_leaf_type,
    is_specified_scalar_type,
)
from graphql import build_schema as read_sdl

from sandbox.sonar.declarations import Declarations
from sandbox.sonar.enums import PARTIAL
from sandbox.sonar.schema import build_schema
from sandbox.sonar.types import SERVED

UNSERVED_ARGUMENTS = frozenset({"valid_for_account_id"})
"""Filters that depend on who would buy; no reader of whole collections uses them."""


def differences(sdl_path: Path, declared: Declarations = SERVED) -> list[str]:
    """Every way in which a served type, argument, enum or input is unlike the real one; empty when they agree.

    A served object type must have all scalar fields of the real one; of relations and root queries, those that are
    served must be alike. Large enums may be served in part.
    """
    real = read_sdl(sdl_path.read_text(encoding="utf-8"), assume_valid=True)
    ours = build_schema(declared)
    return sorted(line for name in ours.type_map if not name.startswith("__") for line in _type(name, ours, real))


def _type(name: str, ours: GraphQLSchema, real: GraphQLSchema) -> Iterator[str]:
    mine, theirs = ours.type_map[name], real.type_map.get(name)
    if theirs is None:
        yield f"{name} is not a type of Sonar's"
    elif type(mine) is not type(theirs):
        yield f"{name} is a {_sort(mine)} here and a {_sort(theirs)} there"
    elif isinstance(mine, GraphQLEnumType) and isinstance(theirs, GraphQLEnumType):
        yield from _enum(mine, theirs)
    elif isinstance(mine, GraphQLInputObjectType) and isinstance(theirs, GraphQLInputObjectType):
        yield from _named_types(
            name,
            {key: f"{one.type} = {one.default_value}" for key, one in mine.fields.items()},
            {key: f"{one.type} = {one.default_value}" for key, one in theirs.fields.items()},
        )
    elif isinstance(mine, GraphQLObjectType | GraphQLInterfaceType):
        assert isinstance(theirs, GraphQLObjectType | GraphQLInterfaceType)
        yield from _object(mine, theirs)
    elif not isinstance(mine, GraphQLScalarType):
        yield f"{name} is of a sort that is not compared"


def _enum(mine: GraphQLEnumType, theirs: GraphQLEnumType) -> Iterator[str]:
    for value in mine.values.keys() - theirs.values.keys():
        yield f"{mine.name}.{value} is not a value of Sonar's"
    if mine.name not in PARTIAL:
        for value in theirs.values.keys() - mine.values.keys():
            yield f"{mine.name} lacks {value}"


def _object(
    mine: GraphQLObjectType | GraphQLInterfaceType, theirs: GraphQLObjectType | GraphQLInterfaceType
) -> Iterator[str]:
    for name, field in mine.fields.items():
        if name not in theirs.fields:
            yield f"{mine.name}.{name} is not a field of Sonar's"
            continue
        real = theirs.fields[name]
        if str(field.type) != str(real.type):
            yield f"{mine.name}.{name} is {field.type} here and {real.type} there"
        yield from _named_types(f"{mine.name}.{name}", _arguments(field), _arguments(real))
    for name, real in theirs.fields.items():
        if is_leaf_type(get_named_type(real.type)) and name not in mine.fields and mine.name != "Query":
            yield f"{mine.name} lacks the column {name}: {real.type}"
    if (missing := {one.name for one in theirs.interfaces} ^ {one.name for one in mine.interfaces}) and mine.fields:
        yield f"{mine.name} differs in its interfaces: {', '.join(sorted(missing))}"


def _arguments(field: GraphQLField) -> dict[str, str]:
    def spell(argument: GraphQLArgument) -> str:
        return f"{argument.type} = {argument.default_value}"

    return {name: spell(argument) for name, argument in field.args.items() if name not in UNSERVED_ARGUMENTS}


def _named_types(owner: str, mine: dict[str, str], theirs: dict[str, str]) -> Iterator[str]:
    for name in mine.keys() | theirs.keys():
        if mine.get(name) != theirs.get(name):
            yield f"{owner}({name}) is {mine.get(name)} here and {theirs.get(name)} there"


def _sort(one: GraphQLNamedType) -> str:
    return "built-in scalar" if is_specified_scalar_type(one) else type(one).__name__
