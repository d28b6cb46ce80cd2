"""What an account becomes: status, people, place, custom fields, billing days, scope."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from schemas.bundle import bundle_hash
from schemas.entities.account import map_account
from schemas.entities.customer.target import Customer, CustomerBilling, CustomerInfo
from schemas.records import Ref
from schemas.rules import Rules
from schemas.values.errors import RequiredValueMissing, UnmappedValue
from tests.builders import (
    NOON,
    RULES,
    a_contact,
    a_custom_value,
    a_parameter,
    a_phone,
    a_status,
    an_account,
    an_address,
    only,
    rules,
)


def customer(given: Rules = RULES, **changes: Any) -> Customer:
    found = only(map_account(an_account(**changes), given), "customer")
    assert isinstance(found, Customer)
    return found


def billing(given: Rules = RULES, **changes: Any) -> CustomerBilling:
    found = only(map_account(an_account(**changes), given), "customer_billing")
    assert isinstance(found, CustomerBilling)
    return found


def info(given: Rules = RULES, **changes: Any) -> CustomerInfo:
    found = only(map_account(an_account(**changes), given), "customer_info")
    assert isinstance(found, CustomerInfo)
    return found


DELINQUENCY = a_parameter(delinquency_account_status_id=1)
IDLE = a_status(activates_account=False)


@pytest.mark.parametrize(
    ("status_map", "changes", "expected"),
    [
        pytest.param({"by_id": {1: "new"}}, {"archived_at": NOON}, "new", id="a rule by id beats archived"),
        pytest.param({"by_name": {"Active": "blocked"}}, {"archived_at": NOON}, "blocked", id="a rule by name too"),
        pytest.param(
            {"by_id": {1: "new"}, "by_name": {"Active": "blocked"}}, {}, "new", id="a rule by id beats one by name"
        ),
        pytest.param({}, {"archived_at": NOON}, "disabled", id="archived beats a status that activates"),
        pytest.param(
            {},
            {"is_delinquent": True, "account_billing_parameter": DELINQUENCY},
            "blocked",
            id="delinquent in the delinquency status that still activates",
        ),
        pytest.param({}, {"is_delinquent": True}, "active", id="delinquent alone cuts nobody off"),
        pytest.param(
            {"delinquent_as_blocked": True}, {"is_delinquent": True}, "blocked", id="delinquent where rules say blocked"
        ),
        pytest.param({}, {}, "active", id="a status that activates"),
        pytest.param(
            {},
            {"is_delinquent": True, "account_status": IDLE, "account_billing_parameter": DELINQUENCY},
            "disabled",
            id="an idle delinquency status",
        ),
        pytest.param(
            {"inactive_delinquent": "blocked"},
            {"is_delinquent": True, "account_status": IDLE, "account_billing_parameter": DELINQUENCY},
            "blocked",
            id="an idle delinquency status where rules say blocked",
        ),
        pytest.param({}, {"account_status": IDLE, "activation_date": None}, "new", id="never activated"),
        pytest.param({}, {"account_status": IDLE}, "disabled", id="a former customer"),
    ],
)
def test_the_first_status_rule_that_matches_wins(
    status_map: dict[str, Any], changes: dict[str, Any], expected: str
) -> None:
    assert customer(rules(status_map=status_map), **changes).status == expected


def test_a_status_that_was_not_read_is_no_guess() -> None:
    with pytest.raises(RequiredValueMissing, match="account_status"):
        customer(account_status=None)


def test_leads_own_nothing_where_the_rules_skip_them() -> None:
    lead = an_account(account_status=IDLE, activation_date=None)
    bundle = map_account(lead, rules(status_map={"leads": "skip"}))
    assert bundle.records == {"customer": [], "customer_info": [], "customer_billing": []}
    assert bundle.reason == "leads are not carried"


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        pytest.param(datetime(2025, 1, 1, 5, 59, tzinfo=UTC), date(2024, 12, 31), id="before winter midnight"),
        pytest.param(datetime(2025, 1, 1, 6, 0, tzinfo=UTC), date(2025, 1, 1), id="at winter midnight"),
        pytest.param(datetime(2025, 7, 1, 4, 59, tzinfo=UTC), date(2025, 6, 30), id="before summer midnight"),
        pytest.param(datetime(2025, 7, 1, 5, 0, tzinfo=UTC), date(2025, 7, 1), id="at summer midnight"),
    ],
)
def test_a_customer_is_added_on_the_local_day(instant: datetime, day: date) -> None:
    assert customer(created_at=instant).date_add == day


def test_of_several_primary_contacts_the_oldest_is_taken_and_the_others_are_kept_for_reading() -> None:
    second = a_contact(id=72, name="Bo Example", email_address="bo@example.com", phone_numbers=[])
    found = customer(contacts=[second, a_contact()])
    assert found.email == "ada@example.com"
    assert found.sonar_contacts == "Bo Example | bo@example.com"


def test_without_a_primary_contact_the_first_with_an_email_stands_in() -> None:
    silent = a_contact(id=70, name="Cy Example", primary=False, email_address=None)
    assert customer(contacts=[silent, a_contact(primary=False)]).sonar_portal_username == "ada"
    assert customer(contacts=[silent, a_contact(primary=False)]).email == "ada@example.com"


def test_an_account_without_contacts_has_an_empty_email_and_phone() -> None:
    found = customer(contacts=[])
    assert (found.email, found.phone, found.sonar_contacts) == ("", "", "")


def test_addresses_of_chosen_roles_follow_the_primary_one_and_shared_ones_stand_once() -> None:
    chosen = rules(customer={"contacts": {"email_roles": ["technical"], "billing_roles": ["Accounts"]}})
    others = [
        a_contact(id=60, primary=False, role="Technical", email_address="tech@example.com"),
        a_contact(id=73, primary=False, role="technical", email_address="ADA@example.com"),
        a_contact(id=74, primary=False, role="accounts", email_address="pay@example.com"),
    ]
    found = customer(chosen, contacts=[*others, a_contact()])
    assert found.email == "ada@example.com, tech@example.com"
    assert found.billing_email == "pay@example.com"


def test_a_bad_email_is_dropped_noted_and_kept_for_reading() -> None:
    bundle = map_account(an_account(contacts=[a_contact(email_address="ada at example")]), RULES)
    found = only(bundle, "customer")
    assert isinstance(found, Customer)
    assert found.email == ""
    assert "ada at example" in found.sonar_contacts
    assert "dropped:email_address" in bundle.notes


def test_emails_that_do_not_fit_are_left_out_whole() -> None:
    chosen = rules(customer={"contacts": {"email_roles": ["x"]}})
    longer = [
        a_contact(id=100 + n, primary=False, role="x", email_address=f"{'a' * 60}{n}@example.com") for n in range(5)
    ]
    found = customer(chosen, contacts=[a_contact(), *longer]).email
    assert len(found) <= 256
    assert all(one.endswith("@example.com") for one in found.split(", "))


def test_phones_stand_in_the_order_of_their_types() -> None:
    chosen = rules(customer={"contacts": {"phone_order": ["Home", "mobile"]}})
    home = a_phone(id=99, number="555-555-0199", extension="4", phone_number_type={"id": 2, "name": "home"})
    untyped = a_phone(id=1, number="555-555-0111", phone_number_type=None)
    found = customer(chosen, contacts=[a_contact(phone_numbers=[untyped, a_phone(), home])]).phone
    assert found == "+15555550199 x4, +15555550100, +15555550111"


def test_the_newest_physical_address_is_the_customers() -> None:
    older = an_address(id=99, line1="Old Street", updated_at=NOON - timedelta(days=1))
    mailing = an_address(id=98, type="MAILING", line1="Box 5", updated_at=NOON + timedelta(days=1))
    found = customer(addresses=[older, mailing, an_address()])
    assert found.street_1 == "1 Example Street"
    assert found.sonar_mailing_address == "Box 5, Springfield, US_TX, 78701, US"


def test_a_disconnected_account_keeps_its_last_address() -> None:
    past = [
        {"id": 1, "start_date": "2024-01-01", "end_date": "2024-06-01", "address": an_address(line1="First")},
        {"id": 2, "start_date": "2024-06-01", "end_date": "2025-01-01", "address": an_address(line1="Last")},
    ]
    mailing = an_address(type="MAILING", line1="Box 5")
    changes: dict[str, Any] = {"addresses": [mailing], "serviceable_address_account_assignment_histories": past}
    assert customer(RULES, **changes).street_1 == "Last"
    assert customer(addresses=[mailing]).street_1 == "Box 5"
    assert customer(addresses=[]).street_1 == ""


def test_a_foreign_country_stands_behind_the_street_and_an_unknown_subdivision_is_noted() -> None:
    bundle = map_account(an_account(addresses=[an_address(line2="Unit 2", country="CA", subdivision="CA_ON")]), RULES)
    found = only(bundle, "customer")
    assert isinstance(found, Customer)
    assert found.street_1 == "1 Example Street, Unit 2, CA"
    assert found.subdivision_id is None
    assert "unmapped:subdivision" in bundle.notes


def test_what_is_longer_than_its_column_is_cut_at_a_word_and_noted() -> None:
    city = "Saint Example of the Wide Water Falls"
    bundle = map_account(an_account(name="x" * 300, addresses=[an_address(city=city)]), RULES)
    found = only(bundle, "customer")
    assert isinstance(found, Customer)
    assert found.city == "Saint Example of the Wide Water"
    assert len(found.name) == 256
    assert {"truncated:city", "truncated:name"} <= set(bundle.notes)


def test_a_name_of_spaces_is_no_name() -> None:
    with pytest.raises(RequiredValueMissing, match="name"):
        customer(name="  \t ")


@pytest.mark.parametrize(
    ("sort", "expected"),
    [("RESIDENTIAL", "person"), ("SENIOR_CITIZEN", "person"), ("GOVERNMENT", "company"), ("INDUSTRIAL", "company")],
)
def test_the_sort_of_the_account_type_makes_a_person_or_a_company(sort: str, expected: str) -> None:
    assert customer(account_type={"id": 2, "name": "T", "type": sort}).category == expected


def test_an_unknown_sort_is_set_aside_unless_the_rules_name_the_type() -> None:
    kind = {"id": 2, "name": "T", "type": "SOMETHING_NEW"}
    with pytest.raises(UnmappedValue, match=r"account_type\.type"):
        customer(account_type=kind)
    assert customer(rules(customer={"category": {"by_account_type": {2: "company"}}}), account_type=kind).category == (
        "company"
    )


FIELDS = rules(
    custom_fields={"map": {"Gate": {"name": "gate"}, "VAT": {"to": "customer_info.vat_id"}, "Junk": "ignore"}}
)
BOOLEAN = {"type": "BOOLEAN"}


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        pytest.param([], "", id="a missing value clears"),
        pytest.param([a_custom_value("Gate", " 12 \n34 ")], "12 34", id="text is one line"),
        pytest.param([a_custom_value("Gate", "x" * 300)], "x" * 255, id="text is cut"),
        pytest.param([a_custom_value("Gate", "Yes", custom_field=BOOLEAN)], "1", id="yes"),
        pytest.param([a_custom_value("Gate", "off", custom_field=BOOLEAN)], "0", id="off"),
        pytest.param([a_custom_value("Gate", "", custom_field=BOOLEAN)], "0", id="an empty flag is off"),
        pytest.param(
            [a_custom_value("Gate", "2025-02-03T00:00", custom_field={"type": "DATE"})], "2025-02-03", id="a day"
        ),
        pytest.param(
            [a_custom_value("Gate", "new"), a_custom_value("Gate", "", id=52, updated_at=NOON + timedelta(days=1))],
            "new",
            id="the last value that is not empty wins",
        ),
        pytest.param(
            [a_custom_value("Gate", "new"), a_custom_value("Gate", "old", id=52, updated_at=NOON - timedelta(days=1))],
            "new",
            id="the newest wins",
        ),
    ],
)
def test_a_custom_field_becomes_an_additional_field(held: list[dict[str, Any]], expected: str) -> None:
    assert customer(FIELDS, custom_field_data=held).custom == {"gate": expected}


@pytest.mark.parametrize(
    ("value", "kind"),
    [("maybe", BOOLEAN), ("02/03/2025", {"type": "DATE"}), ("purple", {"enum_options": ["red", "blue"]})],
)
def test_a_value_that_a_custom_field_cannot_have_is_set_aside_without_its_value(
    value: str, kind: dict[str, Any]
) -> None:
    with pytest.raises(UnmappedValue, match="custom field Gate") as caught:
        customer(FIELDS, custom_field_data=[a_custom_value("Gate", value, custom_field=kind)])
    assert value not in str(caught.value)


def test_a_tax_number_is_written_for_companies_only() -> None:
    held = [a_custom_value("VAT", "X1")]
    company = {"id": 2, "name": "T", "type": "COMMERCIAL"}
    assert info(FIELDS, custom_field_data=held).vat_id == ""
    assert info(FIELDS, custom_field_data=held, account_type=company).vat_id == "X1"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, (1, 14), id="the bill day"),
        pytest.param({"bill_day": None}, (9, 14), id="the day of the next bill"),
        pytest.param({"bill_day": 31, "due_days": 40}, (28, 28), id="clamped at the top"),
        pytest.param({"due_days": 0}, (1, 1), id="clamped at the bottom"),
        pytest.param({"invoice_day": 5}, (5, 10), id="the invoice day, with the gap taken from the due days"),
        pytest.param({"invoice_day": 5, "due_days_day": "INVOICE_DAY"}, (5, 14), id="counted from the invoice day"),
    ],
)
def test_billing_days_lie_within_the_first_28(changes: dict[str, Any], expected: tuple[int, int]) -> None:
    found = billing(account_billing_parameter=a_parameter(**changes), next_bill_date=date(2025, 7, 9))
    assert (found.billing_date, found.billing_due) == expected


def test_splynx_bills_nobody_until_cutover() -> None:
    found = billing()
    assert (found.enabled, found.make_invoices, found.send_finance_notification) == ("0", "0", "0")


def test_the_instrument_that_pays_by_itself_names_the_method_cards_first() -> None:
    methods = rules(payment_methods={"default": 5, "by_type": {"CREDITCARD": 6, "BANKACCOUNT": 7}})
    bank = {"bank_accounts": [{"id": 1, "auto": True}]}
    assert billing(methods).payment_method == 5
    assert billing(methods, **bank).payment_method == 7
    assert billing(methods, **bank, credit_cards=[{"id": 1, "auto": False}]).payment_method == 7
    assert billing(methods, **bank, credit_cards=[{"id": 1, "auto": True}]).payment_method == 6


@pytest.mark.parametrize(
    "scope", [{"accounts": [8]}, {"companies": [4]}, {"statuses": [2]}, {"accounts": [7], "companies": [4]}]
)
def test_an_account_outside_the_pilot_is_left_out_of_the_comparison(scope: dict[str, list[int]]) -> None:
    bundle = map_account(an_account(), rules(scope=scope))
    assert bundle.records == {"customer": None, "customer_info": None, "customer_billing": None}


def test_an_account_inside_the_pilot_is_mapped() -> None:
    assert customer(rules(scope={"accounts": [7], "companies": [3], "statuses": [1]})).key == "7"


@pytest.mark.parametrize("unread", ["contacts", "addresses"])
def test_what_was_not_read_leaves_the_customer_as_it_is(unread: str) -> None:
    assert map_account(an_account(**{unread: None}), RULES).records["customer"] is None


def test_labels_name_groups_type_and_flags_each_once() -> None:
    parameter = a_parameter(tax_exempt=True, lifeline=True)
    found = customer(is_delinquent=True, archived_at=NOON, account_billing_parameter=parameter).customer_labels
    flags = [f"flag:{name}" for name in ("delinquent", "archived", "tax_exempt", "lifeline")]
    assert found == [Ref(entity="label", key=key) for key in ("group:4", "type:2", *flags)]


def test_a_parent_is_a_reference_and_nobody_is_their_own() -> None:
    assert customer(parent_account_id=9).parent_id == Ref(entity="customer", key="9")
    assert customer(parent_account_id=7).parent_id == 0


def test_the_first_location_rule_whose_conditions_all_hold_wins() -> None:
    given = rules(
        locations={
            "default": 1,
            "rules": [
                {"when": {"address.city": "Springfield", "company": 4}, "use": {"id": 2}},
                {"when": {"address.city": ["Elsewhere", "Springfield"]}, "use": {"id": 3}},
                {"when": {"account_group": "Wireless"}, "use": {"id": 4}},
            ],
        }
    )
    assert customer(given).location_id == 3
    assert customer(given, addresses=[]).location_id == 4
    assert customer(given, addresses=[], account_groups=[]).location_id == 1


def test_mapping_twice_gives_equal_hashes_whatever_the_order_of_what_was_read() -> None:
    contacts = [a_contact(), a_contact(id=72, primary=False)]
    once = map_account(an_account(contacts=contacts), RULES)
    again = map_account(an_account(contacts=contacts[::-1]), RULES)
    assert bundle_hash(once) == bundle_hash(again)
    assert bundle_hash(once) != bundle_hash(map_account(an_account(name="Bo"), RULES))


def test_a_password_depends_on_the_operators_key() -> None:
    assert customer().password == customer().password
    assert customer().password != customer(id=8).password


def test_accounts_of_a_disabled_company_go_to_the_default_partner_for_it_has_none_of_its_own() -> None:
    assert customer().partner_id == Ref(entity="partner", key="3")
    closed = map_account(an_account(company={"id": 3, "enabled": False}), RULES)
    found = only(closed, "customer")
    assert isinstance(found, Customer)
    assert found.partner_id == 1
    assert "default:partner" in closed.notes
    assert customer(rules(partners={"default": 1, "by_company": {3: 9}})).partner_id == 9
