"""Reading the operator's rules: every complaint names the file, the line and what to do about it."""

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from plumbing.errors import ConfigurationError
from plumbing.yaml_file import read_yaml
from schemas.rules.file import RulesFile

_WORDS = "docs/rules.md lists every rule with an example."
_QUOTE = "write it in quotation marks where YAML takes it for something else (no, on, 1e3)"
_SAYS = {"extra_forbidden": "is no rule", "missing": "is missing", "model_type": "must be a block of rules"}
_REMEDIES = {
    "missing": "add it",
    "int_type": "write a whole number, without quotation marks",
    "int_from_float": "write a whole number",
    "bool_type": "write true or false",
    "string_type": _QUOTE,
    "dict_type": "write `key: value` lines below it",
    "list_type": "write a list: [a, b]",
    "model_type": "write `key: value` lines below it",
}


@dataclass(frozen=True)
class RulesText:
    """A rules file that was read, and where in it each rule stands."""

    path: Path
    file: RulesFile
    node: yaml.Node | None

    def place(self, rule: str, *names: str) -> str:
        """`rules.yaml line 7: partners.default`; the line of the block that would hold it when it is not written.

        `names`: further parts of the path, which may hold dots themselves.
        """
        told = ": ".join([rule, *names])
        return f"{self.path} line {line_of(self.node, [*rule.split('.'), *names])}: {told}"


def load_rules(path: Path) -> RulesFile:
    """The rules of a file, checked; see `read_rules`."""
    return read_rules(path).file


def read_rules(path: Path) -> RulesText:
    """Read and check a rules file.

    Raises:
        ConfigurationError: names the file, the line, what is wrong and the remedy, for everything that is wrong.
    """
    read = read_yaml(
        path,
        "rules file",
        remedy="Correct `rules` in the settings (CROSSFADE_RULES), or the file's rights.",
        words=_WORDS,
    )
    if not isinstance(read.values, dict):
        raise ConfigurationError(f"{path} line 1: must hold a mapping of rules", remedy=f"Begin anew; {_WORDS}")
    try:
        return RulesText(path, RulesFile.model_validate(read.values), read.node)
    except ValidationError as exc:
        problems = "; ".join(f"{path} {problem}" for problem in _problems(read.node, exc))
        raise ConfigurationError(problems, remedy=_WORDS) from exc


def unknown_ids(text: RulesText, known: Mapping[str, Collection[int]]) -> list[str]:
    """Ids that the rules name and Splynx lacks, each with its line. `known`: `{kind: ids}` as Splynx lists them."""
    return [
        f"{text.place(place)}: Splynx has no {kind.replace('_', ' ')} {number}"
        for kind, number, place in configured_ids(text.file)
        if number not in known[kind]
    ]


def unmapped_statuses(text: RulesText, in_use: Mapping[int, str]) -> list[str]:
    """Statuses that accounts have and that strict rules do not name, each with the line to add it at.

    `in_use`: `{id of the account status: its name}`.
    """
    chosen = text.file.status_map
    if not chosen.strict:
        return []
    return [
        f"{text.place('status_map.by_id')}: status {number} ({name}) is in use and not named; add `{number}: active`"
        " (or new, blocked, disabled)"
        for number, name in sorted(in_use.items())
        if number not in chosen.by_id and name not in chosen.by_name
    ]


def configured_ids(file: RulesFile) -> list[tuple[str, int, str]]:
    """`(kind, id, place in the file)` of every id of Splynx that the rules name, to be looked up there at start."""
    methods, found = file.payment_methods, []
    found += [("partner", file.partners.default, "partners.default")]
    found += [
        ("partner", rule, f"partners.by_company.{company}")
        for company, rule in file.partners.by_company.items()
        if isinstance(rule, int)
    ]
    found += [("location", file.locations.default, "locations.default")]
    found += [("location", r.use.id, f"locations.rules.{n}.use.id") for n, r in enumerate(file.locations.rules)]
    found += [
        ("internet_tariff", rule.internet, f"tariffs.map.{service}.internet")
        for service, rule in file.tariffs.map.items()
        if rule != "ignore"
    ]
    found += [("tax", id, f"taxes.map.{tax}") for tax, id in file.taxes.map.items()]
    found += [("payment_method", methods.default, "payment_methods.default")]
    if methods.autopay is not None:
        found.append(("payment_method", methods.autopay, "payment_methods.autopay"))
    found += [("payment_method", id, f"payment_methods.by_type.{kind}") for kind, id in methods.by_type.items()]
    found += [("payment_method", id, f"payment_methods.by_provider.{name}") for name, id in methods.by_provider.items()]
    found += [("subdivision", id, f"customer.subdivisions.{name}") for name, id in file.customer.subdivisions.items()]
    return found


def line_of(node: yaml.Node | None, path: Sequence[int | str]) -> int:
    """The line, from 1, of a member by its path; of its nearest ancestor when it is missing."""
    return _reached(node, path)[0]


def _reached(node: yaml.Node | None, path: Sequence[int | str]) -> tuple[int, int]:
    """The line, and how many parts of the path stand in the file."""
    line = 1
    for count, part in enumerate(path):
        if isinstance(node, yaml.MappingNode):
            found = [(key, value) for key, value in node.value if key.value == str(part)]
            if not found:
                return line, count
            key, node = found[0]
            line = key.start_mark.line + 1
        elif isinstance(node, yaml.SequenceNode) and str(part).isdigit() and int(part) < len(node.value):
            node = node.value[int(part)]
            line = node.start_mark.line + 1
        else:
            return line, count
    return line, len(path)


def _problems(node: yaml.Node | None, invalid: ValidationError) -> list[str]:
    """`line 7: partners.default: what is wrong (what to do)`, one for each rule, in the order of lines."""
    said: dict[tuple[int, str], list[str]] = {}
    for error in invalid.errors():
        line, count = _reached(node, error["loc"])
        # What follows is the name of one of several forms that the value could have had, or of what is missing.
        rest = error["loc"][count:] if error["type"] == "missing" else ()
        shown = ".".join(map(str, (*error["loc"][:count], *rest[-1:])))
        message = _SAYS.get(error["type"], error["msg"].removeprefix("Value error, "))
        remedy = _known_keys(error["loc"]) if error["type"] == "extra_forbidden" else _REMEDIES.get(error["type"])
        said.setdefault((line, shown), []).append(f"{message} ({remedy})" if remedy else message)
    return [
        f"line {line}: {shown}: " + ", or ".join(dict.fromkeys(messages))
        for (line, shown), messages in sorted(said.items())
    ]


def _known_keys(path: Sequence[int | str]) -> str:
    """What could have been meant by an unknown key."""
    block: Any = RulesFile
    for part in path[:-1]:
        block = _inner(block, part)
    names = list(block.model_fields) if isinstance(block, type) and issubclass(block, BaseModel) else []
    close = difflib.get_close_matches(str(path[-1]), names, 1)
    return f"is {close[0]} meant?" if close else f"known here: {', '.join(names)}" if names else "take it out"


def _inner(block: Any, part: int | str) -> Any:
    """The kind of a member; for lists and mappings, of what they hold."""
    if isinstance(block, type) and issubclass(block, BaseModel):
        field = block.model_fields.get(str(part))
        return field.annotation if field is not None else block
    if get_origin(block) in {list, dict}:
        return get_args(block)[-1]
    named = [arm for arm in get_args(block) if getattr(arm, "__name__", None) == part]
    return named[0] if named else block
