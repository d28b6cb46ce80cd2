"""A Sonar company and the Splynx partner it becomes (mapping F1, F2)."""

from typing import Annotated, ClassVar

from schemas.aggregate import Aggregate, Collection, DeletePolicy, LookUp, Owner, Target, Touch, WritePath
from schemas.bundle import Bundle
from schemas.entities.catalogued import beside
from schemas.entities.customer.source import Address
from schemas.records import Few, Instant, MaxLength, SonarRecord, SplynxRecord
from schemas.rules import Rules, RulesFile
from schemas.values.text import fitted_name, one_line, required_text

PARTNER_CHARACTERS = 128


class DepartmentOf(SonarRecord):
    """Source: Sonar schema, type Department."""

    id: int
    name: str

    left_out = beside()


class CompanyDepartment(SonarRecord):
    """How a department of a company is reached. Source: Sonar schema, type CompanyDepartment."""

    id: int
    email_address: str | None = None
    country: str | None = None
    number: str | None = None
    number_formatted: str | None = None
    extension: str | None = None
    department: DepartmentOf | None = None

    left_out = beside("company_id", department_id="it is department.id")


class Company(SonarRecord):
    """Source: Sonar schema, type Company."""

    id: int
    sonar_unique_id: str | None = None
    updated_at: Instant
    name: str
    enabled: bool
    created_at: Instant | None = None
    country: str | None = None
    phone_number: str | None = None
    tax_identification: str | None = None
    website_address: str | None = None
    default: bool | None = None
    isp_type: str | None = None
    checks_payable_to: str | None = None
    primary_color: str | None = None
    secondary_color: str | None = None
    show_remittance_slip: bool | None = None
    billing_communication_delay_start_local_time: str | None = None
    billing_communication_delay_end_local_time: str | None = None
    addresses: Annotated[list[Address] | None, Few(4)] = None
    company_departments: Annotated[list[CompanyDepartment] | None, Few(8)] = None

    left_out: ClassVar = {"customer_portal_url": "the portal moves with the customers (mapping 4.1)"}


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
    touched_by=[
        Touch("addresses", "Address", [Owner("addressable_id", ("addressable_type", "Company"))]),
        Touch("company_departments", "CompanyDepartment", [Owner("company_id")]),
    ],
    looks_up=[LookUp("departments", "Department", relation="company_departments.department", fields=("name",))],
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
