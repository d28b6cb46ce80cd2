"""What a record's undoing means for its row as REST shows it: what returns, what somebody edited, what was kept."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from schemas.ledger import GONE
from sinks.bodies import SONAR_ID, Shape, changed, differing, image, same, with_foreign
from sinks.plan import CLOSED, Document, Known, can_be_closed, closing
from sinks.threeway import came_through, flat, without
from sinks.undo import EXTRA, Undo, Way


def edited(undo: Undo, shape: Shape, written: Document, current: Mapping[str, Any]) -> list[str]:
    """Columns that somebody changed since we wrote them. `written`: the request that the record was last written by."""
    compared = {name: value for name, value in written.items() if not isinstance(value, list)}
    if undo.way is Way.RESTORE and undo.before:
        extra = {name: value for name, value in compared.get(EXTRA, {}).items() if name in undo.before.get(EXTRA, {})}
        compared = {name: value for name, value in compared.items() if name in undo.before and name != EXTRA}
        compared |= {EXTRA: extra} if extra else {}
    return [name for name in differing(compared, current) if name not in shape.on_create]


def body_of(
    undo: Undo, shape: Shape, document: Document, current: Mapping[str, Any], ours: Mapping[str, Collection[int]]
) -> Document:
    """The request that returns a row to what it was, as far as it is ours.

    `ours`: `{entity: ids of the rows that we made}` of what the record's lists refer to.
    """
    body: Document = {}
    for name, value in undo.before.items():
        if name == EXTRA:
            continue
        if name in shape.lists:
            made = ours[shape.lists[name]]
            body[name] = with_foreign([one for one in _ids(value) if one in made], current.get(name), made)
        else:
            body[name] = value
    own = shape.additional | (document.get("custom") or {}).keys()
    extra = {
        name: "" if value is None else value
        for name, value in undo.before.get(EXTRA, {}).items()
        if name in own and name != SONAR_ID
    }
    if extra:
        body[EXTRA] = extra
    if undo.way is Way.WITHDRAW:
        body |= closing(shape.target, current, None)
    return body


def ahead_of(body: Document, written: Document, current: Mapping[str, Any]) -> Document:
    """The part of `body` that a row has already, though something else was written last: as that was written.

    A rollback that was interrupted did it, or somebody by hand: nothing is overwritten there.
    """
    missing = changed(body, current)
    had = {
        name: written[name]
        for name, value in body.items()
        if name != EXTRA and name in written and name not in missing and not same(written[name], value)
    }
    extra = {
        name: written[EXTRA][name]
        for name, value in body.get(EXTRA, {}).items()
        if name in written.get(EXTRA, {})
        and name not in missing.get(EXTRA, {})
        and not same(written[EXTRA][name], value)
    }
    return had | ({EXTRA: extra} if extra else {})


def image_of(current: Mapping[str, Any], sent: Document, ahead: Document) -> Document:
    """The before-image of an undoing: what it changes, as that is now, and what was changed `ahead` of it."""
    found = image(sent, current)
    extra = found.get(EXTRA, {}) | ahead.get(EXTRA, {})
    return found | ahead | ({EXTRA: extra} if extra else {})


def image_of_done(
    sent: Mapping[str, Any], before: Mapping[str, Any], row: Mapping[str, Any], *, whole: bool
) -> Mapping[str, Any]:
    """What a change did whose answer was lost, as it was before it: the columns that are as it asked for, and were not.

    `before`: what it was to change; `whole`: all of that is kept, as it is of money.
    """
    done = came_through([sent], row, same) - came_through([sent], before, same)
    if whole:
        return before if done else {}
    return without(image(sent, before), flat(sent).keys() - done)


def names_in(body: Document) -> set[str]:
    """The columns of a request, additional ones beside the others."""
    return {*(name for name in body if name != EXTRA), *body.get(EXTRA, {})}


def written_of(shape: Shape, resolved: Document, known: Known) -> Document:
    """The request that a record was last written by; what was withdrawn was closed after that."""
    body = shape.body(resolved, create=False)
    if known.state == GONE and can_be_closed(shape.target):
        body["status"] = CLOSED
        # The day of its end is not kept: that it has one is what counts.
        body.pop("end_date", None)
    return body


def _ids(value: Sequence[Any]) -> list[int]:
    members = [one["id"] if isinstance(one, Mapping) else one for one in value]
    return [int(one) for one in members if str(one).isdigit()]


def document_after(undo: Undo, shape: Shape, document: Document, body: Document) -> Document:
    """What counts as written last of a record that goes over REST: an edit is a difference from that."""
    if undo.way is Way.WITHDRAW:
        return document
    result = dict(document)
    custom = dict(document.get("custom") or {})
    for name, value in body.items():
        if name != EXTRA and name in result:
            result[name] = value
    for name, value in body.get(EXTRA, {}).items():
        if name in shape.additional:
            result[name] = value
        else:
            custom[name] = value
    return result | ({"custom": custom} if custom else {})
