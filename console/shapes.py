"""What each command prints with --json: its members and what they mean. `version` stands in each document, and is 1.

`a.b` is a member of a member, `a[]` of each entry of a list, `{x}` a name that varies.
"""

Shape = dict[str, str]
"""`{path of a member: what it is}`."""

_HELD: Shape = {
    "held[]": "What was not written: `{entity, state, code, records}`; state: parked, ready, deferred, dead or"
    " dismissed.",
}
_CAPTURE: Shape = {
    "run_id": "Of this run; it stands in each of its events.",
    "events": "`{aggregate: {op: events acknowledged}}`; op as Debezium's: r, c, u, d.",
    "snapshot": "`{aggregate: [rows read, rows in all]}`; the second is null where Sonar cannot count.",
    "snapshot_complete": "Whether every aggregate asked for was read in full.",
    "missing": "`{aggregate: ids}` that were asked for and that Sonar does not have.",
    "standing": "`{aggregate: code}` of what stands still at the end: what changes in it is not seen.",
    "requests": "Requests sent to Sonar.",
    "seconds": "How long it took.",
    "watermark": "The last one published, see `status`; null before the first.",
    "signal_id": "Set when another process holds the lease and was asked to do it; else null.",
}
_LETTER = (
    "`{id, stage, state, code, reason, at, times, entity, record, aggregate, sonar_id, sequence, topic, partition,"
    " offset, dismissal}`; state: open, superseded, passed or dismissed; times: letters about the same; record: null"
    " where it is a message; dismissal: `{by, at, reason}` or null."
)
_CONFLICT = (
    "`{id, state, entity, key, target_id, account, field, owner, policy, sequence, since, at, settled_at, settled_by,"
    " settled_run, values}`; state: open, kept (Splynx's value stays), taken (Sonar's was written, somebody decided),"
    " overwritten (by owner or policy) or agreed; account: Sonar's id, null where none owns it; values:"
    " `{base, source, target}`, last written, Sonar's and Splynx's, with --show-values."
)
SHAPES: dict[str, Shape] = {
    "topics": {
        "applied": "Whether it was done or only shown.",
        "topics[]": "Topics to create: `{name, partitions}`.",
        "subjects[]": "Schemas to register, by subject.",
        "protect[]": "Subjects whose compatibility is not FULL_TRANSITIVE.",
        "put_right[]": "`{topic, setting, has, wanted}`: how a topic is kept otherwise than it must, in Kafka's names.",
    },
    "actions": {
        "actions[]": "`{id, at, by, host, command, options, ended, exit_code}`, the oldest first; ended and exit_code:"
        " null while it runs, and where its end could not be noted, as after a kill.",
    },
    "plan": {
        "source[]": "`{aggregate, rows, requests}`; rows is null where Sonar cannot count.",
        "target[]": "`{entity, expected, known, splynx, requests, create, way, cost}`: from Sonar at most, in the"
        " ledger, rows of the kind in Splynx (null: not counted), REST calls, to create at most; way: rest or sql;"
        " cost: what it costs to go this way.",
        "adoptions[]": "`{entity, key, target_id, reason, approval, differs}`: rows of Splynx that would be taken over;"
        " approval: whether it needs `--approve adoption`, as all does but what is used for its name, without a change;"
        " differs: what Sonar has otherwise, null before it is captured.",
        "adopted": "Who took rows over last: `{by, at, run, rows}`; null when nobody did.",
        "requests": "`{sonar, splynx}`: of a first copy; at least, at most.",
        "seconds": "`{sonar, splynx}`: that these take by the budgets in the settings.",
        "money_is_written": "Whether splynx.disposable is true.",
    },
    "snapshot": {
        "applied": "Whether it was done or only shown, which a part is at first.",
        "parts[]": "`{aggregate, rows, requests, missing}` of a part that is, or would be, read again; missing: ids"
        " that Sonar does not have.",
        "foreseen": "`{requests, seconds}` that a part takes at least, by the budget in the settings; else null.",
        **_CAPTURE,
    },
    "follow": _CAPTURE,
    "process": {
        "produced": "`{aggregate: bundles}`, of this run.",
        "dead_lettered": "`{aggregate: events set aside}`.",
    },
    "sink": {
        "applied": "Whether it wrote, or only counted.",
        "consumed": "Bundles taken from the topics.",
        "bundles": "`{outcome: bundles}`.",
        "records": "`{entity: {outcome: records}}`.",
        "steps": "`{entity: {create, change, unchanged, gone or refused: records}}` without --apply.",
        "held": "`{entity: {state: records}}` in the ledger at the end.",
        "fields[]": "Additional fields that were, or would be, defined.",
        "labels[]": "Flag labels that were, or would be, made.",
        "adoptions": "`{entity: rows of Splynx with Sonar ids that the ledger does not know}`.",
        "others": "Customers that Splynx has before anything was written, without --apply.",
    },
    "run": {
        "applied": "Whether the sink ran too.",
        "caught_up": "Whether every stage passed the first watermark after a whole snapshot.",
        "seconds": "How long it took.",
        **_HELD,
    },
    "status": {
        "lag[]": "`{stage, entity, messages}`: what lies before each stage.",
        "watermark": "The last one: `{source_time, deletes_time, read_started, sequence, snapshot_complete, offsets}`;"
        " null before the first.",
        **_HELD,
        "parked[]": "`{entity, key, since, chain}` of the records that have waited longest; chain:"
        " `[{entity, key, state}]`, what it waits for, and what that waits for, to the end.",
        "conflicts[]": "`{entity, field, records, newest}`: edits made in Splynx that wait for a decision.",
        "writing": "`{phase, guards, writers: [{partition, owner, since}], open_calls: [{entity, method, calls,"
        " oldest}]}`: who writes into Splynx, the guards of it for which the sink waits (null: none), and the calls of"
        " which nobody knows yet what became.",
        "crosswalk[]": "`{entity, state, records}`: records that the ledger links with Sonar's; state: live or gone.",
        "journal": "`{entries, megabytes, megabytes_per_day, oldest, newest, calls}` of the before-images that a"
        " rollback needs, and how many calls over REST are kept; the rate is null until they cover a day, all of it"
        " before the first write.",
        "capture": "`{at, silent, since, run_id, requests, fingerprint, swept, events, collections}` as capture last"
        " told; null before its first poll. silent: it does not run, or hangs; requests: `{purpose: requests since}`;"
        " swept: the earliest of those of the collections, null: one never was; events: `{at, change, name, effect,"
        " aggregates}`, the newest changes of Sonar's schema.",
        "capture.collections[]": "`{entity, state, why, rows, snapshot, changes, deletes, swept, late_seconds,"
        " requests, deletes_by, schema}`; state: fresh, reading, stale, halted or held; snapshot: `{read, total, done,"
        " seconds_left}` or null; seconds_left: at its pace so far, null: not known; changes, deletes: proven complete"
        " up to; deletes as far as Sonar's log tells of them and none is held; swept: when all that is followed for it"
        " had last been listed whole, which finds deletes that no log tells of; null: some of it never was, or it is"
        " not followed; requests: `{purpose: n}` of those that ask for it alone; deletes_by: `{log, sweep or webhook:"
        " n}`; schema: `{lacks, missing, unreadable}`.",
        "audit[]": "With --audit: messages that the ledger does not account for; empty when all is well.",
        "audit_omitted": "With --audit: how many more there are; a thousand of each stage are named.",
    },
    "trace": {
        "aggregate": "What it is in Sonar.",
        "sonar_id": "Its id there.",
        "conclusion": "`{arrived, stage, says, next_step}`: the last room it reached (sonar, capture, process, sink,"
        " splynx), and why it is not further.",
        "events[]": "On sonar.*: `{topic, partition, offset, op, sequence, snapshot, changed_at, read_at, owner_id,"
        " run_id, values}`.",
        "bundles[]": "On splynx.*: `{topic, partition, offset, sequence, hash, rules_version, rules_generation,"
        " deleted, reason, notes, origin, records, values}`; records is `{entity: keys}`, null where unread.",
        "dead_letters[]": "`{stage, code, reason, at, topic, partition, offset, record}`.",
        "ledger": "null before anything was written, else `{newest, crosswalk, held, intents, journal, conflicts}` with"
        " the columns of these tables. Values, documents and before-images only with --show-values. An intent is a call"
        " over REST: state: open, done, refused or lost; answer: Splynx's status, or the error.",
    },
    "reconcile": {
        "equal": "Whether both ends agree.",
        "read_at": "When Sonar was read, by its own clock.",
        "read_by": "How Splynx was read: sql, or rest where splynx.db is not set.",
        "customers": "`[in Sonar, in Splynx]`; so are all pairs.",
        "statuses": "`{status: pair}` of customers.",
        "payments": "A pair.",
        "payments_minor": "A pair of sums in minor units.",
        "counts": "`{entity: {status: pair}}`.",
        "skipped[]": "`{entity, why, records, minor}`: what the rules leave out; it is in none of the pairs.",
        "compared": "`{entity: records that were compared field by field}`.",
        "not_shown": "`{entity: fields}` that Splynx does not show, such as passwords.",
        "dead_letters": "`{aggregate: {code: records}}`.",
        "looks": "How often something had to be looked at.",
        "unsettled": "Records that changed at each look; nothing could be said of them.",
        "left_out": "Findings that were counted and are not listed.",
        "findings[]": "`{check, entity, key, field, expected, actual, cause, topic, partition, offset, confirmed}`;"
        " expected or actual null: the record is not there. Personal data only with --show-values.",
    },
    "doctor": {
        "ok": "Whether every check is well.",
        "checks[]": "`{check, ok, says, next_step}`.",
        "grants[]": "SQL that gives the database user its rights.",
        "endpoints[]": "REST paths whose index, view, add and update rights the API key needs.",
        "learn": "With --learn-guard, alone: `{guard, step, settings, next_step, key, expected, changed, applied}`;"
        " step: pictured (run it again), learned, on (turned the wrong way), unchanged or several; settings: how many"
        " were looked at.",
    },
    "replay": {
        "applied": "Whether it was done or only shown.",
        "engine": "batch or live.",
        "resumed": "Whether it went on where the same replay was interrupted.",
        "messages": "Events on the topics from where it begins.",
        "events": "`{aggregate: records}`, each by its newest event; empty for the live engine, once applied.",
        "refused": "`{aggregate: {code: records}}` that the rules of now refuse.",
        "bundles": "`{outcome: bundles}` that the sink would come to, without --apply.",
        "steps": "`{entity: {create, change, unchanged, gone or refused: records}}` of the sink, without --apply.",
        "published": "`{aggregate: bundles}`, with --apply.",
        "cut[]": "Topics whose oldest events retention has removed.",
        "entering": "`{aggregate: records}` that earlier rules left out and those of now take in, with --entering; else"
        " null.",
        "leaving": "`{aggregate: records}` in Splynx that the rules of now leave out, with --entering: they stay.",
        "account": "With --as-of alone, as all below: Sonar's id.",
        "moment": "The moment, in the zone that it was given in.",
        "unmapped": "`{code: versions of records that the rules of now refuse}`.",
        "records[]": "`{entity, key, state, differs, then, now}`; state: same, changed, new or gone since; differs:"
        " names of members; then and now only with --show-values.",
    },
    "rollback": {
        "applied": "Whether it was done or only shown.",
        "run_id": "Of this rollback, by which it can be undone; null where it was only shown.",
        "records[]": "`{entity, key, target_id, way, why, columns, runs, values}` in the order of the undoing; way:"
        " restore, withdraw or left; why: it is left; runs: those whose writes are undone; values:"
        " `{column: [as it is, as it becomes]}`, with --show-values.",
        "omitted": "How many more there are than these; --list writes all of them.",
        "counts": "`{way: records}`, of all.",
        "reopened": "Conflicts that are undecided again, for what was decided about them is taken back.",
        "open_calls": "Calls of these writes of which nobody knew what became; with --apply it was found out first.",
        "excluded": "`{entity: members}` that are written on creation only, and never touched.",
    },
    "files": {
        "folder": "Where they are.",
        "fetched[]": "`{id, name, mime_type, bytes, sha256, fileable_type, fileable_id, fetched_at}`, as in"
        " files.jsonl; name: below the folder.",
        "there": "How many were complete from an earlier run.",
        "failed": "`{id: code}` of those that Sonar does not give.",
        "left": "How many were left because the run would have fetched more than it may.",
    },
    "deadletters list": {"letters[]": _LETTER},
    "deadletters causes": {
        "causes[]": "`{stage, entity, code, letters, reasons, oldest, newest, example, page}`; reasons: how many"
        " different ones; example: id of a letter.",
    },
    "deadletters show": {
        "letter": _LETTER,
        "chain[]": "`{entity, key, state}`: what its record waits for, and what that waits for, to the end.",
        "values": "What was set aside, with --show-values and where it can be read; else null.",
        "page": "The page that says what to do.",
        "trace": "The command that shows the record's whole way; null where nobody knows whose it is.",
    },
    "deadletters replay": {
        "applied": "Whether it was done or only shown.",
        "letters[]": "The letters that were chosen, as `deadletters list` has them, each with `{action, why}`; action:"
        " replay, read again, refused, superseded, dismissed, not kept, untold or nobody's.",
        "steps": "`{entity: {create, change, unchanged, gone or refused: records}}` of the sink, without --apply.",
        "published": "Bundles published.",
        "read_again[]": "Aggregates that are, or would be, read from Sonar again.",
    },
    "deadletters dismiss": {
        "applied": "Whether it was done or only shown.",
        "by": "Who decides.",
        "reason": "Why.",
        "letters[]": "The letters that were chosen, as `deadletters list` has them, each with `{action}`: dismiss, take"
        " back, nothing (it is so already) or closed (something newer closed it).",
    },
    "conflicts list": {
        "conflicts[]": _CONFLICT,
        "counts": "`{state: conflicts}`.",
    },
    "conflicts show": {
        "conflict": _CONFLICT,
        "earlier[]": "Other conflicts about the same field of the same record, in the same form.",
        "trace": "The command that shows the record's whole way.",
    },
    "conflicts resolve": {
        "applied": "Whether it was done or only shown.",
        "run_id": "Of the decision, by which it can be undone; null where it was only shown.",
        "take": "source, target or rules.",
        "conflicts[]": "The conflicts that were chosen, as `conflicts list` has them, each with `{action, why}`; why:"
        " it still waits.",
        "counts": "`{action: conflicts}`.",
    },
    "ledger migrate": {
        "applied": "Whether it was done or only shown.",
        "version": "Of the tables before.",
        "to": "Of this release.",
        "changes[]": "`{version, table, column, alter}`: what was, or is to be, changed, in its order.",
    },
    "ledger prune": {
        "applied": "Whether it was done or only shown.",
        "before": "The moment.",
        "entries": "Before-images from before it.",
        "kept": "Those that stay.",
        "calls": "Calls over REST from before it whose outcome is certain, or counts no more.",
        "calls_kept": "The other calls, which stay.",
    },
    "ledger phase": {
        "applied": "Whether the phase was changed.",
        "phase": "The phase before.",
        "to": "The phase that was, or would be, entered; null to show the one of now.",
        "written": "Whether the sink writes in it.",
        "open_calls": "Calls to Splynx with an open outcome; after a change that ends the writing they are over.",
    },
    "ledger rebuild": {
        "applied": "Whether it was done or only shown.",
        "forgotten": "`{entity: records in the ledger before}`.",
        "adopted": "`{entity: records in Splynx with our marks}`.",
    },
}
"""`{command: shape}`; what each command prints is held against it by tests."""


def members(command: str) -> set[str]:
    """The members at the top of a command's document."""
    return {path.removesuffix("[]") for path in SHAPES[command] if "." not in path}
