"""PHP's way of writing nested arrays into a query string or a form: `a[b][0]=x`."""

import re
from collections.abc import Iterable
from typing import TypeAlias
from urllib.parse import parse_qsl

Tree: TypeAlias = dict[str, "str | Tree"]

_KEY = re.compile(r"\[([^\]]*)\]")


def parse(text: str) -> Tree:
    """A query string as a tree; brackets may be percent-encoded. `a[]=1&a[]=2` numbers its members, as PHP does."""
    return build(parse_qsl(text, keep_blank_values=True))


def build(pairs: Iterable[tuple[str, str]]) -> Tree:
    """The same from decoded pairs. A later value wins over an earlier one of the same name."""
    tree: Tree = {}
    for name, value in pairs:
        head, bracket, rest = name.partition("[")
        keys = [head, *_KEY.findall(bracket + rest)]
        _put(tree, keys, value)
    return tree


def _put(tree: Tree, keys: list[str], value: str) -> None:
    for key in keys[:-1]:
        below = tree.setdefault(key or _next(tree), {})
        if not isinstance(below, dict):  # `a=1&a[b]=2`: PHP lets the array win
            below = tree[key] = {}
        tree = below
    tree[keys[-1] or _next(tree)] = value


def _next(tree: Tree) -> str:
    return str(max((int(key) for key in tree if key.isdigit()), default=-1) + 1)


def members(value: "str | Tree") -> list[str]:
    """The texts of an array in their order; a plain text is a list of one."""
    if isinstance(value, str):
        return [value]
    return [member for member in value.values() if isinstance(member, str)]
