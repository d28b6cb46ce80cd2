"""The ledger's tables: what Crossfade knows about Splynx's rows, and how far it came. Read by reconciliation too.

The schema lies on Splynx's own server by default, so that a batch's rows and its ledger entries commit together.
The common subset of MySQL 8 and MariaDB. Instants are UTC, money is text inside documents.
"""

from dataclasses import dataclass

VERSION = 6
"""Of the tables below; kept in `meta` under `version`. `MIGRATIONS` lead to it from every earlier one."""

TABLES: dict[str, str] = {
    # name -> value: version, epoch (the same value stands in Splynx), phase
    "meta": """
        name varchar(64) NOT NULL PRIMARY KEY,
        value varchar(512) NOT NULL
    """,
    # Who may write for a partition: the token rises with each new owner, and each transaction checks it.
    "fence": """
        partition_no int NOT NULL PRIMARY KEY,
        token bigint NOT NULL,
        owner varchar(64) NOT NULL,
        taken_at datetime(3) NOT NULL
    """,
    "checkpoint": """
        topic varchar(190) NOT NULL,
        partition_no int NOT NULL,
        next_offset bigint NOT NULL,
        PRIMARY KEY (topic, partition_no)
    """,
    # The newest bundle applied of each aggregate. `outcome` is that of its worst record.
    "aggregates": """
        aggregate varchar(32) NOT NULL,
        sonar_id bigint NOT NULL,
        owner_id bigint NULL,
        partition_no int NOT NULL,
        topic_offset bigint NOT NULL,
        sequence bigint NOT NULL,
        hash char(32) NOT NULL,
        generation bigint NOT NULL,
        rules_version varchar(64) NOT NULL,
        outcome varchar(16) NOT NULL,
        deleted tinyint NOT NULL DEFAULT 0,
        run_id varchar(64) NOT NULL,
        updated_at datetime(3) NOT NULL,
        PRIMARY KEY (aggregate, sonar_id)
    """,
    # record of a bundle -> row of Splynx. `document` is what was last written, without what is sent only on creation.
    "crosswalk": """
        entity varchar(32) NOT NULL,
        record_key varchar(96) NOT NULL,
        aggregate varchar(32) NOT NULL,
        sonar_id bigint NOT NULL,
        target_id bigint NOT NULL,
        hash char(32) NOT NULL,
        sequence bigint NOT NULL,
        state varchar(16) NOT NULL,
        revision int NOT NULL DEFAULT 0,
        document mediumtext NOT NULL,
        updated_at datetime(3) NOT NULL,
        PRIMARY KEY (entity, record_key),
        KEY by_aggregate (aggregate, sonar_id),
        KEY by_target (entity, target_id)
    """,
    # Records that were not written: parked (waits for another), deferred (not allowed now), ready (woken), dead,
    # dismissed (dead, and meant to stay so).
    "held": """
        entity varchar(32) NOT NULL,
        record_key varchar(96) NOT NULL,
        aggregate varchar(32) NOT NULL,
        sonar_id bigint NOT NULL,
        state varchar(16) NOT NULL,
        code varchar(64) NOT NULL,
        reason varchar(512) NOT NULL,
        waits_entity varchar(32) NULL,
        waits_key varchar(96) NULL,
        sequence bigint NOT NULL,
        hash char(32) NOT NULL,
        document mediumtext NOT NULL,
        topic varchar(190) NOT NULL,
        partition_no int NOT NULL,
        topic_offset bigint NOT NULL,
        run_id varchar(64) NOT NULL,
        since datetime(3) NOT NULL,
        PRIMARY KEY (entity, record_key),
        KEY by_state (state, partition_no),
        KEY by_wait (waits_entity, waits_key),
        KEY by_aggregate (aggregate, sonar_id)
    """,
    # Every consumed offset lies in exactly one range; where its outcome differs from the range's, it is an exception.
    "outcomes": """
        topic varchar(190) NOT NULL,
        partition_no int NOT NULL,
        first_offset bigint NOT NULL,
        last_offset bigint NOT NULL,
        outcome varchar(16) NOT NULL,
        PRIMARY KEY (topic, partition_no, first_offset)
    """,
    "exceptions": """
        topic varchar(190) NOT NULL,
        partition_no int NOT NULL,
        topic_offset bigint NOT NULL,
        outcome varchar(16) NOT NULL,
        code varchar(64) NOT NULL,
        PRIMARY KEY (topic, partition_no, topic_offset)
    """,
    # What operators decided about dead letters, each decision a row; of a letter the last one counts.
    "dismissals": """
        id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
        letter varchar(64) NOT NULL,
        dismissed tinyint NOT NULL,
        reason varchar(512) NOT NULL,
        by_whom varchar(64) NOT NULL,
        run_id varchar(64) NOT NULL,
        at datetime(3) NOT NULL,
        KEY by_letter (letter)
    """,
    # Before-images: what a row was before we changed it, NULL for one that we created. `undoes`: the first entry of
    # the record that this one takes back, with all that came after it; NULL for a write. `batch`: of the run, from 1.
    "journal": """
        id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
        run_id varchar(64) NOT NULL,
        batch bigint NOT NULL DEFAULT 0,
        entity varchar(32) NOT NULL,
        record_key varchar(96) NOT NULL,
        target_id bigint NOT NULL,
        action varchar(16) NOT NULL,
        before_image mediumtext NULL,
        undoes bigint NULL,
        sequence bigint NOT NULL,
        at datetime(3) NOT NULL,
        KEY by_record (entity, record_key)
    """,
    # REST calls begun. `open` means that nobody knows yet what Splynx did; until then `sent` tells what a change asks
    # for, and what is to be entered of a document; and `before_image` what of the row `target_id` was otherwise, which
    # the journal gets as `action` once a change is found to be done. `answer`: Splynx's status, or the error.
    "intents": """
        id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
        run_id varchar(64) NOT NULL DEFAULT '',
        batch bigint NOT NULL DEFAULT 0,
        entity varchar(32) NOT NULL,
        record_key varchar(96) NOT NULL,
        aggregate varchar(32) NOT NULL,
        sonar_id bigint NOT NULL,
        sequence bigint NOT NULL,
        method varchar(8) NOT NULL,
        target_id bigint NULL,
        sent mediumtext NULL,
        action varchar(16) NOT NULL DEFAULT '',
        before_image mediumtext NULL,
        state varchar(16) NOT NULL,
        answer varchar(255) NOT NULL DEFAULT '',
        partition_no int NOT NULL,
        token bigint NOT NULL,
        deadline datetime(3) NOT NULL,
        created_at datetime(3) NOT NULL,
        KEY by_state (state, partition_no)
    """,
    # The columns of Splynx's tables that are written by SQL, as somebody approved them.
    "approved_columns": """
        of_table varchar(64) NOT NULL,
        name varchar(64) NOT NULL,
        told text NOT NULL,
        run_id varchar(64) NOT NULL,
        at datetime(3) NOT NULL,
        PRIMARY KEY (of_table, name)
    """,
    # Fields of a row that somebody changed in Splynx after we wrote it. Of each field the last entry counts; a value is
    # JSON, `base` what was written last, `source` Sonar's and `target` Splynx's when it was met last. `settled_run` is
    # the run that ended it, `settled_by` who or what decided.
    "conflicts": """
        id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
        entity varchar(32) NOT NULL,
        record_key varchar(96) NOT NULL,
        target_id bigint NOT NULL,
        field varchar(128) NOT NULL,
        sequence bigint NOT NULL,
        at datetime(3) NOT NULL,
        state varchar(16) NOT NULL DEFAULT 'overwritten',
        base text NULL,
        source text NULL,
        target text NULL,
        since datetime(3) NULL,
        settled_by varchar(64) NULL,
        settled_run varchar(64) NULL,
        settled_at datetime(3) NULL,
        KEY by_record (entity, record_key),
        KEY by_conflict_state (state, entity)
    """,
}
"""`{table: column and key definitions}`."""


@dataclass(frozen=True)
class Migration:
    """One statement that brings a table of an earlier version forward. Its `column` shows that it was run."""

    version: int
    """The one that it leads to."""
    table: str
    column: str
    alter: str
    """Behind `ALTER TABLE`: one statement, which is done whole or not at all."""


MIGRATIONS = (
    # Ledgers of version 1 were made with this column and without it.
    Migration(2, "journal", "undoes", "ADD COLUMN undoes bigint NULL AFTER before_image"),
    # What was told before was overwritten: the default says so.
    Migration(
        3,
        "conflicts",
        "state",
        "MODIFY COLUMN field varchar(128) NOT NULL, ADD COLUMN state varchar(16) NOT NULL DEFAULT 'overwritten',"
        " ADD COLUMN base text NULL, ADD COLUMN source text NULL, ADD COLUMN target text NULL,"
        " ADD COLUMN since datetime(3) NULL, ADD COLUMN settled_by varchar(64) NULL,"
        " ADD COLUMN settled_run varchar(64) NULL, ADD COLUMN settled_at datetime(3) NULL,"
        " ADD KEY by_conflict_state (state, entity)",
    ),
    # What was written before belongs to no batch.
    Migration(4, "journal", "batch", "ADD COLUMN batch bigint NOT NULL DEFAULT 0 AFTER run_id"),
    Migration(5, "intents", "sent", "ADD COLUMN sent mediumtext NULL AFTER method"),
    Migration(
        6,
        "intents",
        "answer",
        "ADD COLUMN run_id varchar(64) NOT NULL DEFAULT '' AFTER id,"
        " ADD COLUMN batch bigint NOT NULL DEFAULT 0 AFTER run_id,"
        " ADD COLUMN target_id bigint NULL AFTER method,"
        " ADD COLUMN action varchar(16) NOT NULL DEFAULT '' AFTER sent,"
        " ADD COLUMN before_image mediumtext NULL AFTER action,"
        " ADD COLUMN answer varchar(255) NOT NULL DEFAULT '' AFTER state",
    ),
)
"""In their order. A new table needs none: what is missing is made."""

SHADOW = "shadow"
PHASES = (SHADOW, "freeze", "drain", "verify", "live", "closed")
"""Of the migration, kept in `meta` under `phase`. Until `live` Sonar is the system of record."""
WRITTEN_IN = frozenset({SHADOW, "freeze", "drain", "verify"})
"""Phases in which the sink writes."""

LIVE = "live"
GONE = "gone"
ORPHANED = "orphaned"
"""States of a crosswalk row: written, withdrawn as its delete policy says, or left alone without an owner."""

UNSETTLED = "open"
KEPT = "kept"
TAKEN = "taken"
OVERWRITTEN = "overwritten"
AGREED = "agreed"
STANDING = (UNSETTLED, KEPT)
"""States of a conflict: nobody decided yet, Splynx's value stays; it was decided that it stays; Sonar's value was
written because somebody decided so, or because of owner or policy; both sides have one value again."""

OPEN = "open"
DONE = "done"
REFUSED = "refused"
LOST = "lost"
"""States of an intent: nobody knows yet; Splynx did it; surely not; nothing of it was found when it was settled."""

ROLLED_BACK = "rolled_back"
"""Outcome of an aggregate of which records were taken back: its bundle is written again when it comes again."""
DOUBTED = "doubted"
"""Outcome of one for which a call was made whose answer was lost: an equal bundle is compared in full."""

PARKED = "parked"
READY = "ready"
DEFERRED = "deferred"
DEAD = "dead"
DISMISSED = "dismissed"
HELD_STATES = (PARKED, READY, DEFERRED, DEAD, DISMISSED)
"""States of a held record."""


def statements(schema: str) -> list[str]:
    """DDL that makes the ledger where it is missing; repeating it changes nothing.

    The schema itself must exist: it is created with the user that may write it.
    """
    return [
        f"CREATE TABLE IF NOT EXISTS `{schema}`.`{name}` ({columns}) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4"
        " COLLATE=utf8mb4_bin"
        for name, columns in TABLES.items()
    ]
