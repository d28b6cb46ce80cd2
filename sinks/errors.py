"""What can go wrong with a record or a batch in the sink, each with what to do."""

from collections.abc import Sequence

from plumbing.errors import Action, ExitCode, SyncError


class Fenced(SyncError):
    """Another sink took over this partition. What this one had begun is not committed."""

    code = "sink.fenced"
    action = Action.RETRY
    exit_code = ExitCode.TRY_LATER
    remedy = "Nothing to do: the new owner goes on. If no second sink should run, stop one."


class AskedBack(SyncError):
    """The partitions go to another sink, or this one ends. What it had begun is repeated, and does nothing twice."""

    code = "sink.asked_back"
    action = Action.RETRY
    exit_code = ExitCode.TRY_LATER
    remedy = "Nothing to do: the next owner goes on."


class CutOver(SyncError):
    """The cutover made Splynx the system of record: nobody writes what comes from Sonar any more."""

    code = "sink.cut_over"
    action = Action.HALT
    exit_code = ExitCode.FOUND
    remedy = (
        "Stop the sink: its work is done. If the cutover was taken back, `crossfade ledger phase shadow --apply` lets"
        " it write again."
    )


class TablesChanged(SyncError):
    """Columns of Splynx that are written by SQL are not those that were approved. Nothing is written."""

    code = "sink.tables_changed"
    action = Action.HALT
    exit_code = ExitCode.FOUND
    remedy = (
        "See what the named columns are for in this version of Splynx. If rows may be written as before: `crossfade"
        " doctor --approve-columns`, then start the sink again."
    )


class Overtaken(SyncError):
    """Another sink wrote, or is writing, a record of the same aggregate while this one was at work."""

    code = "sink.overtaken"
    action = Action.RETRY
    remedy = "Nothing to do: the batch is read again. Of two bundles the newer one counts, whichever comes first."


class ParentMissing(SyncError):
    """A record refers to one that is not in Splynx yet. It waits, and its arrival wakes it."""

    code = "sink.parent_missing"
    action = Action.PARK
    remedy = "Nothing at first. When it lasts: `crossfade trace` says where the record is that it waits for."

    def __init__(self, entity: str, key: str) -> None:
        super().__init__(f"waits for {entity} {key}")
        self.entity, self.key = entity, key


class ReferenceMissing(ParentMissing):
    """A record was written without an optional reference that is not in Splynx yet; its arrival completes it."""

    code = "sink.reference_missing"


class PredecessorMissing(ParentMissing):
    """A record must not be made before another one, which is not live in Splynx: a reversal before its payment.

    Alone it would take from the balance what nobody gave to it.
    """

    code = "sink.predecessor_missing"
    remedy = "See why the other record is not in Splynx: `crossfade deadletters list`. Its arrival wakes this one."


class Deferred(SyncError):
    """A record may not be written now: money without invoices, or an entity that needs SQL we do not have."""

    code = "sink.money_deferred"
    action = Action.PARK
    remedy = "Nothing: it is meant so. It is written once splynx.disposable is true."


class SqlNotAvailable(Deferred):
    """This entity is written by SQL only, and Splynx's database is not reachable in one transaction with the ledger."""

    code = "sink.sql_not_available"
    remedy = "Give splynx.db, and let the ledger lie on the same server, so that both commit in one transaction."


class KeyTaken(SyncError):
    """Another live row of Splynx already has this login, number or receipt."""

    code = "sink.natural_key_taken"
    action = Action.DEAD_LETTER
    exit_code = ExitCode.PARTLY
    remedy = "See which row in Splynx carries the key; remove or rename it there, then send the record again."


class NameShared(SyncError):
    """Another object of Sonar has this name in Splynx already, where labels are told apart by it. Nothing is changed.

    Customers of this object go without the label, and are counted as waiting for it. The same goes for a label of our
    own, such as a newer release brings: it is made when the sink starts, or looks again within the hour.
    """

    code = "sink.name_shared"
    action = Action.DEAD_LETTER
    exit_code = ExitCode.PARTLY
    remedy = (
        "`crossfade doctor` prints the line for customer.labels.names in the rules that tells the two apart. Add it,"
        " start the processors again, and have the names read anew (`crossfade snapshot --only account_group --apply`,"
        " or account_type). Or rename one of the two in Sonar."
    )


class IdReused(SyncError):
    """Sonar's id stands for another object than the one that this row of Splynx was written for. Nothing is changed."""

    code = "sink.id_reused"
    action = Action.DEAD_LETTER
    exit_code = ExitCode.PARTLY
    remedy = (
        "See whether sonar.url is the Sonar that this ledger was filled from, and whether that was restored from a"
        " backup. If one object really got the id of another, take `sonar_id` off the old row in Splynx (a label has"
        " none), then run `crossfade ledger rebuild --apply`."
    )


class MovedAway(SyncError):
    """A record belongs to another account now, where the rules leave it out, or it could not be read there.

    Nothing is changed: what was written of it stands with the customer that it belonged to, and in that balance.
    """

    code = "sink.moved_away"
    action = Action.DEAD_LETTER
    exit_code = ExitCode.PARTLY
    remedy = (
        "The letter names the account that it belongs to now. Take that into the pilot (scope in the rules) and replay;"
        " or take the record off the old customer in Splynx by hand, and dismiss the letter. One that could not be read"
        " goes over by itself with its next event."
    )


class RowMissing(SyncError):
    """A row that the ledger knows is no longer in Splynx."""

    code = "sink.row_missing"
    action = Action.DEAD_LETTER
    exit_code = ExitCode.PARTLY
    remedy = "Somebody removed it there: restore it in Splynx, then send the record again."


def predecessor_removed(entity: str, key: str) -> RowMissing:
    """Of a record that must not be made before another one, which was live and is no longer in Splynx.

    It does not wait for it: nothing arrives that would wake it.
    """
    return RowMissing(f"{entity} {key}, which must be there before it, is no longer in Splynx")


class ReadBackDiffers(SyncError):
    """Splynx kept something else than what was sent."""

    code = "sink.read_back"
    action = Action.DEAD_LETTER
    exit_code = ExitCode.PARTLY
    remedy = "Compare the named fields on both sides; Splynx may have cut or refused a value silently."

    def __init__(self, fields: list[str], *, found: bool = False) -> None:
        """`found`: of a row that an older call may have made, with what was true then."""
        super().__init__(f"Splynx kept other values in {', '.join(fields)}")
        self.fields, self.found = fields, found


class WaitedTooLong(SyncError):
    """A parked record waited longer than the settings allow."""

    code = "sink.waited_too_long"
    action = Action.DEAD_LETTER
    exit_code = ExitCode.PARTLY
    remedy = "See what it waits for; bring that record in, then send this one again."


class BrakeApplied(SyncError):
    """More records than the set share would be withdrawn from Splynx, or lose a value. Nothing of that batch is there.

    It holds until somebody answers, over restarts too.
    """

    code = "sink.brake"
    action = Action.HALT
    exit_code = ExitCode.FOUND
    remedy = (
        "See whether the rules, or a permission in Sonar, changed. If it is meant: `crossfade sink --apply --approve"
        " <entity>`. If not: mend the rules, have everything processed again (a snapshot does), then `crossfade sink"
        " --apply --approve mended`: bundles made by the rules of now are left out."
    )

    def __init__(self, entity: str, message: str) -> None:
        super().__init__(message)
        self.entity = entity


class FieldUnfit(SyncError):
    """An additional field of Splynx that our records are found by does not refuse a second record of one value."""

    code = "sink.field_unfit"
    action = Action.HALT
    exit_code = ExitCode.USAGE
    remedy = "Make the field unique in Splynx (Config, System, Additional fields), then start the sink again."


class Stuck(SyncError):
    """A partition has messages and gives none, while the broker answers: the client has silently stopped to fetch."""

    code = "sink.stuck"
    action = Action.HALT
    exit_code = ExitCode.TRY_LATER
    remedy = (
        "Start the sink again, as its supervisor does by itself: it goes on from what the ledger says. If the same"
        " partition stops again, see whether its leader answers (the broker's log), and report it."
    )

    def __init__(self, topic: str, partitions: Sequence[int]) -> None:
        super().__init__(f"{topic}[{', '.join(map(str, partitions))}] has messages and gives none")
        self.topic, self.partitions = topic, tuple(partitions)


class GuardsViolated(SyncError):
    """A switch of Splynx that must be off is on or unconfirmed, or writes would be refused. What it concerns waits.

    A first start, a run of all stages and a rollback are refused. A sink that has written before goes on with what no
    customer notices, such as labels; the rest waits, is looked at every half minute, and goes on by itself.
    """

    code = "sink.guards_violated"
    action = Action.HALT
    exit_code = ExitCode.FOUND
    remedy = "Run `crossfade doctor`: it names each switch and what to do."
