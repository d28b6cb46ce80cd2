"""Every aggregate and every target, in load order: what is referred to comes before what refers to it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from plumbing.errors import ConfigurationError
from schemas.aggregate import Aggregate, Target
from schemas.entities.account import ACCOUNT
from schemas.entities.billing.debit import DEBIT
from schemas.entities.billing.discount import DISCOUNT
from schemas.entities.billing.instruments import (
    BANK_ACCOUNT,
    BANK_ACCOUNT_PROCESSOR,
    CREDIT_CARD,
    CREDIT_CARD_PROCESSOR,
)
from schemas.entities.billing.invoice import INVOICE
from schemas.entities.billing.usage import CALL, DATA_USAGE, TOP_OFF
from schemas.entities.company import COMPANY
from schemas.entities.customer.history import ACCOUNT_EVENT
from schemas.entities.customer.kinds import ACCOUNT_STATUS, ADDRESS_STATUS, CUSTOM_FIELD, PHONE_NUMBER_TYPE
from schemas.entities.field.job import JOB
from schemas.entities.field.kinds import JOB_TYPE, TASK_TEMPLATE
from schemas.entities.field.task import TASK
from schemas.entities.labels import ACCOUNT_GROUP, ACCOUNT_TYPE, FLAG_LABELS, flag_labels
from schemas.entities.network.access import PLANNED_MOVE, RADIUS_ACCOUNT, UNINVENTORIED_MAC_ADDRESS
from schemas.entities.network.assignment import IP_ASSIGNMENT
from schemas.entities.network.site import NETWORK_SITE
from schemas.entities.network.space import IP_POOL, SUBNET, SUPERNET
from schemas.entities.papers.contract import CONTRACT
from schemas.entities.papers.file import FILE
from schemas.entities.papers.note import CALL_LOG, NOTE
from schemas.entities.papers.sent import EMAIL, SMS_OUTBOUND_MESSAGE
from schemas.entities.payment import PAYMENT
from schemas.entities.service.ledger_code import GENERAL_LEDGER_CODE
from schemas.entities.service.number import DID, VOICE_PROVIDER
from schemas.entities.service.package import PACKAGE
from schemas.entities.service.plan import SERVICE
from schemas.entities.service.scheduled import SCHEDULED_EVENT
from schemas.entities.service.tax import GEO_TAX_ZONE, TAX
from schemas.entities.service.usage_policy import USAGE_POLICY
from schemas.entities.settings import BILLING_SETTING, SYSTEM_SETTING
from schemas.entities.staff import ROLE, USER
from schemas.entities.stock.items import GENERIC_INVENTORY_ITEM, INVENTORY_ITEM
from schemas.entities.stock.models import DEPLOYMENT_TYPE, INVENTORY_MODEL, INVENTORY_MODEL_CATEGORY, MANUFACTURER
from schemas.entities.stock.places import GENERIC_INVENTORY_ASSIGNEE, INTERNAL_LOCATION, INVENTORY_LOCATION, VEHICLE
from schemas.entities.stock.purchases import PURCHASE_ORDER, VENDOR
from schemas.entities.support.lists import CANNED_REPLY, CANNED_REPLY_CATEGORY, TICKET_CATEGORY, TICKET_GROUP
from schemas.entities.support.messages import TICKET_COMMENT, TICKET_REPLY
from schemas.entities.support.ticket import TICKET
from schemas.records import AdditionalField, To
from schemas.shapes import members

AGGREGATES: tuple[Aggregate, ...] = (
    SYSTEM_SETTING,
    BILLING_SETTING,
    COMPANY,
    ROLE,
    USER,
    ACCOUNT_GROUP,
    ACCOUNT_TYPE,
    ACCOUNT_STATUS,
    ADDRESS_STATUS,
    PHONE_NUMBER_TYPE,
    CUSTOM_FIELD,
    GENERAL_LEDGER_CODE,
    TAX,
    GEO_TAX_ZONE,
    SERVICE,
    PACKAGE,
    USAGE_POLICY,
    VOICE_PROVIDER,
    DID,
    NETWORK_SITE,
    SUPERNET,
    SUBNET,
    IP_POOL,
    MANUFACTURER,
    INVENTORY_MODEL_CATEGORY,
    INVENTORY_MODEL,
    DEPLOYMENT_TYPE,
    INVENTORY_LOCATION,
    INTERNAL_LOCATION,
    VEHICLE,
    GENERIC_INVENTORY_ASSIGNEE,
    VENDOR,
    PURCHASE_ORDER,
    TICKET_CATEGORY,
    TICKET_GROUP,
    CANNED_REPLY_CATEGORY,
    CANNED_REPLY,
    JOB_TYPE,
    TASK_TEMPLATE,
    ACCOUNT,
    SCHEDULED_EVENT,
    RADIUS_ACCOUNT,
    UNINVENTORIED_MAC_ADDRESS,
    PLANNED_MOVE,
    INVENTORY_ITEM,
    GENERIC_INVENTORY_ITEM,
    IP_ASSIGNMENT,
    CREDIT_CARD_PROCESSOR,
    BANK_ACCOUNT_PROCESSOR,
    CREDIT_CARD,
    BANK_ACCOUNT,
    INVOICE,
    DEBIT,
    PAYMENT,
    DISCOUNT,
    DATA_USAGE,
    TOP_OFF,
    CALL,
    ACCOUNT_EVENT,
    TICKET,
    TICKET_REPLY,
    TICKET_COMMENT,
    JOB,
    TASK,
    CONTRACT,
    FILE,
    NOTE,
    CALL_LOG,
    EMAIL,
    SMS_OUTBOUND_MESSAGE,
)

TARGETS: Mapping[str, Target] = {target.entity: target for one in AGGREGATES for target in one.targets}
"""Targets by entity, in load order."""

SONAR_ID = "sonar_id"


@dataclass(frozen=True)
class AdditionalFieldSpec:
    """An additional field that Splynx must define in a module before records carry it."""

    module: str
    name: str
    title: str
    kind: str
    unique: bool
    hidden: bool
    fallback: str | None


def aggregate(name: str) -> Aggregate:
    """The aggregate called `name`.

    Raises:
        KeyError: there is none.
    """
    for one in AGGREGATES:
        if one.name == name:
            return one
    raise KeyError(name)


def captured(left_out: Iterable[str]) -> tuple[Aggregate, ...]:
    """What capture reads, in load order: everything but `left_out` (`sonar.leave_out` in the settings).

    Raises:
        ConfigurationError: a name is none of ours.
    """
    names = set(left_out)
    if unknown := names - {one.name for one in AGGREGATES}:
        raise ConfigurationError(
            f"sonar.leave_out names no aggregates of ours: {', '.join(sorted(unknown))}",
            remedy=f"Known are {', '.join(one.name for one in AGGREGATES)}.",
        )
    return tuple(one for one in AGGREGATES if one.name not in names)


def with_topics(left_out: Iterable[str]) -> tuple[Aggregate, ...]:
    """What has topics: whatever is captured, and whatever is mapped, for the processors wait for all of that.

    Raises:
        ConfigurationError: as `captured`.
    """
    chosen = captured(left_out)
    return tuple(one for one in AGGREGATES if one in chosen or one.mapper is not None)


def references(record: type) -> dict[str, To]:
    """`{member: what it refers to}` of a target record."""
    return {member.name: mark for member in members(record) for mark in member.metadata if isinstance(mark, To)}


def additional_fields(target: Target) -> list[AdditionalFieldSpec]:
    """The additional fields of a target; `sonar_id`, unique and hidden, comes first. None where it has no module."""
    if target.module is None:
        return []
    found = [
        AdditionalFieldSpec(target.module, SONAR_ID, "Sonar id", "string", unique=True, hidden=True, fallback=None)
    ]
    found += [
        AdditionalFieldSpec(
            target.module,
            member.name,
            mark.title,
            mark.kind,
            unique=mark.unique,
            hidden=False,
            fallback=mark.fallback,
        )
        for member in members(target.record)
        for mark in member.metadata
        if isinstance(mark, AdditionalField)
    ]
    return found


__all__ = [
    "AGGREGATES",
    "FLAG_LABELS",
    "SONAR_ID",
    "TARGETS",
    "AdditionalFieldSpec",
    "additional_fields",
    "aggregate",
    "captured",
    "flag_labels",
    "references",
    "with_topics",
]
