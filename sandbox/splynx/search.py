"""Search, order and paging: the five parameters that a list understands, turned into SQL. Others are ignored.

A few lists have parameters of their own beside them, `asked_by` in their declarations.
"""

# ruff: noqa: S608 - the names in the SQL are our own declarations, values are always passed beside it

from dataclasses import dataclass
from typing import Any

from sandbox.splynx.php import Tree, members
from sandbox.splynx.resources import Resource

COMPARISONS = frozenset({"=", "!=", ">=", "<=", ">", "<", "<>"})
OPERATORS = COMPARISONS | {"IS", "REGEXP", "BETWEEN", "LIKE", "IN", "FIND_IN_SET"}


@dataclass(frozen=True)
class Clause:
    """A condition in SQL and its values."""

    sql: str
    values: tuple[Any, ...] = ()


def where(resource: Resource, query: Tree, *, base: list[Clause]) -> Clause:
    """The condition of a list: `base`, the rows not deleted, and what the caller asks for, joined by AND.

    An attribute that is no column is ignored, as is an operator that the product does not know.
    """
    clauses = list(base)
    if resource.soft_delete:
        clauses.append(Clause("t.`deleted` = '0'"))
    clauses += [_equal(f"t.`{name}`", value) for name in resource.asked_by if isinstance(value := query.get(name), str)]
    for name, wanted in _tree(query, "main_attributes").items():
        column = resource.table.by_name.get(name)
        if column is not None and column.is_packed:
            clauses += [_packed(clause) for clause in _condition(f"t.`{name}`", wanted)]
        elif column is not None:
            clauses += _condition(f"t.`{name}`", wanted)
    if resource.module:
        for name, wanted in _tree(query, "additional_attributes").items():
            for inner in _condition("v.`value`", wanted):
                clauses.append(
                    Clause(
                        f"t.`{resource.key}` IN (SELECT v.`id` FROM `{resource.module}_values` v"
                        f" WHERE v.`name` = %s AND {inner.sql})",
                        (name, *inner.values),
                    )
                )
    sql = " AND ".join(clause.sql for clause in clauses) or "1"
    return Clause(sql, tuple(value for clause in clauses for value in clause.values))


def order_and_page(resource: Resource, query: Tree) -> str:
    """ORDER BY and LIMIT. Without a limit all rows come, as in the product."""
    order = [
        f"t.`{name}` {'DESC' if str(direction).upper() == 'DESC' else 'ASC'}"
        for name, direction in _tree(query, "order").items()
        if name in resource.table.by_name
    ]
    sql = f" ORDER BY {', '.join(order)}" if order else f" ORDER BY t.`{resource.key}`"
    limit, offset = _number(query.get("limit")), _number(query.get("offset"))
    if limit is not None:
        sql += f" LIMIT {limit}"
        if offset:
            sql += f" OFFSET {offset}"
    elif offset:
        sql += f" LIMIT 18446744073709551615 OFFSET {offset}"
    return sql


def _condition(column: str, wanted: "str | Tree") -> list[Clause]:
    if isinstance(wanted, str):
        return [_equal(column, wanted)]
    operator, operand = str(wanted.get("0", "")).upper(), wanted.get("1")
    if operator not in OPERATORS:
        return []
    if operator == "IN":
        values = members(operand) if operand is not None else []
        if not values:
            return [Clause("0")]
        return [Clause(f"{column} IN ({', '.join(['%s'] * len(values))})", tuple(values))]
    if operator == "BETWEEN":
        return [Clause(f"{column} BETWEEN %s AND %s", (operand, wanted.get("2")))]
    if operator == "IS":
        negated = str(operand).upper().startswith("NOT")
        return [Clause(f"{column} IS {'NOT ' if negated else ''}NULL")]
    if operator == "FIND_IN_SET":
        return [Clause(f"FIND_IN_SET(%s, {column})", (operand,))]
    if operator == "LIKE":
        # Whether the product adds the wildcards is not stated; clients pass the bare word and expect to match a part.
        text = str(operand)
        return [Clause(f"{column} LIKE %s", (text if "%" in text else f"%{text}%",))]
    return [Clause(f"{column} {operator} %s", (operand,))]


def _equal(column: str, value: str) -> Clause:
    return Clause(f"{column} = %s", (value,))


def _packed(clause: Clause) -> Clause:
    """A condition on a column of addresses, which are compared in their packed form."""
    return Clause(clause.sql.replace("%s", "INET6_ATON(%s)"), clause.values)


def _tree(query: Tree, name: str) -> Tree:
    value = query.get(name)
    return value if isinstance(value, dict) else {}


def _number(value: "str | Tree | None") -> int | None:
    return int(value) if isinstance(value, str) and value.isdigit() else None
