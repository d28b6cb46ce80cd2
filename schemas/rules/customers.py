"""What the rules say of customers: their status, log-in, labels, contacts and custom fields."""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from schemas.rules.block import Block, Id

CustomerStatus = Literal["new", "active", "blocked", "disabled"]
DEFAULT_LOGIN = "sonar-{id}"


def _by_login(value: object) -> object:
    if value == "email":
        raise ValueError(
            "email is not supported: Splynx then wants no address twice, and addresses that customers share are not"
            " ours to change; keep login, and see customer.login_format for log-ins that begin with the address"
        )
    return value


class StatusMap(Block):
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


class Categories(Block):
    """Which customer category an account type is, where Sonar's own class of the type does not say it."""

    by_account_type: dict[int, Literal["person", "company"]] = Field(
        {}, description="By the account type's id in Sonar.", examples=[{4: "company"}]
    )


class LabelForms(Block):
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


class ContactRules(Block):
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


class CustomerRules(Block):
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


class CustomFieldRule(Block):
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


class CustomFields(Block):
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
