"""Reads GraphQL requests in all the forms that real clients send them."""

from typing import Any, NamedTuple

import orjson


class BadRequest(Exception):
    """The body is no GraphQL request."""


class GraphQLRequest(NamedTuple):
    """One request; `variables` is empty when they were missing, null or an empty list."""

    query: str
    variables: dict[str, Any]
    operation_name: str | None


def read_request(body: bytes) -> GraphQLRequest:
    """Read a JSON body; `variables` may be an object, null, absent or JSON inside a string.

    Raises:
        BadRequest: it is not JSON, or has no query.
    """
    try:
        request = orjson.loads(body)
        variables = request.get("variables") or {}
        if isinstance(variables, str):
            variables = orjson.loads(variables) or {}
        query, name = request["query"], request.get("operationName")
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError):
        raise BadRequest("GraphQL Request must include at least one of those two parameters: query, queryId") from None
    if not isinstance(query, str) or not isinstance(variables, dict) or not isinstance(name, str | None):
        raise BadRequest("GraphQL Request parameters have the wrong type.")
    return GraphQLRequest(query, variables, name)
