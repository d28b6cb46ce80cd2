"""Settings in the environment and in secret files: what is meant for us must be heard."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import get_args

from pydantic import BaseModel

from plumbing.errors import ConfigurationError

PREFIX = "CROSSFADE_"
SECRETS_DIR = "CROSSFADE_SECRETS_DIR"
"""The variable that names a folder with one file per secret."""


def check_environment(settings: type[BaseModel], environ: Mapping[str, str]) -> None:
    """See that no variable and no secret file is passed over because of its underscores.

    `splynx.disposable` given as CROSSFADE_SPLYNX_DISPOSABLE=false would be written nowhere, and money into Splynx.

    Raises:
        ConfigurationError: names the variable or file and the one that is meant; or the folder of secrets is none.
    """
    # Kubernetes sets CROSSFADE_HTTP_PORT=tcp://… by itself, where a service has such a name.
    ours = [name for name, value in environ.items() if not value.startswith("tcp://")]
    _require_heard("the environment variable", ours, {one: one for one in _variables(settings, PREFIX)})
    folder = environ.get(SECRETS_DIR)
    if not folder:
        return
    if not Path(folder).is_dir():
        raise ConfigurationError(
            f"{SECRETS_DIR} names {folder}, which is no folder",
            remedy="Give the folder with one file per secret, see docs/configuration.md, or unset it.",
        )
    files = [path.name for path in Path(folder).iterdir()]
    _require_heard("the secret file", files, {one: one.lower() for one in _variables(settings, PREFIX)})


def _require_heard(what: str, names: Iterable[str], known: Mapping[str, str]) -> None:
    """`known`: `{variable: how it is spelt here}`."""
    meant = {variable.replace("__", "_"): variable for variable in known}
    for name in sorted(names):
        variable = meant.get(name.upper().replace("__", "_"))
        if variable is not None and name.upper() != variable:
            raise ConfigurationError(
                f"{what} {name} is no setting",
                remedy=f"{known[variable]} is meant: two underscores stand between a block and its key.",
            )


def _variables(block: type[BaseModel], prefix: str) -> Iterator[str]:
    """The variables of all settings below a block."""
    for name, field in block.model_fields.items():
        variable = f"{prefix}{name.upper()}"
        kinds = [field.annotation, *get_args(field.annotation)]
        inner = [one for one in kinds if isinstance(one, type) and issubclass(one, BaseModel)]
        if inner:
            yield from _variables(inner[0], f"{variable}__")
        else:
            yield variable
