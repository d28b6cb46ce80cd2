"""What keeps a sink from its ledger: another release's, another deployment's, or that of another Splynx."""

from plumbing.errors import Action, ExitCode, SyncError


class LedgerTaken(SyncError):
    """The ledger is kept by a deployment with other topics: of another instance, or of another Kafka."""

    code = "sink.ledger_taken"
    action = Action.HALT
    exit_code = ExitCode.USAGE
    remedy = (
        "Check instance, kafka and ledger in the settings: a forgotten second deployment must have a ledger and a"
        " Splynx of its own, or be stopped. If the old topics are gone for good, `crossfade ledger rebuild --apply`"
        " gives the ledger to these; the next sink plays them from their beginning."
    )


class LedgerOutdated(SyncError):
    """The ledger's tables are of an earlier release. Nothing was read or changed."""

    code = "sink.ledger_outdated"
    action = Action.HALT
    exit_code = ExitCode.USAGE
    remedy = (
        "`crossfade ledger migrate` shows what is to be changed, and does it with --apply; so does the next start of"
        " `crossfade sink --apply`. Stop a sink of the earlier release before."
    )


class LedgerNewer(SyncError):
    """The ledger's tables are of a later release, which may keep more in them than this one writes."""

    code = "sink.ledger_newer"
    action = Action.HALT
    exit_code = ExitCode.USAGE
    remedy = "Install the release that has written this ledger, or a later one."


class LedgerBusy(SyncError):
    """Another process of Crossfade makes or changes the ledger's tables just now."""

    code = "sink.ledger_busy"
    action = Action.RETRY
    exit_code = ExitCode.TRY_LATER
    remedy = "Run the same command again. When it lasts, see which other process stands still, and stop it."


class AdoptionNeeded(SyncError):
    """Splynx holds rows marked with Sonar ids that the ledger does not know."""

    code = "sink.adoption_needed"
    action = Action.HALT
    exit_code = ExitCode.FOUND
    remedy = (
        "If the ledger was lost, `crossfade plan` lists the rows with what differs; `crossfade ledger rebuild --apply`"
        " takes them over, as `sink --apply --approve adoption` does, and keeps who did. Prices stay until one decides;"
        " else this Splynx belongs to another ledger: check ledger and splynx in the settings."
    )


class TargetNotEmpty(SyncError):
    """The ledger was never used, and Splynx has customers already: perhaps it is not the one that is meant.

    Asked for once, before anything is written.
    """

    code = "sink.target_not_empty"
    action = Action.HALT
    exit_code = ExitCode.FOUND
    remedy = (
        "Check splynx.url. If this is the Splynx that is meant: `crossfade sink --apply --approve target`; its own rows"
        " are left alone. If it was written before and the ledger was lost, `crossfade plan` lists the rows, and"
        " `crossfade ledger rebuild` takes them over."
    )


class RebuildInterrupted(SyncError):
    """A rebuild of the ledger was begun and did not end, so the ledger does not know all that is in Splynx."""

    code = "sink.rebuild_interrupted"
    action = Action.HALT
    exit_code = ExitCode.FOUND
    remedy = "Run `crossfade ledger rebuild --apply` again; repeating it is harmless."


class ForeignTarget(SyncError):
    """The mark inside Splynx is not the ledger's: a restored or swapped Splynx, or the ledger of another one."""

    code = "sink.foreign_target"
    action = Action.HALT
    exit_code = ExitCode.USAGE
    remedy = (
        "Check splynx.url, splynx.db and ledger in the settings. If Splynx was restored from a backup, run"
        " `crossfade ledger rebuild`, then with --apply. `sink --approve target` takes Splynx as it is: only if nothing"
        " but the mark was lost."
    )


class WrongDatabase(SyncError):
    """Splynx's API and the database in the settings are of two Splynxes: of a copy, or of a test installation."""

    code = "sink.wrong_database"
    action = Action.HALT
    exit_code = ExitCode.USAGE
    remedy = "Check splynx.url and splynx.db in the settings: both must lead to one installation."


class MarkBusy(SyncError):
    """Another process of Crossfade compares or writes the mark inside Splynx just now."""

    code = "sink.mark_busy"
    action = Action.RETRY
    exit_code = ExitCode.TRY_LATER
    remedy = "Run the same command again. When it lasts, see which other sink or rebuild stands still, and stop it."


class HistoryLost(SyncError):
    """What comes next for the ledger is not on the topic: retention cut it, or the topic was made anew."""

    code = "sink.history_lost"
    action = Action.HALT
    exit_code = ExitCode.USAGE
    remedy = (
        "See why the topic was cut or made anew. Unless they are on it, have its bundles made again (`crossfade replay"
        " --apply`; without Sonar's events `crossfade snapshot` and `process`). Then run `crossfade ledger rebuild"
        " --apply`: the next sink plays the topics from their beginning."
    )
