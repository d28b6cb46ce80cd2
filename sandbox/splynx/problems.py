"""The errors a request can end in, with the product's status and `internal_code`, and their bodies."""

from collections.abc import Sequence
from typing import Any

import orjson
from aiohttp import web


class Problem(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, internal_code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.internal_code, self.message = status, internal_code, message

    def response(self, *, shape: str = "envelope") -> web.Response:
        """The documented envelope, without blanks, as the product writes it."""
        return _json(
            self.status,
            {"error": {"message": self.message, "code": self.status, "internal_code": self.internal_code}},
        )


class Invalid(Problem):
    """422: the model's validation refused attributes. `errors` are (attribute, message)."""

    def __init__(self, errors: Sequence[tuple[str, str]]) -> None:
        super().__init__(422, "INVALID_INPUT_DATA", "; ".join(f"{name}: {text}" for name, text in errors))
        self.errors = errors

    def response(self, *, shape: str = "envelope") -> web.Response:
        """`envelope` is the only shape documented; `list` is the framework's own, which some clients expect."""
        if shape == "list":
            return _json(422, [{"field": name, "message": text} for name, text in self.errors])
        return super().response()


def bad_request(message: str = "Bad request!") -> Problem:
    return Problem(400, "BAD_REQUEST", message)


def unauthorized(internal_code: str = "UNAUTHORIZED", message: str = "Unauthorized!") -> Problem:
    return Problem(401, internal_code, message)


def forbidden() -> Problem:
    return Problem(403, "FORBIDDEN", "Forbidden!")


def not_found() -> Problem:
    return Problem(404, "NOT_FOUND", "Not found!")


def method_not_allowed() -> Problem:
    return Problem(405, "METHOD_NOT_ALLOWED", "Method not allowed!")


def method_disabled() -> Problem:
    return Problem(405, "METHOD_DISABLED", "Method is disabled!")


def other_partner() -> Problem:
    return Problem(405, "NOT_ALLOWED_BY_PARTNER_RESTRICTION", "Not allowed by partner restriction!")


def cannot_be_deleted(message: str) -> Problem:
    # The description lists the code and no status; 405 is what the product answers to other refusals of an item.
    return Problem(405, "ENTITY_CANNOT_BE_DELETED", message)


def server_error() -> Problem:
    return Problem(500, "SERVER_ERROR", "Server error!")


def _json(status: int, body: Any) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(body), content_type="application/json")
