"""Small targets and bundles for the sink's pure functions."""

from datetime import date
from typing import Annotated

from schemas.aggregate import Aggregate, Collection, DeletePolicy, Target, WritePath
from schemas.bundle import Bundle, Origin, StampedBundle, bundle_hash, document_hash, record_document
from schemas.records import AdditionalField, OnCreate, Personal, Ref, SonarRecord, SplynxRecord, To
from sinks.plan import Known


class Thing(SonarRecord):
    """A Sonar object of no particular kind."""

    id: int


class Person(SplynxRecord):
    """A customer with few members."""

    name: str
    status: str = "active"
    password: Annotated[str, OnCreate(), Personal()] = "x"
    partner_id: Annotated[Ref | int, To("partner")] = 1
    parent_id: Annotated[Ref | int, To("person", required=False)] = 0
    customer_labels: Annotated[list[Ref], To("label", required=False)] = []  # noqa: RUF012 - a pydantic default
    sonar_status: Annotated[str, AdditionalField("Status")] = ""
    day: date | None = None


class Detail(SplynxRecord):
    """A part of a person."""

    text: str


class Line(SplynxRecord):
    """A service of a person."""

    customer_id: Annotated[Ref, To("person")] = Ref(entity="person", key="1")
    status: str = "active"
    start_date: str = "2026-01-05"
    end_date: str = "0000-00-00"


PERSON = Target(
    "person", Person, "customers", WritePath.REST, DeletePolicy.DISABLE, endpoint="admin/customers/customer",
    module="customers",
)  # fmt: skip
DETAIL = Target(
    "detail", Detail, "customer_info", WritePath.REST, DeletePolicy.WITH_OWNER,
    endpoint="admin/customers/customer-info", part_of="person",
)  # fmt: skip
LINE = Target(
    "line", Line, "services_internet", WritePath.REST, DeletePolicy.END,
    endpoint="admin/customers/customer/{customer_id}/internet-services", module="services_internet",
)  # fmt: skip
SERVED = Aggregate("thing", Collection("things", Thing, "Thing"), targets=(PERSON, DETAIL, LINE))
"""A person that has lines."""
AGGREGATE = Aggregate("thing", Collection("things", Thing, "Thing"), targets=(PERSON, DETAIL))


def stamped(records: dict[str, list[SplynxRecord] | None], *, sequence: int = 10, **more: object) -> StampedBundle:
    """A bundle of thing 1."""
    day = more.pop("day", None)
    assert day is None or isinstance(day, date)
    refused = more.pop("refused", ())
    assert isinstance(refused, tuple)
    bundle = Bundle(records=records, deleted=bool(more.pop("deleted", False)), day=day, refused=refused)
    values: dict[str, object] = {"rules_generation": 1} | more
    return StampedBundle(
        aggregate="thing",
        sonar_id=1,
        owner_id=1,
        bundle=bundle,
        sequence=sequence,
        rules_version="v",
        rules_generation=int(str(values["rules_generation"])),
        origin=Origin("sonar.t.thing", 0, 0),
        source_ts_ms=0,
        read_ts_ms=0,
        run_id="r",
        hash=bundle_hash(bundle),
    )


def known(target: Target, record: SplynxRecord, *, state: str = "live", target_id: int = 7) -> Known:
    """The crosswalk row of a record that was written as it is."""
    digest = document_hash(record_document(record)) if state == "live" else ""
    return Known(target.entity, record.key, target_id, digest, 5, state, 0, record_document(record))
