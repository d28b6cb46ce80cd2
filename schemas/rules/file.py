"""The operator's rules as they are written: what may be said, and what each word means.

What is true for every ISP is code; what an ISP may choose is here.
"""

from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field

from schemas.rules.block import Block, Id
from schemas.rules.charges import Billing, PaymentMethods, Tariffs, Taxes
from schemas.rules.customers import CustomerRules, CustomFields, StatusMap
from schemas.values.money import is_currency

ConflictPolicy = Literal["hold", "overwrite", "keep"]
FieldName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*\.[^.\s][^.]*$")]
"""`entity.field`."""
FROM_SONAR = "from_system_setting"


def checked_zone(value: str) -> str:
    """The name of a time zone.

    Raises:
        ValueError: there is none of this name.
    """
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError) as exc:
        raise ValueError("is no IANA time zone, such as America/Chicago") from exc
    return value


def _own_zone(value: str) -> str:
    return value if value == FROM_SONAR else checked_zone(value)


def _own_currency(value: str) -> str:
    if value != FROM_SONAR and not is_currency(value):
        raise ValueError("is no ISO 4217 code, such as USD")
    return value


class Source(Block):
    """What the rules say of Sonar. `from_system_setting` takes Sonar's own word."""

    timezone: Annotated[str, AfterValidator(_own_zone)] = Field(
        FROM_SONAR,
        description="Sonar's zone; an IANA name where Sonar's own does not say which.",
        examples=[FROM_SONAR],
    )
    currency: Annotated[str, AfterValidator(_own_currency)] = Field(
        FROM_SONAR, description="Sonar's currency, by ISO 4217.", examples=["USD"]
    )
    allow_zone_shift: bool = Field(
        False, description="Start although Sonar and Splynx differ in zone; billing days may move.", examples=[False]
    )


class TargetRules(Block):
    """What the rules say of Splynx."""

    timezone: Annotated[str, AfterValidator(checked_zone)] = Field(
        description="Splynx's zone, by its IANA name.", examples=["America/Chicago"]
    )


class CreatePartner(Block):
    """A partner is made of the company."""

    create: Literal[True]


class Partners(Block):
    """Which partner a company is. A company that is not named becomes a partner of its own."""

    default: Id = Field(description="The partner of customers whose company is disabled in Sonar.", examples=[1])
    by_company: dict[int, Id | CreatePartner] = Field(
        {},
        description="A company's id in Sonar to a partner's in Splynx. What is not named is made.",
        examples=[{1: 1, 2: {"create": True}}],
    )
    names: dict[int, Annotated[str, Field(min_length=1, max_length=128)]] = Field(
        {},
        description="A company's id in Sonar to its partner's name, where two companies have one name.",
        examples=[{7: "Example Net #7"}],
    )


class LocationUse(Block):
    """A location that exists in Splynx."""

    id: Id


class LocationRule(Block):
    """First match wins; all conditions of a rule must hold."""

    when: dict[
        Literal["address.city", "address.subdivision", "address.country", "account_group", "company"],
        str | int | list[str] | list[int],
    ]
    use: LocationUse


class Locations(Block):
    """Which location a customer lies in."""

    default: Id = Field(description="The location where no rule matches.", examples=[1])
    rules: list[LocationRule] = Field(
        [],
        description="First match wins; all conditions of a rule must hold, one of a list is enough.",
        examples=[
            [
                {
                    "when": {"address.subdivision": "US_TX", "address.city": ["Northtown", "Eastville"]},
                    "use": {"id": 3},
                },
                {"when": {"account_group": "Wholesale"}, "use": {"id": 7}},
            ]
        ],
    )


class Scope(Block):
    """A pilot: only these accounts are written, and their payments. Empty lists mean everyone. It can be widened."""

    accounts: list[int] = Field([], description="By the account's id in Sonar.", examples=[[17, 42]])
    companies: list[int] = Field([], description="By the company's id in Sonar.", examples=[[1]])
    statuses: list[int] = Field([], description="By the account status's id in Sonar.", examples=[[3, 9]])


class OwnershipRules(Block):
    """Who may change a field of Splynx during the parallel run. The pages of the entities name the owner of each."""

    default: Literal["source", "shared"] = Field(
        "source",
        description="Of the fields that Sonar owns: source, or shared, where the last change wins on whichever side.",
        examples=["source"],
    )
    overrides: dict[FieldName, Literal["source", "target", "shared", "locked"]] = Field(
        {},
        description="The owner of single fields. source: Sonar; an edit in Splynx is a conflict. target: Splynx; never"
        " written after its row was made. shared: the last change wins, and only two of them are a conflict. locked:"
        " nobody in Splynx; an edit is told and put back.",
        examples=[{"customer.gps": "target", "customer.phone": "shared"}],
    )


class ConflictRules(Block):
    """What is done when somebody edited a field in Splynx that Sonar owns. Each edit is told, whatever is done."""

    policy: ConflictPolicy = Field(
        "hold",
        description="hold: Splynx's value stays until somebody decides (`crossfade conflicts`), and the rest of the"
        " record is written. overwrite: Sonar's value is written. keep: Splynx's value stays until Sonar's changes.",
        examples=["hold"],
    )
    overrides: dict[FieldName, ConflictPolicy] = Field(
        {}, description="The policy of single fields.", examples=[{"customer.email": "overwrite"}]
    )


Way = Literal["rest", "sql"]
Phase = Literal["shadow", "freeze", "drain", "verify"]


class RulesFile(Block):
    """The rules as the operator wrote them."""

    version: Literal[1] = Field(description="Of this file's form.", examples=[1])
    source: Source = Source()
    target: TargetRules
    partners: Partners
    locations: Locations
    status_map: StatusMap = StatusMap()
    customer: CustomerRules = CustomerRules()
    tariffs: Tariffs = Tariffs()
    taxes: Taxes = Taxes()
    payment_methods: PaymentMethods
    billing: Billing = Billing()
    custom_fields: CustomFields = CustomFields()
    scope: Scope = Scope()
    ownership: OwnershipRules = OwnershipRules()
    conflict: ConflictRules = ConflictRules()
    write_paths: dict[str, Way | dict[Phase, Way]] = Field(
        {},
        description="Which way an entity is written, for all phases or for single ones. What is not named goes the way"
        " that its page names first; without access to Splynx's database, over REST where that leads to it too.",
        examples=[{"payment": {"shadow": "sql", "drain": "rest"}}],
    )
    id_mode: Literal["crosswalk", "preserve"] = Field(
        "crosswalk",
        description="`preserve` gives what is written by SQL (payments) the id that it has in Sonar, in a Splynx that"
        " had nothing of the kind before. Reversals and opposite documents, which have none, get ids from 1,000,000,000"
        " on. Splynx gives ids of its own to all that goes over REST.",
        examples=["crosswalk"],
    )
