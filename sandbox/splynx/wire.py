"""Rows as the API shows them, and bodies as it reads them."""

import ipaddress
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson
from aiohttp import web

from sandbox.splynx import php
from sandbox.splynx.problems import bad_request
from sandbox.splynx.resources import Resource
from sandbox.splynx.uploads import Upload

Given = dict[str, Any]


def shown(resource: Resource, row: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a row in the API's types: prices as text with four decimals, totals as numbers, flags as text."""
    answer: dict[str, Any] = {}
    for name in resource.columns:
        value = row[name]
        if isinstance(value, bytes):
            value = packed_as_text(value)
        if name in resource.numbers and value is not None:
            value = number(value)
        elif name in resource.texts and value is not None:
            value = str(value)
        elif name in resource.integers and value is not None:
            value = int(value)
        elif name in resource.booleans:
            value = value == "1"
        answer[name] = value
    return answer


def packed_as_text(value: bytes) -> str:
    """An address in its packed form as text; empty where there is none."""
    return str(ipaddress.ip_address(value)) if len(value) in (4, 16) else ""


def number(value: str | Decimal) -> int | float:
    """A decimal as a JSON number; a whole one without a fraction."""
    exact = Decimal(value)
    return int(exact) if exact == exact.to_integral_value() else float(exact)


async def body(request: web.Request) -> tuple[Given, list[Upload]]:
    """The body of a POST or PUT and its files: JSON, form or multipart. Empty is `{}`, and so is PHP's empty array.

    Raises:
        Problem: 400, the body is no JSON object.
    """
    kind = request.content_type
    if kind in ("application/x-www-form-urlencoded", "multipart/form-data"):
        form = await request.post()
        texts = php.build((name, value) for name, value in form.items() if isinstance(value, str))
        uploads = [
            Upload(value.filename, value.content_type, value.file.read())
            for value in form.values()
            if isinstance(value, web.FileField)
        ]
        return dict(texts), uploads
    raw = await request.read()
    if not raw.strip():
        return {}, []
    try:
        parsed = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise bad_request("Invalid JSON!") from None
    if parsed == []:
        return {}, []
    if not isinstance(parsed, dict):
        raise bad_request("Invalid JSON!")
    return parsed, []


def json(status: int, answer: Any, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(answer), content_type="application/json", headers=headers)
