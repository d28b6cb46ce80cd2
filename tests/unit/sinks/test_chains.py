"""What a held record waits for, to the end."""

from sinks.chains import RING, THERE, UNKNOWN, Link, Wait, chain, told

PARKED = "parked [sink.parent_missing]"
PAYMENT, CUSTOMER, PARTNER = ("payment", "9"), ("customer", "5"), ("partner", "3")


def test_a_chain_leads_through_what_waits_to_what_is_at_fault() -> None:
    held = {
        PAYMENT: Wait(PARKED, CUSTOMER),
        CUSTOMER: Wait(PARKED, PARTNER),
        PARTNER: Wait("dead [splynx.record_refused]", None),
    }
    links = [Link("customer", "5", PARKED), Link("partner", "3", "dead [splynx.record_refused]")]
    assert chain(PAYMENT, held, []) == links
    assert told(links) == f"customer 5 ({PARKED}), that for partner 3 (dead [splynx.record_refused])"


def test_a_chain_ends_with_what_nobody_knows() -> None:
    assert chain(PAYMENT, {PAYMENT: Wait(PARKED, CUSTOMER)}, []) == [Link("customer", "5", UNKNOWN)]


def test_what_has_come_by_now_is_in_splynx() -> None:
    assert chain(PAYMENT, {PAYMENT: Wait(PARKED, CUSTOMER)}, [CUSTOMER]) == [Link("customer", "5", THERE)]


def test_a_ring_ends_where_it_closes() -> None:
    held = {CUSTOMER: Wait(PARKED, ("customer", "6")), ("customer", "6"): Wait(PARKED, CUSTOMER)}
    assert chain(CUSTOMER, held, []) == [Link("customer", "6", PARKED), Link("customer", "5", RING)]


def test_what_waits_for_nothing_has_no_chain() -> None:
    assert chain(PAYMENT, {PAYMENT: Wait("deferred [sink.money_deferred]", None)}, []) == []
    assert chain(PAYMENT, {}, []) == []
