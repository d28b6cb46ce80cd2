"""What a customer takes from contacts."""

from schemas.entities.account import map_account
from schemas.entities.customer.target import Customer
from tests.builders import (
    RULES,
    a_contact,
    a_phone,
    an_account,
    only,
    rules,
)
from tests.unit.schemas.mapped import customer, info


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


def test_phones_are_written_as_sonar_shows_them_where_the_rules_say_so() -> None:
    chosen = rules(customer={"contacts": {"phone_form": "formatted"}})
    shown = a_phone(id=1, number="5555550199", number_formatted=" (555)  555-0199", extension="4")
    not_shown = a_phone(id=2, number="5555550111", number_formatted=None)
    other = a_contact(id=80, name="Bo Example", primary=False, email_address=None, phone_numbers=[shown])
    found = customer(chosen, contacts=[a_contact(phone_numbers=[shown, not_shown]), other])
    assert found.phone == "(555) 555-0199 x4, +15555550111"
    assert found.sonar_contacts == "Bo Example | (555) 555-0199 x4"


def test_a_contact_person_is_named_with_the_role_for_companies_and_where_the_name_differs() -> None:
    company = {"id": 2, "name": "Shop", "type": "COMMERCIAL"}
    assert info().contact_person == ""
    assert info(name="Example & Daughters").contact_person == "Ada Example"
    assert info(account_type=company).contact_person == "Ada Example"
    assert info(account_type=company, contacts=[a_contact(role="owner")]).contact_person == "Ada Example (owner)"
    assert info(contacts=[a_contact(role="owner")]).contact_person == ""


def test_what_is_left_out_or_cut_of_contacts_is_noted() -> None:
    chosen = rules(customer={"contacts": {"email_roles": ["x"]}})
    many = [
        a_contact(id=100 + n, primary=False, role="x", email_address=f"{'a' * 60}{n}@example.com") for n in range(5)
    ]
    first = a_contact(name="A" * 300, username="u" * 300)
    notes = map_account(an_account(contacts=[first, *many]), chosen).notes
    assert {"truncated:email", "truncated:username", "truncated:contact_name"} <= set(notes)
    assert len(notes) == len(set(notes))
    assert map_account(an_account(), RULES).notes == ()
