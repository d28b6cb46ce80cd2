"""A small catalogue for the writer's tests: an account with its customer, and its payments, as Splynx takes them."""

from collections.abc import Mapping, Set
from datetime import date
from typing import Annotated, ClassVar

from schemas.aggregate import Aggregate, Collection, DeletePolicy, Disturbed, Target, WritePath
from schemas.bundle import Bundle, Origin, Refused, StampedBundle, bundle_hash
from schemas.entities.payment import SplynxPayment
from schemas.records import (
    AdditionalField,
    After,
    FieldOwner,
    OnCreate,
    Owned,
    Personal,
    Ref,
    SonarRecord,
    SplynxRecord,
    To,
)
from sinks.jobs import Delivery


class Source(SonarRecord):
    """What lies on Sonar's side does not matter here."""

    id: int


class Label(SplynxRecord):
    """admin/config/labels."""

    module: str = "customers"
    label: str
    color: str = "#357bf2"


class Customer(SplynxRecord):
    """admin/customers/customer."""

    login: str
    password: Annotated[str, OnCreate(), Personal()] = "first password"
    status: str = "active"
    name: str
    category: str = "person"
    partner_id: int = 1
    location_id: int = 1
    parent_id: Annotated[Ref | int, To("customer")] = 0
    customer_labels: Annotated[list[Ref], To("label", required=False), Owned(FieldOwner.LOCKED)] = []  # noqa: RUF012 - a pydantic default
    sonar_status: Annotated[str, AdditionalField("Sonar status")] = ""


class CustomerInfo(SplynxRecord):
    """admin/customers/customer-info."""

    contact_person: str = ""


class Service(SplynxRecord):
    """admin/customers/customer/{customer}/internet-services."""

    customer_id: Annotated[Ref, To("customer")]
    tariff_id: int = 1
    status: str = "active"
    description: str = "Fiber"
    quantity: int = 1
    unit_price: str = "60.0000"
    start_date: str = "2026-01-05"
    end_date: str = "0000-00-00"
    login: str


class Payment(SplynxRecord):
    """The row of `payments` and its ledger row."""

    customer_id: Annotated[Ref, To("customer")]
    amount_minor: Annotated[int, Owned(FieldOwner.LOCKED)]
    remind_minor: int = 0
    exponent: int = 2
    payment_type: int = 1
    date: str = "2026-03-04"
    real_create_datetime: str = "2026-03-04 05:06:07"
    receipt_number: str
    comment: str = ""
    field_4: str = ""
    memo: str = ""
    reverses: Annotated[str | None, After("payment")] = None

    not_written = SplynxRecord.not_written | {"exponent", "reverses"}
    columns: ClassVar[Mapping[str, str]] = {"amount_minor": "amount", "remind_minor": "remind_amount"}
    not_over_rest = SplynxPayment.not_over_rest


LABEL = Target(
    "label", Label, "labels", WritePath.REST, DeletePolicy.KEEP, endpoint="admin/config/labels",
    natural_key=("module", "label"),
)  # fmt: skip
CUSTOMER = Target(
    "customer", Customer, "customers", WritePath.REST, DeletePolicy.DISABLE, endpoint="admin/customers/customer",
    module="customers", once=("login",),
)  # fmt: skip
INFO = Target(
    "customer_info", CustomerInfo, "customer_info", WritePath.REST, DeletePolicy.WITH_OWNER,
    endpoint="admin/customers/customer-info", part_of="customer",
)  # fmt: skip
SERVICE = Target(
    "internet_service", Service, "services_internet", WritePath.REST, DeletePolicy.END,
    endpoint="admin/customers/customer/{customer_id}/internet-services", module="services_internet",
)  # fmt: skip
PAYMENT = Target(
    "payment", Payment, "payments", WritePath.SQL, DeletePolicy.COMPENSATE, endpoint="admin/finance/payments",
    natural_key=("receipt_number",), money=True, also=WritePath.REST,
    disturbs=Disturbed("customer_id", "status", "blocked", "active"),
)  # fmt: skip
TARGETS = {target.entity: target for target in (LABEL, CUSTOMER, INFO, SERVICE, PAYMENT)}
GROUPS = Aggregate("account_group", Collection("account_groups", Source, "AccountGroup"), targets=(LABEL,))
ACCOUNTS = Aggregate("account", Collection("accounts", Source, "Account"), targets=(CUSTOMER, INFO, SERVICE))
PAYMENTS = Aggregate("payment", Collection("payments", Source, "Payment"), targets=(PAYMENT,))
AGGREGATES = (GROUPS, ACCOUNTS, PAYMENTS)


def customer(number: int, name: str = "Anna", **more: object) -> list[SplynxRecord]:
    """A customer and its info."""
    values = {"key": str(number), "login": f"s{number}", "name": name} | more
    return [Customer.model_validate(values), CustomerInfo(key=str(number), contact_person=name)]


def service(number: int, account: int, **more: object) -> Service:
    """A service of an account."""
    customer = Ref(entity="customer", key=str(account))
    return Service.model_validate({"key": str(number), "customer_id": customer, "login": f"s{account}-{number}"} | more)


def payment(number: int, account: int, minor: int, **more: object) -> Payment:
    """A payment of an account."""
    values = {
        "key": str(number),
        "customer_id": Ref(entity="customer", key=str(account)),
        "amount_minor": minor,
        "receipt_number": f"SP{number}",
    }
    return Payment.model_validate(values | more)


class Topic:
    """Hands out deliveries with rising offsets, as a partition would."""

    def __init__(self, *, first: int = 0) -> None:
        self._first = first
        self._next: dict[str, int] = {}

    def send(
        self,
        aggregate: Aggregate,
        sonar_id: int,
        records: list[SplynxRecord],
        *,
        sequence: int,
        deleted: bool = False,
        generation: int = 1,
        day: date | None = None,
        refused: tuple[Refused, ...] = (),
        unread: Set[str] = frozenset(),
        owner: int | None = None,
        reason: str | None = None,
    ) -> Delivery:
        """The next delivery of an aggregate's topic, in partition 0. `unread`: entities that it tells nothing of."""
        by_entity: dict[str, list[SplynxRecord]] = {target.entity: [] for target in aggregate.targets}
        entity_of = {target.record: target.entity for target in aggregate.targets}
        for record in records:
            by_entity[entity_of[type(record)]].append(record)
        told = {entity: None if entity in unread else found for entity, found in by_entity.items()}
        bundle = Bundle(records={} if deleted else told, deleted=deleted, day=day, refused=refused, reason=reason)
        offset = self._next.get(aggregate.name, self._first)
        self._next[aggregate.name] = offset + 1
        stamped = StampedBundle(
            aggregate=aggregate.name,
            sonar_id=sonar_id,
            owner_id=owner,
            bundle=bundle,
            sequence=sequence,
            rules_version="v",
            rules_generation=generation,
            origin=Origin(f"sonar.t.{aggregate.name}", 0, offset),
            source_ts_ms=0,
            read_ts_ms=0,
            run_id="r",
            hash=bundle_hash(bundle),
        )
        return Delivery(f"splynx.t.{aggregate.name}", 0, offset, b"", b"", aggregate, stamped)

    def rewind(self, deliveries: list[Delivery]) -> list[Delivery]:
        """The same bundles again, at new offsets: a topic that is played twice."""
        again = []
        for one in deliveries:
            assert one.bundle is not None
            offset = self._next[one.aggregate.name]
            self._next[one.aggregate.name] = offset + 1
            again.append(Delivery(one.topic, 0, offset, b"", b"", one.aggregate, one.bundle))
        return again
