"""The pages of settings and of rules: each key with its type, its default and what it means."""

import inspect
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from console.docs_text import GENERATED, cell
from plumbing.settings import Settings
from schemas.rules import RulesFile


def settings_page() -> str:
    """The text of configuration.md."""
    text = (
        "# Settings\n\n"
        + GENERATED
        + "One YAML file (`--config`, or `CROSSFADE_CONFIG`). Every key can be overridden by"
        " the environment variable beside it; with `CROSSFADE_SECRETS_DIR` also by a file in that folder, named as the"
        " variable in lower case. The environment wins over secret files, these over the YAML file. An unknown key"
        " is an error, and so is a variable with one underscore where two belong. Paths in the file are relative to"
        " it.\n\n"
        "| key | environment | type | default | meaning |\n| --- | --- | --- | --- | --- |\n"
    )
    for path, field in leaves(Settings):
        name = ".".join(path)
        variable = "CROSSFADE_" + "__".join(path).upper()
        default = _default(field)
        if default == "required" and (block := _optional(Settings, path)):
            default = f"required where there is a `{block}`"
        text += f"| `{name}` | `{variable}` | {_type(field)} | {default} | {cell(field.description or '')} |\n"
    return text


def rules_page() -> str:
    """The text of rules.md."""
    text = (
        "# Rules\n\n" + GENERATED + "What an ISP decides about mapping, in the YAML file that `rules` in the settings"
        " names. Whatever is wrong in it is an error at start that names the line and what to do: an unknown key, a"
        " value of the wrong kind, an id or an additional field that Splynx lacks, with `status_map.strict` a status in"
        " use that is not named. What of it Sonar lacks, a status that is mistyped, is named by `crossfade doctor`."
        "\n\n| key | type | default | example | meaning |\n| --- | --- | --- | --- | --- |\n"
    )
    whole: dict[str, Any] = {}
    for path, field in leaves(RulesFile):
        (example,) = field.examples or [None]
        shown = yaml.safe_dump(example, default_flow_style=True, width=1000, sort_keys=False).removesuffix("...\n")
        text += (
            f"| `{'.'.join(path)}` | {_type(field)} | {_default(field)} | `{cell(shown.strip())}` |"
            f" {cell(field.description or '')} |\n"
        )
        block = whole
        for part in path[:-1]:
            block = block.setdefault(part, {})
        block[path[-1]] = example
    dumped = yaml.safe_dump(whole, default_flow_style=None, width=110, sort_keys=False)
    return text + f"\n## A file with every rule in it\n\n```yaml\n{dumped}```\n"


def leaves(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], FieldInfo]]:
    """Every setting that is not a block of its own, with its path."""
    for name, field in model.model_fields.items():
        block = _block_of(field.annotation)
        if block is None:
            yield (*path, name), field
        else:
            yield from leaves(block, (*path, name))


def _optional(model: type[BaseModel], path: tuple[str, ...]) -> str:
    """The block on a setting's path that need not be there; empty where all must."""
    for place, part in enumerate(path[:-1]):
        field = model.model_fields[part]
        if not field.is_required():
            return ".".join(path[: place + 1])
        block = _block_of(field.annotation)
        assert block is not None
        model = block
    return ""


def _block_of(kind: Any) -> type[BaseModel] | None:
    if inspect.isclass(kind) and issubclass(kind, BaseModel):
        return kind
    if get_origin(kind) in (Union, UnionType):
        inner = [one for one in get_args(kind) if one is not type(None)]
        if len(inner) == 1:
            return _block_of(inner[0])
    return None


def _type(field: FieldInfo) -> str:
    limits = []
    for one in field.metadata:
        for kind, sign in ((Ge, "ge"), (Gt, "gt"), (Le, "le"), (Lt, "lt")):
            if isinstance(one, kind):
                word = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}[sign]
                limits.append(f"{word} {getattr(one, sign)}")
    return cell(", ".join([_name(field.annotation), *limits]))


def _name(kind: Any) -> str:
    if get_origin(kind) is Annotated:
        return _name(get_args(kind)[0])
    if get_origin(kind) is Literal:
        return " or ".join(f"`{one}`" for one in get_args(kind))
    if get_origin(kind) in (Union, UnionType):
        return " or ".join(_name(one) for one in get_args(kind) if one is not type(None))
    if get_origin(kind) is list:
        return f"list of {_name(get_args(kind)[0])}"
    if get_origin(kind) is dict:
        key, value = get_args(kind)
        return f"mapping of {_name(key)} to {_name(value)}"
    names = {
        str: "text",
        int: "whole number",
        float: "number",
        bool: "true or false",
        Path: "path",
        SecretStr: "secret",
    }
    if kind in names:
        return names[kind]
    if _block_of(kind) is not None:
        return "{" + ", ".join(kind.model_fields) + "}"
    return str(kind)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is None or isinstance(value, SecretStr) or value in ({}, [], ""):
        return "none"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"
