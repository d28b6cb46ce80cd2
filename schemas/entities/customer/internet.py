"""What an account has of plans becomes internet services; they follow the customer's status (mapping S2, 4.17)."""

from collections.abc import Sequence
from datetime import date

from schemas.bundle import Refused
from schemas.entities.customer import billing
from schemas.entities.customer.credits import RECURRING, Discount, detail_of, discounts, monthly
from schemas.entities.customer.services import AccountService
from schemas.entities.customer.source import Account, BillingParameter
from schemas.entities.customer.target import InternetService
from schemas.entities.service.sold import SoldService
from schemas.entities.service.tariff import CHARGE, PLAN, is_left_out, tariff_of
from schemas.records import Ref
from schemas.rules import CustomerStatus, Rules
from schemas.values import text
from schemas.values.errors import MappingError, NaturalKeyTooLong, OutOfRange
from schemas.values.time import local_day

_ENTITY = "internet_service"
NO_DAY = "0000-00-00"
_LONGEST_PERIOD = 99


def internet_services(
    account: Account, status: CustomerStatus, login: str, rules: Rules, notes: list[str], refused: list[Refused]
) -> Sequence[InternetService] | None:
    """The services of an account's plans; None where it could not be read what the account has.

    `status` and `login` are the customer's. Whoever is new has none yet, for Splynx takes none; an archived account has
    none any more. What cannot be is added to `refused`: a price below 0, a quantity or a frequency that is none, a plan
    that the rules do not map, a log-in that does not fit. A credit that no service can carry concerns all of them.
    """
    parameter = account.account_billing_parameter
    if account.account_services is None or parameter is None:
        return None
    sold = sorted(account.account_services, key=lambda one: one.id)
    plans: list[tuple[AccountService, SoldService]] = []
    for one in sold:
        if one.service is None or (one.service.type in RECURRING and detail_of(one.service) is None):
            return None
        is_plan = one.service.type == PLAN and one.service.application == CHARGE
        if is_plan and not is_left_out(one.service_id, rules.file):
            plans.append((one, one.service))
    if plans and status == "new":
        notes.append("deferred:internet_service")
    if not plans or status == "new" or account.archived_at is not None:
        return []
    found: list[InternetService] = []
    try:
        taken_off = discounts(sold, rules, notes)
    except MappingError as exc:
        refused += [Refused(_ENTITY, str(one.id), exc.code, str(exc)) for one, _ in plans]
        return found
    for one, service in plans:
        try:
            found.append(_service(account, parameter, one, service, taken_off.get(one.id), status, login, rules, notes))
        except MappingError as exc:
            refused.append(Refused(_ENTITY, str(one.id), exc.code, str(exc)))
    return found


def _service(
    account: Account,
    parameter: BillingParameter,
    one: AccountService,
    service: SoldService,
    discount: Discount | None,
    status: CustomerStatus,
    login: str,
    rules: Rules,
    notes: list[str],
) -> InternetService:
    if one.quantity < 1:
        raise OutOfRange("quantity")
    price = monthly(one, service, rules)
    since = local_day(one.created_at, rules.zone)
    start = _start(account, parameter, one, rules, since)
    own_login = f"{login}-{one.id}"
    if len(own_login) > 128:
        raise NaturalKeyTooLong("login")
    name = text.one_line(one.name_override) or text.one_line(service.name)
    credits = discount.credits if discount is not None else []
    return InternetService(
        key=str(one.id),
        customer_id=Ref(entity="customer", key=str(account.id)),
        tariff_id=tariff_of(one.service_id, rules.file),
        status="disabled" if status == "disabled" else "active",
        description=text.fitted("description", text.required_text("description", name), 512, notes),
        quantity=one.quantity,
        unit_price=f"{price:f}",
        period=_period(service, billing.months(parameter, rules, notes)),
        start_date=start,
        end_date=NO_DAY if status != "disabled" else max(start, _ended(account, one, rules)).isoformat(),
        discount="1" if credits else "0",
        discount_type="fixed",
        discount_value=f"{discount.amount if discount is not None else 0:.4f}",
        discount_start_date=local_day(credits[0].created_at, rules.zone).isoformat() if credits else NO_DAY,
        discount_end_date=NO_DAY,
        discount_text=text.joined("discount_text", [_name(credit) for credit in credits], 512, notes),
        login=own_login,
        taking_ipv4="0",
        sonar_unique_id=one.sonar_unique_id or "",
        sonar_start_date=since.isoformat(),
        sonar_package=_package(one, notes),
        sonar_service=_details(one),
    )


def _start(account: Account, parameter: BillingParameter, one: AccountService, rules: Rules, since: date) -> date:
    """The day from which Splynx would charge the service (mapping 8.3)."""
    following = one.next_bill_date or account.next_bill_date
    if rules.file.billing.anchor == "transactions" or following is None:
        return since
    return max(since, billing.period_start(following, parameter))


def _ended(account: Account, one: AccountService, rules: Rules) -> date:
    """When a service of a disabled customer ended: with its account, but not with what happened before it was there."""
    disconnected = [log.disconnected_at for log in account.disconnection_logs or []]
    changed = [change.event_datetime for change in account.status_changes or []]
    ends = [at for at in disconnected if at >= one.created_at] or [at for at in changed if at >= one.created_at]
    # Neither tells: then it was there still when it, or its account, was changed last.
    return local_day(max(ends or [account.updated_at, one.updated_at]), rules.zone)


def _period(service: SoldService, months: int) -> str:
    """Months between two charges, -1 where they are the customer's own."""
    detail = service.data_service_detail
    frequency = detail.billing_frequency if detail is not None else 0
    if frequency > _LONGEST_PERIOD:
        raise OutOfRange("billing_frequency")
    return "-1" if frequency == months else str(frequency)


def _name(one: AccountService) -> str:
    return text.one_line(one.name_override) or (text.one_line(one.service.name) if one.service is not None else "")


def _package(one: AccountService, notes: list[str]) -> str:
    """The package that a service was sold in; members of one sale have one text."""
    if one.package is None:
        return ""
    sale = f" ({one.unique_package_relationship_id})" if one.unique_package_relationship_id else ""
    return text.fitted("sonar_package", text.one_line(one.package.name) + sale, 255, notes)


def _details(one: AccountService) -> str:
    """What has no home in Splynx, for reading."""
    told = {
        "prorated from": one.addition_prorate_date,
        "price agreed": text.one_line(one.price_override_reason),
        "billed": f"{one.number_of_times_billed} times" if one.number_of_times_billed else "",
        "next bill": one.next_bill_date,
        **{
            text.one_line(value.service_metadatum.name): text.one_line(value.value)
            for value in one.service_metadata_values or []
            if value.service_metadatum is not None
        },
    }
    return "; ".join(f"{name}: {value}" for name, value in told.items() if value)
