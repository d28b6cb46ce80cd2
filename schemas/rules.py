"""The operator's rules: strictly validated YAML, and its compiled form that mappers are handed.

Every error names the file, the line and the remedy. What is true for every ISP is code; what an ISP may choose is here.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson
import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from plumbing.errors import ConfigurationError
from schemas.values.money import exponent_of
from schemas.values.time import iana_zone

CustomerStatus = Literal["new", "active", "blocked", "disabled"]
DEFAULT_LOGIN = "sonar-{id}"
Id = Annotated[int, Field(ge=1)]


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError) as exc:
        raise ValueError("is no IANA time zone, such as America/Chicago") from exc
    return value


class _Block(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(_Block):
    """What the rules say of Sonar. `from_system_setting` takes Sonar's own word."""

    timezone: str = "from_system_setting"
    currency: str = "from_system_setting"
    allow_zone_shift: bool = False


class TargetRules(_Block):
    """What the rules say of Splynx."""

    timezone: Annotated[str, AfterValidator(_zone)]


class CreatePartner(_Block):
    """A partner is made of the company."""

    create: Literal[True]


class Partners(_Block):
    """Which partner a company is. A company that is not named becomes a partner of its own."""

    default: Id
    by_company: dict[int, Id | CreatePartner] = {}


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

    default: Id
    rules: list[LocationRule] = []


class StatusMap(_Block):
    """What Sonar's account statuses mean in Splynx. What is not named follows from whether the status activates."""

    by_id: dict[int, CustomerStatus] = {}
    by_name: dict[str, CustomerStatus] = {}
    strict: bool = Field(False, description="Refuse to start while a status in use is not named.")
    delinquent_as_blocked: bool = False
    inactive_delinquent: Literal["blocked", "disabled"] = "disabled"
    leads: Literal["customers", "skip"] = "customers"


class Categories(_Block):
    """Which customer category an account type is, where Sonar's own class of the type does not say it."""

    by_account_type: dict[int, Literal["person", "company"]] = {}


class LabelForms(_Block):
    """How labels are written; `{name}` stands for the name in Sonar."""

    account_group: str = "group: {name}"
    account_type: str = "type: {name}"

    @model_validator(mode="after")
    def _have_a_name(self) -> Self:
        if "{name}" not in self.account_group or "{name}" not in self.account_type:
            raise ValueError("a label form must hold {name}")
        return self


class Contacts(_Block):
    """Roles of contacts are free text in Sonar; these are matched without regard to case."""

    billing_roles: list[str] = []
    email_roles: list[str] = []
    phone_order: list[str] = []


class CustomerRules(_Block):
    """Customers."""

    login_format: str = Field(
        DEFAULT_LOGIN, description="Of {id}, {username} and {email}; without {id}, the account's id is put behind."
    )
    category: Categories = Categories()
    portal_auth: Literal["login"] = Field(
        "login", description="Customers may share an e-mail, so nobody logs in by it."
    )
    labels: LabelForms = LabelForms()
    contacts: Contacts = Contacts()
    default_country: str = Field("US", pattern="^[A-Z]{2}$")
    subdivisions: dict[str, Id] = Field({}, description="Sonar's subdivision, such as US_TX, to Splynx's id.")

    @model_validator(mode="after")
    def _login_is_of_the_account(self) -> Self:
        if not any(part in self.login_format for part in ("{id}", "{username}", "{email}")):
            raise ValueError("login_format must hold {id}, {username} or {email}, or customers would share one login")
        return self


class PaymentMethods(_Block):
    """Which payment method of Splynx a payment type of Sonar is. `default` is used for what is not named."""

    default: Id
    by_type: dict[Literal["CREDITCARD", "BANKACCOUNT", "CASH", "WIRE", "CHECK", "OTHER", "PAYPAL"], Id] = {}
    by_provider: dict[str, Id] = {}


class Numbers(_Block):
    """How documents are numbered; the letter keeps them apart from Splynx's own numbers."""

    payment: str = "SP{id}"

    @model_validator(mode="after")
    def _hold_the_id(self) -> Self:
        if "{id}" not in self.payment or not self.payment.replace("{id}", "").strip():
            raise ValueError("a number format must hold {id} and a letter of its own")
        return self


class Billing(_Block):
    """Billing."""

    numbers: Numbers = Numbers()
    postpaid: bool = Field(False, description="Sonar's months_to_bill 0 becomes billing in arrears, else one month.")
    do_not_block: Annotated[int, Field(ge=0, le=255)] | None = Field(
        None, description="What Splynx shows as blocking_period of a customer that is set to: do not block."
    )
    no_deactivation: Annotated[int, Field(ge=0, le=255)] | None = Field(
        None, description="What Splynx shows as grace_period of a customer whose deactivation is off."
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


class CustomFields(_Block):
    """Sonar's custom fields by their name. What is not named is left out."""

    map: dict[str, CustomFieldRule | Literal["ignore"]] = {}


class Scope(_Block):
    """A pilot: only these accounts are written. Empty lists mean everyone. It can be widened later."""

    accounts: list[int] = []
    companies: list[int] = []
    statuses: list[int] = []


class RulesFile(_Block):
    """The rules as the operator wrote them."""

    version: Literal[1]
    source: Source = Source()
    target: TargetRules
    partners: Partners
    locations: Locations
    status_map: StatusMap = StatusMap()
    customer: CustomerRules = CustomerRules()
    payment_methods: PaymentMethods
    billing: Billing = Billing()
    custom_fields: CustomFields = CustomFields()
    scope: Scope = Scope()


@dataclass(frozen=True)
class SourceFacts:
    """What Sonar's own settings say, as far as mapping depends on it."""

    currency: str
    timezone: str
    minimum_amount_due_for_delinquency: int

    @classmethod
    def from_settings(cls, system_setting: dict[str, Any], billing_setting: dict[str, Any]) -> Self:
        """From the two settings objects as events carry them."""
        return cls(
            currency=system_setting["currency"],
            timezone=system_setting["timezone"],
            minimum_amount_due_for_delinquency=billing_setting["minimum_amount_due_for_delinquency"],
        )


@dataclass(frozen=True)
class Rules:
    """The compiled rules that a mapper is handed."""

    file: RulesFile
    currency: str
    exponent: int
    zone: ZoneInfo
    minimum_amount_due_minor: int
    hmac_key: bytes
    version: str
    generation: int = 0

    def partner_of(self, company_id: int) -> int | None:
        """The configured partner of a company; None when it becomes one of its own."""
        rule = self.file.partners.by_company.get(company_id)
        return rule if isinstance(rule, int) else None

    def in_scope(self, *, account_id: int, company_id: int | None, status_id: int | None) -> bool:
        """Whether the pilot covers an account. What is not known of it is in no pilot that asks for it."""
        scope = self.file.scope
        return (
            (not scope.accounts or account_id in scope.accounts)
            and (not scope.companies or company_id in scope.companies)
            and (not scope.statuses or status_id in scope.statuses)
        )

    def payment_method(self, payment_type: str, provider: str | None) -> int:
        """Splynx's payment method of a payment."""
        methods = self.file.payment_methods
        if provider is not None and provider in methods.by_provider:
            return methods.by_provider[provider]
        by_type: dict[str, int] = dict(methods.by_type.items())
        return by_type.get(payment_type, methods.default)


def load_rules(path: Path) -> RulesFile:
    """Read and check a rules file.

    Raises:
        ConfigurationError: names the file, the line and what is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        values = yaml.safe_load(text)
    except OSError as exc:
        raise ConfigurationError(f"cannot read the rules file {path}: {exc.strerror}") from exc
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        line = mark.line + 1 if mark is not None else 1
        raise ConfigurationError(f"{path} line {line}: not valid YAML", remedy="Mend the file.") from exc
    if not isinstance(values, dict):
        raise ConfigurationError(f"{path} line 1: must hold a mapping of rules", remedy="See docs/rules.md.")
    _refuse_repeats(path, node)
    try:
        return RulesFile.model_validate(values)
    except ValidationError as exc:
        problems = "; ".join(
            f"line {line_of(node, error['loc'])}: {'.'.join(map(str, error['loc']))}: {error['msg']}"
            for error in exc.errors()
        )
        raise ConfigurationError(f"{path}: {problems}", remedy="See docs/rules.md.") from exc


def line_of(node: yaml.Node | None, path: tuple[int | str, ...]) -> int:
    """The line, from 1, of a member by its path; of its nearest ancestor when it is missing."""
    line = 1
    for part in path:
        if isinstance(node, yaml.MappingNode):
            found = [(key, value) for key, value in node.value if key.value == str(part)]
            if not found:
                break
            key, node = found[0]
            line = key.start_mark.line + 1
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line


def _refuse_repeats(path: Path, node: yaml.Node | None) -> None:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                raise ConfigurationError(f"{path} line {key.start_mark.line + 1}: {key.value} stands here twice")
            seen.add(key.value)
            _refuse_repeats(path, value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _refuse_repeats(path, value)


def compile_rules(file: RulesFile, facts: SourceFacts, hmac_key: bytes = b"", generation: int = 0) -> Rules:
    """The rules together with what Sonar's settings say; the version covers both.

    Raises:
        ConfigurationError: an unknown currency or zone, or a zone that differs from Splynx's.
    """
    currency = facts.currency if file.source.currency == "from_system_setting" else file.source.currency
    own_zone = file.source.timezone
    zone = iana_zone(facts.timezone) if own_zone == "from_system_setting" else _checked_zone(own_zone)
    if zone != file.target.timezone and not file.source.allow_zone_shift:
        raise ConfigurationError(
            f"Sonar's zone is {zone} and target.timezone is {file.target.timezone}: billing days would move",
            remedy="Correct target.timezone, or set source.allow_zone_shift: true if that is meant.",
        )
    digest = hashlib.blake2b(
        orjson.dumps(
            [file.model_dump(mode="json"), currency, zone, facts.minimum_amount_due_for_delinquency],
            option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS,
        )
        + hashlib.blake2b(hmac_key, digest_size=8).digest(),
        digest_size=8,
    )
    return Rules(
        file=file,
        currency=currency,
        exponent=exponent_of(currency),
        zone=ZoneInfo(file.target.timezone),
        minimum_amount_due_minor=facts.minimum_amount_due_for_delinquency,
        hmac_key=hmac_key,
        version=digest.hexdigest(),
        generation=generation,
    )


def _checked_zone(name: str) -> str:
    try:
        return _zone(name)
    except ValueError as exc:
        raise ConfigurationError(
            f"source.timezone {exc}", remedy="Write an IANA name, such as America/Chicago."
        ) from exc


def configured_ids(file: RulesFile) -> list[tuple[str, int, str]]:
    """`(kind, id, place in the file)` of every id of Splynx that the rules name, to be looked up there at start."""
    found: list[tuple[str, int, str]] = [
        ("partner", file.partners.default, "partners.default"),
        ("location", file.locations.default, "locations.default"),
        ("payment_method", file.payment_methods.default, "payment_methods.default"),
    ]
    found += [
        ("partner", rule, f"partners.by_company.{company}")
        for company, rule in file.partners.by_company.items()
        if isinstance(rule, int)
    ]
    found += [("location", r.use.id, f"locations.rules.{n}.use.id") for n, r in enumerate(file.locations.rules)]
    found += [("payment_method", i, f"payment_methods.by_type.{t}") for t, i in file.payment_methods.by_type.items()]
    found += [
        ("payment_method", i, f"payment_methods.by_provider.{p}") for p, i in file.payment_methods.by_provider.items()
    ]
    found += [("subdivision", i, f"customer.subdivisions.{s}") for s, i in file.customer.subdivisions.items()]
    return found
