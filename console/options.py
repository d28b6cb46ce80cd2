"""Options that commands share."""

from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[Path | None, typer.Option("--config", "-c", help="Settings file (YAML).")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON, with a version.")]
Tell = Annotated[
    bool | None,
    typer.Option("--progress/--no-progress", help="Tell on stderr how far it is; by default on a terminal."),
]
Apply = Annotated[bool, typer.Option("--apply", help="Do it. Without this the command only shows what it would do.")]
