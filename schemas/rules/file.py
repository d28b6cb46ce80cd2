"""The operator's rules as they are written: what may be said, and what each word means.

What is true for every ISP is code; what an ISP may choose is here.
"""

import re
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from schemas.values.money import is_currency

CustomerStatus = Literal["new", "active", "blocked", "disabled"]
ConflictPolicy = Literal["hold", "overwrite", "keep"]
FieldName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*\.[^.\s][^.]*$")]
"""`entity.field`."""
FROM_SONAR = "from_system_setting"
DEFAULT_LOGIN = "sonar-{id}"
Id = Annotated[int, Field(ge=1)]
Days = Annotated[int, Field(ge=0, le=255)]


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


def _by_login(value: object) -> object:
    if value == "email":
        raise ValueError(
            "email is not supported: Splynx then wants no address twice, and addresses that customers share are not"
            " ours to change; keep login, and see customer.login_format for log-ins that begin with the address"
        )
    return value


class _Block(BaseModel):
    # strict: YAML has types of its own, and a country NO that became false should be heard of.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Source(_Block):
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


class TargetRules(_Block):
    """What the rules say of Splynx."""

    timezone: Annotated[str, AfterValidator(checked_zone)] = Field(
        description="Splynx's zone, by its IANA name.", examples=["America/Chicago"]
    )


class CreatePartner(_Block):
    """A partner is made of the company."""

    create: Literal[True]


class Partners(_Block):
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


class LocationUse(_Block):
    """A location that exists in Splynx."""

    id: Id


class LocationRule(_Block):
    """First match wins; all conditions of a rule must hold."""

    when: dict[
        Literal["address.city", "address.subdivision", "address.country", "account_group", "company"],
        str | int | list[str] | list[int],
    ]
    use: LocationUse


class Locations(_Block):
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


class StatusMap(_Block):
    """What Sonar's account statuses mean in Splynx. What is not named follows from whether the status activates."""

    by_id: dict[int, CustomerStatus] = Field(
        {},
        description="By the status's id in Sonar; wins over every other rule.",
        examples=[{3: "active", 9: "blocked"}],
    )
    by_name: dict[str, CustomerStatus] = Field(
        {}, description="By the status's name, where its id is not named.", examples=[{"Inactive": "disabled"}]
    )
    strict: bool = Field(
        False, description="Refuse to start while a status that accounts have is not named.", examples=[True]
    )
    delinquent_as_blocked: bool = Field(
        False, description="A delinquent account in a status that activates is blocked.", examples=[False]
    )
    inactive_delinquent: Literal["blocked", "disabled"] = Field(
        "disabled",
        description="A delinquent account in its delinquency status that does not activate. Splynx bills the blocked.",
        examples=["disabled"],
    )
    leads: Literal["customers", "skip"] = Field(
        "customers",
        description="Accounts that were never active: customers with status new, or left out with their payments.",
        examples=["customers"],
    )


class Categories(_Block):
    """Which customer category an account type is, where Sonar's own class of the type does not say it."""

    by_account_type: dict[int, Literal["person", "company"]] = Field(
        {}, description="By the account type's id in Sonar.", examples=[{4: "company"}]
    )


class LabelForms(_Block):
    """How labels are written; `{name}` stands for the name in Sonar."""

    account_group: str = Field("group: {name}", description="The label of an account group.", examples=["grp: {name}"])
    account_type: str = Field("type: {name}", description="The label of an account type.", examples=["type: {name}"])
    names: dict[
        Annotated[str, Field(pattern="^(group|type):[1-9][0-9]*$")], Annotated[str, Field(min_length=1, max_length=64)]
    ] = Field(
        {},
        description="The label of one group or type by its id in Sonar, where two labels would have one name.",
        examples=[{"group:7": "grp: VIP #7"}],
    )

    @model_validator(mode="after")
    def _have_a_name(self) -> Self:
        if "{name}" not in self.account_group or "{name}" not in self.account_type:
            raise ValueError("a label form must hold {name}")
        if self.account_group == self.account_type:
            raise ValueError("account_group and account_type need forms of their own, or labels of both would mix")
        return self


class ContactRules(_Block):
    """Roles of contacts are free text in Sonar; these are matched without regard to case."""

    billing_roles: list[str] = Field(
        [], description="Contacts whose e-mail is the billing address.", examples=[["billing", "accounting"]]
    )
    email_roles: list[str] = Field(
        [], description="Contacts whose e-mail stands behind the primary one's.", examples=[["technical"]]
    )
    phone_order: list[str] = Field(
        [], description="Types of phone numbers, the first first.", examples=[["mobile", "home", "work"]]
    )
    phone_form: Literal["e164", "formatted"] = Field(
        "e164",
        description="How phone numbers are written. `e164`: +15555550100. `formatted`: as Sonar shows them.",
        examples=["e164"],
    )


class CustomerRules(_Block):
    """Customers."""

    login_format: str = Field(
        DEFAULT_LOGIN,
        description="Of {id}, {username} and {email}; without {id}, the account's id is put behind.",
        examples=["s{id}"],
    )
    category: Categories = Categories()
    portal_auth: Annotated[Literal["login"], BeforeValidator(_by_login)] = Field(
        "login",
        description="How customers log in to Splynx's portal. `email` is refused: Splynx then wants no address twice,"
        " and customers who share one would lose it or get one that is not theirs. `login_format: '{email}'` makes"
        " log-ins that begin with the address, the account's id behind it.",
        examples=["login"],
    )
    labels: LabelForms = LabelForms()
    contacts: ContactRules = ContactRules()
    default_country: str = Field(
        "US", pattern="^[A-Z]{2}$", description="Any other stands at the end of the street.", examples=["US"]
    )
    subdivisions: dict[str, Id] = Field(
        {},
        description="Sonar's subdivision to Splynx's id of the state or province; `crossfade doctor --states-template`"
        " writes them all.",
        examples=[{"US_TX": 44}],
    )

    @model_validator(mode="after")
    def _login_is_of_the_account(self) -> Self:
        if not any(part in self.login_format for part in ("{id}", "{username}", "{email}")):
            raise ValueError("login_format must hold {id}, {username} or {email}, or customers would share one login")
        return self


class PaymentMethods(_Block):
    """Which payment method of Splynx a payment type of Sonar is. `default` is used for what is not named."""

    default: Id = Field(description="The method of what is not named.", examples=[5])
    by_type: dict[Literal["CREDITCARD", "BANKACCOUNT", "CASH", "WIRE", "CHECK", "OTHER", "PAYPAL"], Id] = Field(
        {}, description="By the type of the payment in Sonar.", examples=[{"CASH": 1, "WIRE": 2, "CREDITCARD": 3}]
    )
    by_provider: dict[str, Id] = Field(
        {}, description="By the processor of the card or bank account; wins over the type.", examples=[{"STRIPE": 8}]
    )
    autopay: Id | None = Field(
        None, description="Of payments that Sonar charged by itself; wins over processor and type.", examples=[9]
    )


class Numbers(_Block):
    """How documents are numbered; the letter keeps them apart from Splynx's own numbers."""

    payment: str = Field("SP{id}", description="Receipt numbers of payments.", examples=["SP{id}"])

    @model_validator(mode="after")
    def _hold_the_id(self) -> Self:
        if "{id}" not in self.payment or not self.payment.replace("{id}", "").strip():
            raise ValueError("a number format must hold {id} and a letter of its own")
        if re.search(r"-[XA]\d*$", self.payment.replace("{id}", "1")):
            # So end the receipts of a payment that was taken back (-X) and came again (-A).
            raise ValueError("a number format must not end in -X or -A, nor in one of them before {id}")
        return self


class Billing(_Block):
    """Billing."""

    numbers: Numbers = Numbers()
    anchor: Literal["transactions", "start_date"] = Field(
        "transactions",
        description="From when Splynx charges a service. `transactions`: services begin when they began, and the"
        " history that is loaded says what was charged already. `start_date`: services begin the day after what Sonar"
        " has charged, for a load without history.",
        examples=["transactions"],
    )
    postpaid: bool = Field(
        False, description="Sonar's months_to_bill 0 becomes billing in arrears, else one month.", examples=[False]
    )
    do_not_block: Days | None = Field(
        None,
        description="What Splynx shows as blocking_period of a customer that is set to: do not block.",
        examples=[0],
    )
    no_deactivation: Days | None = Field(
        None, description="What Splynx shows as grace_period of a customer whose deactivation is off.", examples=[0]
    )


class TariffUse(_Block):
    """A tariff that exists in Splynx; it is used and never changed."""

    internet: Id


class Tariffs(_Block):
    """Which tariff of Splynx a service of Sonar is."""

    mode: Literal["create_missing", "map_only"] = Field(
        "create_missing",
        description="What becomes of a plan that `map` does not name: a tariff of its own, or none; what accounts have"
        " of it is then a dead letter.",
        examples=["create_missing"],
    )
    map: dict[int, TariffUse | Literal["ignore"]] = Field(
        {},
        description="A service's id in Sonar to a tariff's in Splynx, or to nothing: no tariff, and no services.",
        examples=[{101: {"internet": 12}, 310: "ignore"}],
    )
    names: dict[int, Annotated[str, Field(min_length=1, max_length=64)]] = Field(
        {},
        description="A service's id in Sonar to its tariff's title, where two plans have one name.",
        examples=[{7: "Fiber 100 #7"}],
    )
    credit_without_host: Literal["dead_letter", "leave_out"] = Field(
        "dead_letter",
        description="A credit that recurs becomes a discount on the account's dearest service that costs as much. What"
        " becomes of one for which there is no such service.",
        examples=["dead_letter"],
    )
    min_speed: Id | None = Field(
        None,
        description="Kilobits per second of a plan whose speed is 0 in Sonar, which Splynx refuses. Not given: such a"
        " plan is a dead letter.",
        examples=[1024],
    )


class Taxes(_Block):
    """Taxes."""

    map: dict[int, Id] = Field(
        {},
        description="A tax's id in Sonar to that of a tax or tax group in Splynx; new tariffs begin with it.",
        examples=[{1: 4, 2: 4}],
    )


class CustomFieldRule(_Block):
    """Where a custom field goes: an additional field by name, or a column of customer_info."""

    name: Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,63}$")] | None = None
    to: (
        Literal["customer_info.birthday", "customer_info.passport", "customer_info.company_id", "customer_info.vat_id"]
        | None
    ) = None

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.name is None) == (self.to is None):
            raise ValueError("give either name or to")
        return self


OURS = ("sonar_", "crossfade_")
"""How the additional fields begin that Crossfade makes and fills itself."""


class CustomFields(_Block):
    """Sonar's custom fields by their name. What is not named is left out."""

    map: dict[str, CustomFieldRule | Literal["ignore"]] = Field(
        {},
        description="By the field's name in Sonar: an additional field of Splynx, or a column of customer_info.",
        examples=[{"Gate code": {"name": "gate_code"}, "Born": {"to": "customer_info.birthday"}, "Old id": "ignore"}],
    )

    @model_validator(mode="after")
    def _have_places_of_their_own(self) -> Self:
        taken: dict[str, str] = {}
        for field, rule in self.map.items():
            if isinstance(rule, str):
                continue
            place = rule.name or rule.to or ""
            if place.startswith(OURS):
                raise ValueError(f"{field} goes to {place}, which Crossfade fills itself; choose another name")
            if place in taken:
                raise ValueError(f"{field} goes to {place}, and so does {taken[place]}; each needs a place of its own")
            taken[place] = field
        return self


class Scope(_Block):
    """A pilot: only these accounts are written, and their payments. Empty lists mean everyone. It can be widened."""

    accounts: list[int] = Field([], description="By the account's id in Sonar.", examples=[[17, 42]])
    companies: list[int] = Field([], description="By the company's id in Sonar.", examples=[[1]])
    statuses: list[int] = Field([], description="By the account status's id in Sonar.", examples=[[3, 9]])


class OwnershipRules(_Block):
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


class ConflictRules(_Block):
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


class RulesFile(_Block):
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
