"""Reading what an operator wrote in YAML: every complaint names the file and the line, and shows no value."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from plumbing.errors import ConfigurationError

_MEND = "Mend the line, or one of those above it: brackets, colons, quotation marks, tabs."


@dataclass(frozen=True)
class YamlFile:
    """What a file holds, and where in it each part stands."""

    values: Any
    node: yaml.Node | None


def read_yaml(path: Path, what: str, *, remedy: str, words: str = "") -> YamlFile:
    """Read a file. `what` names it, such as "rules file"; `words` stand behind what there is to do in it.

    Raises:
        ConfigurationError: it cannot be read (`remedy` says what to do), is no YAML, or says a thing twice: the
            second would win without a word.
    """
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        values = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError) as exc:
        why = exc.strerror if isinstance(exc, OSError) else "it is no UTF-8 text"
        raise ConfigurationError(f"cannot read the {what} {path}: {why}", remedy=remedy) from exc
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        line = mark.line + 1 if mark is not None else 1
        # What a name of YAML's own is said to be is a value: a token that begins with an asterisk.
        of_names = isinstance(exc, yaml.composer.ComposerError | yaml.constructor.ConstructorError)
        problem = None if of_names else getattr(exc, "problem", None) or getattr(exc, "reason", None)
        problem = problem or "what begins with *, & or ! needs quotation marks"
        raise ConfigurationError(
            f"{path} line {line}: not valid YAML: {problem}", remedy=f"{_MEND} {words}".rstrip()
        ) from exc
    if problems := list(_repeats(node)):
        raise ConfigurationError("; ".join(f"{path} {problem}" for problem in problems), remedy=words or _MEND)
    return YamlFile(values, node)


def _repeats(node: yaml.Node | None) -> Iterator[str]:
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.value in seen:
                yield f"line {line}: {key.value} stands here twice (first in line {seen[key.value]}; take one out)"
            seen.setdefault(key.value, line)
            yield from _repeats(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _repeats(value)
