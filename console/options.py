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
ShowValues = Annotated[
    bool, typer.Option("--show-values", help="Print the values too: personal data. Never a password.")
]
Account = Annotated[int | None, typer.Option(help="What this account of Sonar owns.", min=1)]
By = Annotated[str | None, typer.Option(help="Who decides; by default who runs the command.")]
