"""What can go wrong, as types that say what to do, and the exit codes they end a command with."""

from enum import Enum, IntEnum
from typing import ClassVar


class Action(Enum):
    """What the one consumer loop of a stage does about an error."""

    RETRY = "retry"  # transient: the partition pauses and the same work is tried again
    PARK = "park"  # waiting for another record
    DEAD_LETTER = "dead_letter"  # this record cannot pass
    HALT = "halt"  # the set-up is wrong: nothing may go on


class ExitCode(IntEnum):
    """How a command ends. Documented in docs/exit-codes.md."""

    DONE = 0
    UNEXPECTED = 1
    USAGE = 2
    FOUND = 3
    UNREACHABLE = 4
    PARTLY = 5
    TRY_LATER = 75


class SyncError(Exception):
    """The root of every error that Crossfade raises on purpose.

    `code` is stable: metrics, dead letters and the pages under docs/errors use it. The text of an error never holds a
    value of a record, for it may be personal data: it names the field, the record's key and the place.
    """

    code: ClassVar[str] = "unexpected"
    action: ClassVar[Action] = Action.HALT
    exit_code: ExitCode = ExitCode.UNEXPECTED  # of the type, unless an error knows better
    remedy: ClassVar[str] = ""

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message)
        self.next_step = remedy if remedy is not None else self.remedy


class ConfigurationError(SyncError):
    """A setting, a rule or a guard file is missing or wrong. Names the file, the line and the remedy."""

    code = "configuration.invalid"
    action = Action.HALT
    exit_code = ExitCode.USAGE
    remedy = "See docs/configuration.md and docs/rules.md; the message names the file and the key or line."


class DependencyUnreachable(SyncError):
    """A server that Crossfade needs does not answer. Nothing was changed; try again when it is back."""

    code = "dependency.unreachable"
    action = Action.RETRY
    exit_code = ExitCode.UNREACHABLE
    remedy = "Check the address in the settings and that the server is up, then run `crossfade doctor`."


class DependencyRefused(SyncError):
    """A server answers and says no: a wrong token, a missing right, a module that is switched off."""

    code = "dependency.refused"
    action = Action.HALT
    exit_code = ExitCode.USAGE
    remedy = "Run `crossfade doctor`: it names each right and module that is needed."
