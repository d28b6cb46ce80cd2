"""What the rules name on either side, each with its place in the file, so that it can be looked up there."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from schemas.rules.file import RulesFile
from schemas.rules.text import RulesText
from schemas.values.text import one_line


@dataclass(frozen=True)
class InSonar:
    """One of Sonar's objects that a rule is about: by its id, or by its name."""

    collection: str
    value: int | str
    place: tuple[str, ...]


COLLECTIONS = {
    "companies": "company",
    "account_statuses": "account status",
    "account_groups": "account group",
    "account_types": "account type",
    "services": "service",
    "taxes": "tax",
    "custom_fields": "custom field",
}
"""`{collection: what one of its rows is called}`."""


def named_in_sonar(file: RulesFile) -> Iterator[InSonar]:
    """Everything of Sonar's that the rules name, but for accounts: these are too many to list."""

    def each(collection: str, values: Collection[int] | Collection[str], *place: str) -> Iterator[InSonar]:
        for value in values:
            yield InSonar(collection, value, (*place, str(value)))

    def members(collection: str, values: Collection[int], *place: str) -> Iterator[InSonar]:
        for number, value in enumerate(values):
            yield InSonar(collection, value, (*place, str(number)))

    yield from each("companies", file.partners.by_company, "partners.by_company")
    yield from each("companies", file.partners.names, "partners.names")
    yield from members("companies", file.scope.companies, "scope.companies")
    yield from each("account_statuses", file.status_map.by_id, "status_map.by_id")
    yield from each("account_statuses", file.status_map.by_name, "status_map.by_name")
    yield from members("account_statuses", file.scope.statuses, "scope.statuses")
    yield from each("account_types", file.customer.category.by_account_type, "customer.category.by_account_type")
    for name in file.customer.labels.names:
        kind, _, number = name.partition(":")
        yield InSonar(f"account_{kind}s", int(number), ("customer.labels.names", name))
    for place, rule in enumerate(file.locations.rules):
        wanted = rule.when.get("account_group", [])
        for group in wanted if isinstance(wanted, list) else [wanted]:
            yield InSonar("account_groups", str(group), (f"locations.rules.{place}.when.account_group",))
    yield from each("services", file.tariffs.map, "tariffs.map")
    yield from each("services", file.tariffs.names, "tariffs.names")
    yield from each("taxes", file.taxes.map, "taxes.map")
    yield from each("custom_fields", file.custom_fields.map, "custom_fields.map")


def unknown_in_sonar(text: RulesText, known: Mapping[str, Mapping[int, str]]) -> list[str]:
    """What the rules name and Sonar lacks, each with its line. `known`: `{collection: {id: name}}`."""
    return [
        f"{text.place(*one.place)}: Sonar has no {COLLECTIONS[one.collection]} {one.value}"
        for one in named_in_sonar(text.file)
        if one.value not in known[one.collection] and one.value not in _names(one.collection, known[one.collection])
    ]


def _names(collection: str, rows: Mapping[int, str]) -> set[str]:
    """As the mappers compare them."""
    return {one_line(name) if collection == "account_groups" else name for name in rows.values()}


def named_fields(file: RulesFile) -> dict[str, str]:
    """`{custom field of Sonar: additional field of Splynx's customers}` that the rules name."""
    rules = file.custom_fields.map.items()
    return {field: rule.name for field, rule in rules if not isinstance(rule, str) and rule.name is not None}


def unknown_fields(text: RulesText, known: Collection[str]) -> list[str]:
    """Additional fields that the rules name and Splynx's customers lack, each with its line."""
    return [
        f"{text.place('custom_fields.map', field)}: Splynx's customers have no additional field {name}"
        for field, name in named_fields(text.file).items()
        if name not in known
    ]
