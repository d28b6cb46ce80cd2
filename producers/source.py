"""What this Sonar lets us read: its schema, what of our declarations it lacks, what the token may not see."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from graphql import FieldNode

from clients.sonar import SonarClient
from clients.sonar_errors import SonarFailed, SonarForbidden, SonarGraphqlError, SonarQueryInvalid, SonarTimeout
from clients.sonar_purpose import asking
from clients.sonar_schema import Outline, SonarSchema, fingerprint
from producers import documents
from producers.followed import followed
from producers.needs import lacking, outline_of, unfit
from producers.reader import Reading
from schemas.aggregate import Aggregate
from schemas.selection import selection, sonar_field
from schemas.shapes import members

_TRIED_TOGETHER = 10
"""Aggregates of each of which one row is asked for in one request. A minute's budget is three hundred."""
_UNKNOWN = re.compile(r"Cannot query field '(\w+)' on type '(\w+)'")


@dataclass(frozen=True)
class Source:
    """One Sonar as we can read it."""

    schema: SonarSchema
    outline: Outline
    """Of it, as far as what we declare leads."""
    selections: dict[str, str]
    """`{aggregate: selection text}`, of fields that exist and may be read; without those that are unfit."""
    unfit: dict[str, list[str]]
    """`{aggregate: what it cannot be read without and this Sonar lacks}`, as `Type.field` or a collection."""
    missing: dict[str, list[str]]
    """`{aggregate: declared fields that this Sonar lacks}`, as `Type.field`: null in every event."""
    denied: dict[str, frozenset[str]]
    """`{aggregate: nested fields that this token may not read}`: null in every event."""
    forbidden: frozenset[str]
    """Aggregates whose collection this token may not read at all: they stand still."""
    whole: dict[str, str]
    """`{aggregate: selection text}` as it were if the token might read everything."""

    @property
    def fingerprint(self) -> str:
        """Changes when something that we read changes."""
        return fingerprint(self.outline)

    @property
    def lacking(self) -> list[str]:
        """All that is missing and null, each once."""
        return sorted({name for names in self.missing.values() for name in names})

    @property
    def unreadable(self) -> list[str]:
        """All that may not be read, as `aggregate.field`."""
        return sorted(f"{name}.{field}" for name, fields in self.denied.items() for field in fields)

    def require_all(self) -> None:
        """See that every aggregate can be read.

        Raises:
            SchemaUnfit: names what is lacking.
        """
        if self.unfit:
            raise unfit(self.unfit.values())


async def read_source(
    client: SonarClient,
    aggregates: Sequence[Aggregate],
    first: int,
    known: Source | None = None,
    carried: Collection[str] = (),
) -> Source:
    """Introspect Sonar and make the selections for it. Nested connections ask for `first` rows.

    `carried`: the kinds of secrets that are read.

    `known`: as it was before. Where nothing differs it is taken over, but that what was denied is asked for again.

    Raises:
        SchemaUnfit: not one of them can be read.
        SyncError: from the client.
    """
    schema = await client.introspect()
    outline = outline_of(schema, aggregates)
    same = known if known is not None and known.outline == outline else None
    lacks, missing, whole, denied, selections, forbidden = {}, {}, {}, {}, {}, set[str]()
    to_try: list[Aggregate] = []
    for one in aggregates:
        required, optional = lacking(one, outline)
        text = "" if required else selection_text(schema, one, first, carried=carried)
        if reasons := required or (same.unfit.get(one.name) if same else _refused(schema, one, text)):
            lacks[one.name] = reasons
            continue
        if optional:
            missing[one.name] = optional
        whole[one.name] = text
        refused = frozenset[str]() if known is None else known.denied.keys() | known.forbidden
        as_before = known is not None and known.whole.get(one.name) == text and one.name not in refused
        selections[one.name] = text
        if not as_before:
            to_try.append(one)
    for one in await _unreadable(client, schema, to_try, whole):
        if not await _readable(client, schema, one, "id"):
            forbidden.add(one.name)
        elif fields := await _denied(client, schema, one, whole[one.name]):
            denied[one.name] = fields
            selections[one.name] = selection_text(schema, one, first, fields, carried)
    if not selections and lacks:
        raise unfit(lacks.values())
    return Source(schema, outline, selections, lacks, missing, denied, frozenset(forbidden), whole)


def _refused(schema: SonarSchema, aggregate: Aggregate, text: str) -> list[str]:
    """What of an aggregate's own documents this Sonar does not understand: a relation that is no more one, say."""
    root = aggregate.root
    entities = Reading(aggregate, text, schema).text
    if root.singleton:
        found = [documents.settings_document(root.name, entities)]
    else:
        found = [documents.page_document(root.name, entities, archived=root.include_archived, counted=True)]
        found += [documents.thin_document([one.thin]) for one in followed([aggregate], schema)]
    reasons = []
    for document in found:
        try:
            schema.check(document)
        except SonarQueryInvalid as exc:
            unknown = _UNKNOWN.search(str(exc))
            reasons.append(f"{unknown[2]}.{unknown[1]}" if unknown else f"what {aggregate.name} asks for: {exc}")
    return list(dict.fromkeys(reasons))


def selection_text(
    schema: SonarSchema,
    aggregate: Aggregate,
    first: int,
    denied: frozenset[str] = frozenset(),
    carried: Collection[str] = (),
) -> str:
    """The selection of an aggregate for this Sonar, without what is `denied` of its root. Lists ask for `first`."""

    def available(type_name: str) -> frozenset[str]:
        has = schema.fields(type_name)
        return has - denied if type_name == aggregate.root.type_name else has

    def related(type_name: str, field: str) -> str | None:
        found = schema.field_type(type_name, field)
        return found.name if found is not None else None

    return selection(aggregate, available, first, related, carried)


async def _denied(client: SonarClient, schema: SonarSchema, aggregate: Aggregate, text: str) -> frozenset[str]:
    """Nested fields of the root that this token may not read, found by asking for one row.

    Not read is not empty: such a field is left out, and null in every event.
    """
    nested = [
        node
        for node in documents.selection_set(text).selections
        if isinstance(node, FieldNode) and node.selection_set is not None
    ]
    optional = {sonar_field(one) for one in members(aggregate.root.record) if one.nullable}
    denied = [
        node.name.value
        for node in nested
        if node.name.value in optional
        and not await _readable(
            client, schema, aggregate, "id " + documents.field_text(node), documents.answer_name(node)
        )
    ]
    return frozenset(denied)


async def _unreadable(
    client: SonarClient, schema: SonarSchema, aggregates: Sequence[Aggregate], texts: Mapping[str, str]
) -> list[Aggregate]:
    """Those of which a row cannot be read by its text: some are tried together, and one by one where that fails."""
    found = []
    lists = [one for one in aggregates if not one.root.singleton]
    for start in range(0, len(lists), _TRIED_TOGETHER):
        part = lists[start : start + _TRIED_TOGETHER]
        pages = [(one.root.name, f"{{ {texts[one.name]} }}", one.root.include_archived) for one in part]
        try:
            with asking("probe"):
                await client.query(documents.probe_document(pages), attempts=3, again_after_timeout=False)
        except SonarQueryInvalid:
            raise
        except (SonarGraphqlError, SonarTimeout, SonarFailed):
            found += [one for one in part if not await _readable(client, schema, one, texts[one.name])]
    return found


async def _readable(
    client: SonarClient, schema: SonarSchema, aggregate: Aggregate, text: str, field: str | None = None
) -> bool:
    """Whether the token may read a row by this text, of which `field` is the one that is in question; None: all of it.

    Raises:
        SonarGraphqlError: Sonar keeps failing, which is no refusal: what may be read is not to be null in every event.
        SyncError: from the client.
    """
    root = aggregate.root
    if root.singleton:
        return True  # read whole a moment later, where a refusal is an error of its own
    document = documents.page_document(root.name, f"{{ {text} }}", archived=root.include_archived, counted=False)
    try:
        with asking("probe", root.name):
            await client.query(document, {"search": [], "n": 1}, attempts=3)
    except SonarQueryInvalid:
        raise
    except SonarGraphqlError as exc:
        if _refuses(exc, root.name, field):
            return False
        raise SonarGraphqlError(
            f"whether the token may read {root.name} is not known: {exc}",
            exc.paths,
            remedy="Nothing, unless it lasts: then ask Sonar's support about the field. To go on without, name"
            f" {aggregate.name} in sonar.leave_out.",
        ) from exc
    return True


def _refuses(error: SonarGraphqlError, collection: str, field: str | None) -> bool:
    """Whether an error is a refusal of a nested field, or (None) of anything in a collection.

    Sonar's words for that are nowhere documented. In others than those known, an error at that very place is one, but
    where Sonar says that it failed.
    """
    if isinstance(error, SonarForbidden):
        return True
    places = [path.split(".") for path in error.paths]  # accounts.entities.0.contacts
    return not error.internal and any(
        place[0] == collection and (field is None or place[3:4] == [field]) for place in places
    )
