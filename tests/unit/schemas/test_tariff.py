"""Plans and the internet tariffs they become (mapping F12)."""

from typing import Any

import pytest

from schemas.entities.service.tariff import InternetTariff, map_service
from schemas.records import Ref
from schemas.rules import Rules
from schemas.values.errors import MappingError, OutOfRange, RequiredValueMissing
from tests.builders import RULES, a_data_detail, a_service, only, rules


def tariff(given: Rules = RULES, **changes: Any) -> InternetTariff:
    found = only(map_service(a_service(**changes), given), "internet_tariff")
    assert isinstance(found, InternetTariff)
    return found


def test_a_plan_becomes_a_tariff_at_its_list_price_net_of_tax() -> None:
    found = tariff()
    assert (found.key, found.title, found.service_name, found.price) == ("101", "Fiber 100", "Fiber 100", "60.0000")
    assert (found.speed_download, found.speed_upload, found.with_vat, found.tax_id) == (100_000, 20_000, False, 0)
    assert found.sonar_technology == "FIBER"


@pytest.mark.parametrize(
    ("amount", "frequency", "price"),
    [
        pytest.param(None, 1, "0.0000", id="no list price"),
        pytest.param(12_000, 12, "10.0000", id="a year"),
        pytest.param(10_000, 12, "8.3333", id="a year that does not divide"),
        pytest.param(10_001, 8, "12.5012", id="half to even"),
        pytest.param(10_003, 8, "12.5038", id="half to even, upwards"),
    ],
)
def test_the_price_is_that_of_a_month(amount: int | None, frequency: int, price: str) -> None:
    assert tariff(amount=amount, data_service_detail=a_data_detail(billing_frequency=frequency)).price == price


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        pytest.param({"amount": -1}, OutOfRange("amount"), id="a price below nothing"),
        pytest.param(
            {"data_service_detail": a_data_detail(billing_frequency=0)},
            OutOfRange("billing_frequency"),
            id="charged never",
        ),
        pytest.param(
            {"data_service_detail": a_data_detail(upload_speed_kilobits_per_second=0)},
            OutOfRange("upload_speed_kilobits_per_second"),
            id="no speed",
        ),
        pytest.param({"data_service_detail": None}, RequiredValueMissing("data_service_detail"), id="speeds not read"),
        pytest.param({"name": " "}, RequiredValueMissing("name"), id="no name"),
    ],
)
def test_a_plan_that_splynx_would_refuse_is_set_aside(changes: dict[str, Any], error: MappingError) -> None:
    with pytest.raises(type(error)) as raised:
        tariff(**changes)
    assert raised.value.field == error.field


def test_a_plan_without_speed_gets_the_least_one_where_the_rules_name_it() -> None:
    slow = a_data_detail(download_speed_kilobits_per_second=0)
    assert tariff(rules(tariffs={"min_speed": 512}), data_service_detail=slow).speed_download == 512


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"type": "VOICE"}, id="no plan"),
        pytest.param({"application": "CREDIT"}, id="a discount"),
    ],
)
def test_what_is_no_plan_that_is_charged_becomes_no_tariff(changes: dict[str, Any]) -> None:
    bundle = map_service(a_service(**changes), RULES)
    assert bundle.records == {"internet_tariff": []}
    assert bundle.reason == "only plans that are charged become internet tariffs"


@pytest.mark.parametrize(
    ("tariffs", "why"),
    [
        pytest.param({"map": {101: {"internet": 12}}}, "map this service to internet tariff 12", id="mapped"),
        pytest.param({"map": {101: "ignore"}}, "leave this service out", id="left out"),
        pytest.param({"mode": "map_only"}, "does not name this service", id="only what is mapped"),
    ],
)
def test_no_tariff_is_made_where_the_rules_say_so(tariffs: dict[str, Any], why: str) -> None:
    bundle = map_service(a_service(), rules(tariffs=tariffs))
    assert bundle.records == {"internet_tariff": []}
    assert why in str(bundle.reason)


def test_a_plan_is_hidden_as_it_is_disabled_and_is_never_taken_away() -> None:
    assert tariff(enabled=False).available_for_services is False


@pytest.mark.parametrize(
    ("company", "offered_to", "notes"),
    [
        pytest.param(None, [1, 2, Ref(entity="partner", key="8")], (), id="of no company: all that the rules name"),
        pytest.param({"id": 3, "enabled": True}, [Ref(entity="partner", key="3")], (), id="a company of its own"),
        pytest.param({"id": 5, "enabled": True}, [2], (), id="a company that is mapped"),
        pytest.param({"id": 3, "enabled": False}, [1], ("default:partner",), id="a disabled company"),
    ],
)
def test_a_plan_is_offered_to_the_partner_of_its_company(
    company: dict[str, Any] | None, offered_to: list[Ref | int], notes: tuple[str, ...]
) -> None:
    given = rules(partners={"default": 1, "by_company": {5: 2, 8: {"create": True}}})
    service = a_service(company_id=company["id"] if company else None, company=company)
    bundle = map_service(service, given)
    found = only(bundle, "internet_tariff")
    assert isinstance(found, InternetTariff)
    assert found.partners_ids == offered_to
    assert bundle.notes == notes


def test_a_plan_is_offered_where_the_rules_put_customers() -> None:
    given = rules(
        locations={"default": 4, "rules": [{"when": {"company": 1}, "use": {"id": 9}}, {"when": {}, "use": {"id": 4}}]}
    )
    assert tariff(given).available_for_locations == [4, 9]


@pytest.mark.parametrize(
    ("taxed_by", "tax", "notes"),
    [
        pytest.param([], 0, (), id="untaxed"),
        pytest.param([1], 4, (), id="one tax"),
        pytest.param([1, 2], 4, (), id="two that are one group in Splynx"),
        pytest.param([1, 3], 0, ("default:tax_id",), id="two taxes of Splynx"),
        pytest.param([9], 0, ("default:tax_id",), id="a tax that is not named"),
        pytest.param([1, 9], 0, ("default:tax_id",), id="one that is named and one that is not"),
    ],
)
def test_a_tariff_begins_with_the_tax_that_the_rules_name(
    taxed_by: list[int], tax: int, notes: tuple[str, ...]
) -> None:
    taxes = [{"id": 700 + one, "tax_id": one, "exemption_amount": 0} for one in taxed_by]
    bundle = map_service(a_service(service_taxes=taxes), rules(taxes={"map": {1: 4, 2: 4, 3: 5}}))
    found = only(bundle, "internet_tariff")
    assert isinstance(found, InternetTariff)
    assert (found.tax_id, bundle.notes) == (tax, notes)


def test_a_long_name_ends_in_the_services_id_and_the_rules_may_name_it_otherwise() -> None:
    assert tariff(name="n" * 70).title == "n" * 59 + " #101"
    assert tariff(rules(tariffs={"names": {101: "Fiber #101"}})).title == "Fiber #101"
