"""Bodies, and what is the same to Splynx."""

import pytest

from schemas.bundle import record_document
from schemas.catalogue import TARGETS
from sinks.bodies import Shape, changed, differing, image, same, with_foreign
from tests.unit.sinks.records import DETAIL, PERSON, Detail, Person


def test_a_new_record_carries_its_sonar_id_and_what_is_sent_once() -> None:
    body = Shape(PERSON).body(record_document(Person(key="1", name="A", sonar_status="ok")), create=True)
    assert body["additional_attributes"] == {"sonar_status": "ok", "sonar_id": "1"}
    assert body["password"] == "x"
    assert "key" not in body
    assert "day" not in body


def test_a_change_never_sends_what_is_sent_once() -> None:
    assert "password" not in Shape(PERSON).body(record_document(Person(key="1", name="A")), create=False)


def test_a_text_for_a_short_field_is_cut_and_others_are_not() -> None:
    person = record_document(Person(key="1", name="n" * 300, sonar_status="s" * 300))
    cut = Shape(PERSON, short=["sonar_status"]).body(person, create=True)
    whole = Shape(PERSON).body(person, create=True)
    lengths = [len(body["additional_attributes"]["sonar_status"]) for body in (cut, whole)]
    assert (lengths, len(cut["name"])) == ([255, 300], 300)


def test_a_part_has_no_sonar_id_of_its_own() -> None:
    body = Shape(DETAIL).body(record_document(Detail(key="1", text="a")), create=False)
    assert body == {"text": "a"}


def test_what_is_sent_once_is_a_secret_only_where_it_is_personal() -> None:
    assert Shape(PERSON).has_secrets
    tariff = Shape(TARGETS["internet_tariff"])
    assert tariff.on_create == {"tax_id"}
    assert not tariff.has_secrets


def test_a_list_of_references_is_known_even_where_it_is_empty() -> None:
    assert Shape(PERSON).lists == {"customer_labels": "label"}
    assert Shape(TARGETS["internet_tariff"]).lists == {"partners_ids": "partner"}


def test_the_ledger_keeps_no_password() -> None:
    assert "password" not in Shape(PERSON).kept(record_document(Person(key="1", name="A")))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("64.5", "64.5000"),
        (True, "1"),
        (None, ""),
        (None, "0000-00-00"),
        ("a", "a "),
        ([2, 1], [{"id": 1}, {"id": 2}]),
        (["person", "company"], ["company", "person"]),
    ],
)
def test_values_that_are_one_to_splynx(ours: object, theirs: object) -> None:
    assert same(ours, theirs)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        *[("64.51", "64.5"), ("a", "A"), (0, ""), ([1], []), (["person"], ["company"])],
        *[("01234", "1234"), ("+15550100", "15550100"), ("1e3", "1000"), ("NaN", "1")],
    ],
)
def test_values_that_are_not(ours: object, theirs: object) -> None:
    assert not same(ours, theirs)


def test_only_what_differs_is_sent() -> None:
    current = {"name": "A", "city": "X", "additional_attributes": {"sonar_id": "1", "sonar_status": ""}}
    body = {"name": "A", "city": "Y", "additional_attributes": {"sonar_id": "1", "sonar_status": "ok"}}
    assert changed(body, current) == {"city": "Y", "additional_attributes": {"sonar_status": "ok"}}
    assert changed(current, current) == {}


def test_an_image_holds_only_what_is_sent_of_additional_fields_too() -> None:
    row = {"name": "Anna", "city": "X", "additional_attributes": {"gate": "1", "theirs": "y"}}
    sent = {"name": "Bo", "additional_attributes": {"gate": "2", "new": "3"}}
    assert image(sent, row) == {"name": "Anna", "additional_attributes": {"gate": "1", "new": ""}}
    assert image({"city": "Z"}, row) == {"city": "X"}


def test_a_read_back_names_the_fields_that_splynx_kept_otherwise() -> None:
    sent = {"name": "A", "city": "Y", "secret": "s", "additional_attributes": {"a": "1"}}
    assert differing(sent, {"name": "A", "city": "Z", "additional_attributes": {"a": "2"}}) == ["a", "city"]


def test_labels_of_others_are_kept_and_ours_replaced() -> None:
    assert with_foreign([5], [{"id": 4}, {"id": 9}], owned=[4, 5, 6]) == [5, 9]
