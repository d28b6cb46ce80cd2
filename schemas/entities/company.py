"""A Sonar company and the Splynx partner it becomes (mapping F1)."""

from typing import Annotated

from schemas.aggregate import Aggregate, Collection, DeletePolicy, Target, WritePath
from schemas.bundle import Bundle
from schemas.records import Instant, MaxLength, SonarRecord, SplynxRecord
from schemas.rules import Rules, RulesFile
from schemas.values.text import fitted_name, one_line, required_text

PARTNER_CHARACTERS = 128


class Company(SonarRecord):
    """Source: Sonar schema, type Company."""

    id: int
    sonar_unique_id: str | None = None
    updated_at: Instant
    name: str
    enabled: bool


class Partner(SplynxRecord):
    """Source: Splynx REST, admin/administration/partners."""

    name: Annotated[str, MaxLength(PARTNER_CHARACTERS)]
    sonar_unique_id: str = ""
    """Of the company; kept by the ledger only."""

    not_written = SplynxRecord.not_written | {"sonar_unique_id"}


def partner_name(id: int, name: str, file: RulesFile, notes: list[str]) -> str:
    """The name of a company's partner: the rules' own, else the company's.

    Raises:
        RequiredValueMissing: the company has no name.
    """
    chosen = file.partners.names.get(id)
    return chosen or fitted_name(required_text("name", one_line(name)), PARTNER_CHARACTERS, id, notes)


def map_company(company: Company, rules: Rules) -> Bundle:
    """The partner of an enabled company, unless the rules name one that exists already.

    Raises:
        RequiredValueMissing: the company has no name.
    """
    configured = rules.partner_of(company.id)
    if configured is not None:
        return Bundle(records={"partner": []}, reason=f"the rules map this company to partner {configured}")
    if not company.enabled:
        return Bundle(records={"partner": []}, reason="a disabled company is mapped to the default partner")
    notes: list[str] = []
    name = partner_name(company.id, company.name, rules.file, notes)
    partner = Partner(key=str(company.id), name=name, sonar_unique_id=company.sonar_unique_id or "")
    return Bundle(records={"partner": [partner]}, notes=tuple(notes))


COMPANY = Aggregate(
    name="company",
    root=Collection("companies", Company, "Company"),
    targets=[
        Target(
            "partner",
            Partner,
            table="partners",
            path=WritePath.REST,
            delete=DeletePolicy.KEEP,
            endpoint="admin/administration/partners",
            module="partners",
            natural_key=("name",),
        )
    ],
    mapper=map_company,
    doc="A company under which accounts are billed becomes a partner.",
)
