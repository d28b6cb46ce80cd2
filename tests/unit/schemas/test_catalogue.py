"""Companies, labels and the catalogue's own order; the reference check finds what does not exist."""

import pytest
from graphql import build_schema

from schemas.aggregate import Aggregate, Collection, Hop, LookUp
from schemas.catalogue import AGGREGATES, TARGETS, additional_fields, flag_labels, references
from schemas.entities.account import ACCOUNT
from schemas.entities.company import map_company
from schemas.entities.labels import AccountGroup, AccountType, Label, map_account_group, map_account_type
from schemas.records import SonarRecord
from schemas.selection import newest_of, sonar_field
from schemas.shapes import members, walk
from schemas.values.errors import RequiredValueMissing
from tests import reference
from tests.builders import NOON, RULES, a_company, only, rules
from tests.reference import endpoints, relations, selections, tables

GROW_WITH_TIME = (
    *("invoices", "debits", "payments", "discounts"),
    *("data_usage_histories", "data_usage_top_offs", "call_detail_records"),
    *("account_events", "scheduled_events"),
    *("tickets", "ticket_replies", "ticket_comments", "jobs", "tasks"),
    *("contracts", "files", "notes", "call_logs", "emails", "sms_outbound_messages"),
)
"""Collections of which an account gets ever more rows."""


def test_a_target_comes_after_all_that_it_refers_to() -> None:
    order = list(TARGETS)
    for entity, target in TARGETS.items():
        for mark in references(target.record).values():
            assert order.index(mark.entity) <= order.index(entity)


@pytest.mark.parametrize("one", AGGREGATES, ids=[one.name for one in AGGREGATES])
def test_a_collection_is_looked_up_once(one: Aggregate) -> None:
    # The index keeps one version of each look-up: a second would find its changes noted as published.
    collections = [look_up.collection for look_up in one.looks_up]
    assert sorted(set(collections)) == sorted(collections)


@pytest.mark.parametrize("collection", GROW_WITH_TIME)
def test_what_grows_without_bound_is_a_root_of_its_own_and_no_list_of_the_accounts(collection: str) -> None:
    [one] = [each for each in AGGREGATES if each.root.name == collection]
    assert one.owned_by  # it lies with its account all the same
    held = [member for record in walk(ACCOUNT.root.record) for member in members(record) if member.many]
    assert collection not in {sonar_field(member) for member in held if newest_of(member) is None}


def test_sonar_id_is_the_first_and_only_unique_and_hidden_additional_field() -> None:
    for target in TARGETS.values():
        if target.module is not None:
            fields = additional_fields(target)
            assert [field.name for field in fields if field.unique] == ["sonar_id"]
            assert [field.name for field in fields if field.hidden] == ["sonar_id"]
            assert fields[0].name == "sonar_id"


def test_an_enabled_company_becomes_a_partner_unless_the_rules_name_one() -> None:
    assert only(map_company(a_company(name=" Example  Net "), RULES), "partner").model_dump() == {
        "key": "3",
        "name": "Example Net",
        "sonar_unique_id": "",
    }
    assert map_company(a_company(), rules(partners={"default": 1, "by_company": {3: 9}})).records == {"partner": []}
    assert map_company(a_company(enabled=False), RULES).records == {"partner": []}


def test_a_company_without_a_name_is_set_aside() -> None:
    with pytest.raises(RequiredValueMissing, match="name"):
        map_company(a_company(name=" "), RULES)


def test_groups_and_types_become_labels_that_tell_them_apart() -> None:
    group = only(map_account_group(AccountGroup(id=4, updated_at=NOON, name="Home"), RULES), "label")
    kind = only(map_account_type(AccountType(id=4, updated_at=NOON, name="Home", color="00ff00"), RULES), "label")
    assert isinstance(group, Label)
    assert isinstance(kind, Label)
    assert (group.key, group.label, group.color) == ("group:4", "group: Home", "#357bf2")
    assert (kind.key, kind.label, kind.color) == ("type:4", "type: Home", "#00ff00")
    assert len({one.label for one in flag_labels()}) == 4


@pytest.mark.parametrize(
    ("color", "written"),
    [("00ff00", "#00ff00"), ("#00FF00", "#00FF00"), (None, "#357bf2"), ("", "#357bf2"), ("0", "#357bf2")],
)
def test_a_label_has_its_types_color_or_a_default(color: str | None, written: str) -> None:
    kind = AccountType(id=4, updated_at=NOON, name="Home", color=color)
    found = only(map_account_type(kind, RULES), "label")
    assert isinstance(found, Label)
    assert found.color == written


def test_long_names_that_begin_alike_stay_apart_by_their_ids() -> None:
    found = [
        only(map_account_group(AccountGroup(id=id, updated_at=NOON, name="Long name " * 9), RULES), "label")
        for id in (4, 5)
    ]
    labels = [one.label for one in found if isinstance(one, Label)]
    assert len(set(labels)) == 2
    assert [label[-2:] for label in labels] == ["#4", "#5"]
    assert all(len(label) <= 64 for label in labels)


def test_a_sonar_that_lacks_what_we_read_is_reported() -> None:
    sonar = build_schema(
        "type Query { companies: CompanyConnection } type CompanyConnection { entities: [Company] }"
        " type Company { id: ID }"
    )
    found = selections(sonar)
    assert "company: Cannot query field 'enabled' on type 'Company'." in found
    assert "account: Sonar has no query accounts" in found
    assert "account: Sonar has no query contacts" in relations(sonar)
    assert "payment: ReversedPayment has no payment_id" in relations(sonar)


def test_a_relation_that_hides_archived_rows_and_is_read_without_asking_for_them_is_reported() -> None:
    sonar = build_schema(
        "type Query { payments: PaymentConnection } type PaymentConnection { entities: [Payment] }"
        " type Payment { account(include_archived: Boolean): Account  credit_card(include_archived: Boolean): Card }"
        " type Account { id: ID } type Card { id: ID }"
    )
    found = [line for line in selections(sonar) if "include_archived" in line]
    assert found == ["payment: Payment.credit_card and include_archived"]


def test_a_polymorphic_relation_is_held_against_the_field_that_it_reads() -> None:
    sonar = build_schema(
        "type Query { ip_assignments: IpAssignmentConnection } type IpAssignmentConnection { entities: [IpAssignment] }"
        " type IpAssignment { ipassignmentable: InventoryItem }"
        " type InventoryItem { inventoryitemable(include_archived: Boolean): Address } type Address { id: ID }"
    )
    found = [line for line in selections(sonar) if "include_archived" in line]
    assert "ip_assignment: IpAssignment.radius_account and include_archived" in found
    assert not [line for line in found if "InventoryItem.address" in line]


def test_a_way_down_that_leads_nowhere_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    way = (Hop("houses", "city_id"), Hop("rooms", "house_id", ("house_type", "House")), Hop("beds", "room_id"))
    lost = Aggregate("lamp", Collection("lamps", SonarRecord, "Lamp"), looks_up=[LookUp("cities", "City", ways=(way,))])
    monkeypatch.setattr(reference, "AGGREGATES", [lost])
    sonar = build_schema(
        "type Query { cities: CityConnection rooms: RoomConnection houses: HouseConnection }"
        " type CityConnection { entities: [City] } type HouseConnection { entities: [House] }"
        " type RoomConnection { entities: [Room] }"
        " type City { id: ID } type House { id: ID } type Room { house_id: ID }"
    )
    assert relations(sonar) == [
        "lamp: a way from cities ends in beds",
        "lamp: House has no city_id",
        "lamp: Room has no house_type",
        "lamp: Sonar has no query beds",
    ]


def test_a_field_of_newer_schemas_only_may_be_missing() -> None:
    sonar = build_schema(
        "type Query { accounts: AccountConnection } type AccountConnection { entities: [Account] }"
        " type Account { account_billing_parameter: AccountBillingParameter } type AccountBillingParameter { id: ID }"
    )
    found = "\n".join(selections(sonar))
    assert "'bill_day'" in found
    assert "service_period" not in found


def test_a_splynx_that_lacks_what_we_write_is_reported() -> None:
    reference = {
        "tables": {"payments": {"columns": [{"name": "amount"}]}, "billing_transactions": {"columns": [{"name": "id"}]}}
    }
    found = tables(reference)
    assert "customer: Splynx has no table customers" in found
    assert "payments: Splynx has no column receipt_number" in found
    assert "billing_transactions: Splynx has no column category" in found
    assert "payment: remind_amount is no column" in found
    assert "payments: Splynx has no column amount" not in found
    path = "admin/config/labels"
    api = {"live": {path: {"get_fields": ["label"]}}, "resources": [{"path": path, "methods": {"GET": {}}}]}
    missing = endpoints(api, reference)
    assert "customer: Splynx has no path admin/customers/customer" in missing
    assert {"label: admin/config/labels takes no PUT", "label: admin/config/labels takes no POST"} <= set(missing)
    assert "label: color is no attribute of admin/config/labels" in missing
    assert "label: label is no attribute of admin/config/labels" not in missing


def test_what_stands_for_an_object_of_sonar_says_which_so_that_an_id_given_anew_is_noticed() -> None:
    for one in AGGREGATES:
        if one.targets:
            assert "sonar_unique_id" in one.root.record.model_fields, one.name
            assert "sonar_unique_id" in one.targets[0].record.model_fields, one.name
    company = only(map_company(a_company(sonar_unique_id="company-3"), RULES), "partner")
    group = AccountGroup(id=4, sonar_unique_id="group-4", updated_at=NOON, name="Home")
    kind = AccountType(id=4, sonar_unique_id="type-4", updated_at=NOON, name="Home")
    labels = (only(map_account_group(group, RULES), "label"), only(map_account_type(kind, RULES), "label"))
    assert [one.model_dump()["sonar_unique_id"] for one in (company, *labels)] == ["company-3", "group-4", "type-4"]
