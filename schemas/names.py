"""Names by which Splynx's partners, labels and tariffs are told apart: which of Sonar's would be one (mapping 5.8).

A mapper sees one record only, so it cannot know of another of the same name; if it looked, a replay would no longer
make the same of a record. So the suffix stands in the rules: what is proposed follows from Sonar's ids, never from who
came first, and is told in one go, ready to be pasted.
"""

import json
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, count
from typing import NamedTuple

from schemas.entities.company import PARTNER_CHARACTERS, partner_name
from schemas.entities.labels import FLAG_LABELS, LABEL_CHARACTERS, group_label, label_text, type_label
from schemas.entities.service.tariff import TARIFF_CHARACTERS, left_to_splynx, tariff_title
from schemas.rules import RulesFile, RulesText
from schemas.values.text import cut


class _Named(NamedTuple):
    kind: str
    id: int
    key: str
    """Under which the rules name it; empty for what is ours."""
    text: str
    """The name in Splynx."""


def shared_names(
    text: RulesText,
    companies: Mapping[int, str],
    groups: Mapping[int, str],
    types: Mapping[int, str],
    plans: Mapping[int, str],
) -> list[str]:
    """Each record that another has the name of, with the line that tells them apart. The lowest id keeps it.

    `companies`: `{id: name}` of the enabled ones; account `groups` and `types`, and `plans` that are charged, likewise.
    """
    file = text.file
    partners = [
        _Named("company", id, str(id), partner_name(id, name, file, []))
        for id, name in sorted(companies.items())
        if name.strip() and not isinstance(file.partners.by_company.get(id), int)
    ]
    tariffs = [
        _Named("service", id, str(id), tariff_title(id, name, file, []))
        for id, name in sorted(plans.items())
        if name.strip() and left_to_splynx(id, file) is None
    ]
    labels = [_Named("flag", 0, "", label) for label in FLAG_LABELS.values()]
    labels += _labels("group", groups, file) + _labels("type", types, file)
    return [
        *_shared(text, "partners.names", partners, PARTNER_CHARACTERS),
        *_shared(text, "customer.labels.names", labels, LABEL_CHARACTERS),
        *_shared(text, "tariffs.names", tariffs, TARIFF_CHARACTERS),
    ]


def _labels(kind: str, names: Mapping[int, str], file: RulesFile) -> list[_Named]:
    ref = group_label if kind == "group" else type_label
    return [
        _Named(kind, id, ref(id).key, label_text(ref(id), id, name, file, []))
        for id, name in sorted(names.items())
        if name.strip()
    ]


def _shared(text: RulesText, rule: str, named: Sequence[_Named], characters: int) -> Iterator[str]:
    first: dict[str, _Named] = {}
    taken = {collated(one.text) for one in named}
    for one in named:
        kept = first.setdefault(collated(one.text), one)
        if kept is one:
            continue
        other = f"{kept.kind} {kept.id}" if kept.key else "a label of our own"
        own = next(name for name in _own_names(one, kept, characters) if collated(name) not in taken)
        taken.add(collated(own))
        key = one.key if one.key.isdigit() else json.dumps(one.key)
        line = f"{key}: {json.dumps(own, ensure_ascii=False)}"
        yield f"{text.place(rule)}: {one.kind} {one.id} would have the name of {other} in Splynx; add `{line}`"


def _own_names(one: _Named, kept: _Named, characters: int) -> Iterator[str]:
    """Names that tell it apart from the one that keeps the name, the plainest first: of its kind, then of its id."""
    plain = f" ({one.kind})" if kept.kind != one.kind else f" #{one.id}"
    both = f" ({one.kind}) #{one.id}"
    for suffix in chain([plain, both], (f"{both}-{number}" for number in count(2))):
        yield cut(one.text.rstrip(), characters - len(suffix)).rstrip() + suffix


def collated(name: str) -> str:
    """Names that Splynx's database takes for one, which tells apart neither case nor accents."""
    if name.isascii():
        return name.lower().rstrip()
    apart = unicodedata.normalize("NFKD", name.casefold())
    return "".join(sign for sign in apart if not unicodedata.combining(sign)).rstrip()
