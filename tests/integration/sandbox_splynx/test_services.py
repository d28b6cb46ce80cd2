"""Services, and the copies that the product makes when a customer is disabled."""

from typing import Any

import pytest

from tests.integration.sandbox_splynx.conftest import Splynx

INTERNET = {"tariff_id": 1, "status": "active", "description": "Fibre", "quantity": 1, "start_date": "2024-01-01"}


async def running(splynx: Splynx, customer: int, login: str) -> int:
    return await splynx.created(f"customers/customer/{customer}/internet-services", INTERNET | {"login": login})


async def listed(splynx: Splynx, customer: int, kind: str = "internet") -> list[dict[str, Any]]:
    rows = (await splynx.call("GET", f"customers/customer/{customer}/{kind}-services")).body
    assert isinstance(rows, list)
    return rows


async def test_a_service_takes_its_price_from_the_tariff_and_is_found_under_its_customer(splynx: Splynx) -> None:
    customer = await splynx.customer()
    service = await running(splynx, customer, "price-1")
    (row,) = await listed(splynx, customer)
    assert (row["id"], row["unit_price"], row["type"], row["end_date"]) == (
        service,
        "20.0000",
        "internet",
        "0000-00-00",
    )
    one = await splynx.call("GET", f"customers/customer/{customer}/internet-services--{service}")
    assert one.body["login"] == "price-1"
    everybody = (await splynx.call("GET", "customers/customer/0/internet-services?main_attributes[login]=price-1")).body
    assert [row["id"] for row in everybody] == [service]


async def test_disabling_a_customer_ends_its_services_and_leaves_stopped_copies(splynx: Splynx) -> None:
    customer = await splynx.customer()
    service = await running(splynx, customer, "clone-1")
    await splynx.call("PUT", f"customers/customer/{customer}", {"status": "disabled"})
    old, copy = await listed(splynx, customer)
    assert (old["id"], old["status"], old["end_date"] != "0000-00-00") == (service, "disabled", True)
    assert (copy["status"], copy["login"], copy["tariff_id"], copy["end_date"]) == (
        "stopped",
        "clone-1",
        1,
        "0000-00-00",
    )
    logged = splynx.sql(
        "SELECT old_status, new_status FROM logs_services WHERE customer_id = %s AND service_id = %s ORDER BY id",
        [customer, service],
    )
    assert [tuple(row.values()) for row in logged] == [(None, "active"), ("active", "disabled")]


async def test_services_disabled_first_leave_no_copies(splynx: Splynx) -> None:
    customer = await splynx.customer()
    service = await running(splynx, customer, "clone-2")
    path = f"customers/customer/{customer}/internet-services--{service}"
    assert (await splynx.call("PUT", path, {"status": "disabled", "end_date": "2024-02-01"})).status == 202
    await splynx.call("PUT", f"customers/customer/{customer}", {"status": "disabled"})
    assert [row["status"] for row in await listed(splynx, customer)] == ["disabled"]


async def test_a_status_change_sends_radius_commands_for_running_services(splynx: Splynx) -> None:
    customer = await splynx.customer()
    service = await running(splynx, customer, "radius-1")
    await splynx.raw("DELETE", "/_sandbox/side-effects")
    await splynx.call("PUT", f"customers/customer/{customer}", {"status": "blocked"})
    assert (await splynx.side_effects())["radius"] == [
        {"command": "customer_blocked", "customer_id": customer, "service_id": service}
    ]


async def test_a_session_is_cut_with_its_service_and_all_with_their_customer(splynx: Splynx) -> None:
    customer = await splynx.customer()
    first, second = [await running(splynx, customer, f"online-{number}") for number in (1, 2)]
    for service in (first, second):
        await splynx.created("customers/customers-online", {"customer_id": customer, "service_id": service})

    async def online() -> list[int]:
        rows = (await splynx.call("GET", f"customers/customers-online?main_attributes[customer_id]={customer}")).body
        return [row["service_id"] for row in rows]

    await splynx.call("PUT", f"customers/customer/{customer}/internet-services--{first}", {"status": "stopped"})
    assert await online() == [second]
    await splynx.call("PUT", f"customers/customer/{customer}", {"status": "blocked"})
    assert await online() == []
    cut = [row["service_id"] for row in (await splynx.side_effects())["radius"] if row["command"] == "disconnect"]
    assert cut == [first, second]


async def test_an_active_service_needs_an_active_customer(splynx: Splynx) -> None:
    customer = await splynx.customer(status="new")
    answer = await splynx.call(
        "POST", f"customers/customer/{customer}/internet-services", INTERNET | {"login": "early-1"}
    )
    assert (answer.status, "status" in answer.body["error"]["message"]) == (422, True)


@pytest.mark.parametrize(
    ("kind", "unique"),
    [
        pytest.param("internet", {"login": "twin-1"}, id="login"),
        pytest.param("voice", {"phone": "15555550111"}, id="phone"),
    ],
)
async def test_a_login_and_a_phone_are_unique_among_services(splynx: Splynx, kind: str, unique: dict[str, str]) -> None:
    customer = await splynx.customer()
    path = f"customers/customer/{customer}/{kind}-services"
    assert (await splynx.call("POST", path, INTERNET | unique)).status == 201
    assert (await splynx.call("POST", path, INTERNET | unique)).status == 422


@pytest.mark.parametrize(
    ("billing_type", "enabled", "deposit"),
    [
        pytest.param("recurring", 1, "0.0000", id="billed by the job"),
        pytest.param("prepaid_monthly", 1, "-20.0000", id="a month ahead"),
        pytest.param("prepaid", 1, "-0.6667", id="a day ahead"),
        pytest.param("prepaid_monthly", 0, "0.0000", id="not billed"),
    ],
)
async def test_a_prepaid_service_is_charged_when_it_begins_unless_its_customer_is_not_billed(
    quiet: Splynx, billing_type: str, enabled: int, deposit: str
) -> None:
    for begins in ("at once", "later"):
        customer = await quiet.customer(billing_type=billing_type)
        await quiet.call("PUT", f"customers/customer-billing/{customer}", {"enabled": enabled})
        path = f"customers/customer/{customer}/internet-services"
        status = "active" if begins == "at once" else "pending"
        made = await quiet.created(path, INTERNET | {"login": f"ahead-{customer}", "status": status})
        assert quiet.deposit(customer) == (deposit if status == "active" else "0.0000")
        await quiet.call("PUT", f"{path}--{made}", {"status": "active"})
        assert quiet.deposit(customer) == deposit


async def test_a_voice_service_shows_its_phone_and_a_recurring_one_needs_neither(splynx: Splynx) -> None:
    customer = await splynx.customer()
    await splynx.created(f"customers/customer/{customer}/voice-services", INTERNET | {"phone": "15555550123"})
    await splynx.created(f"customers/customer/{customer}/recurring-services", INTERNET)
    assert [row["phone"] for row in await listed(splynx, customer, "voice")] == ["15555550123"]
    assert [row["type"] for row in await listed(splynx, customer, "recurring")] == ["custom"]


async def test_activations_are_read_from_the_log(splynx: Splynx) -> None:
    customer = await splynx.customer(status="new")
    path = f"customers/customer/{customer}/logs-changes"
    assert (await splynx.call("GET", f"{path}--first-activation")).status == 404
    await splynx.call("PUT", f"customers/customer/{customer}", {"status": "active"})
    first = (await splynx.call("GET", f"{path}--first-activation")).body
    assert (first["old_status"], first["new_status"], first["administrator_id"]) == ("new", "active", 1)
    assert len((await splynx.call("GET", path)).body) == 2


async def test_the_scheduled_job_bills_whom_billing_is_enabled_for_and_nobody_when_it_is_off(splynx: Splynx) -> None:
    billed, spared = await splynx.customer(), await splynx.customer()
    for customer in (billed, spared):
        await running(splynx, customer, f"auto-{customer}")
    await splynx.call("PUT", f"customers/customer-billing/{spared}", {"enabled": 0})
    done = (await splynx.raw("POST", "/_sandbox/automation/run")).body
    assert done["invoices"] >= 1
    invoices = splynx.sql("SELECT customer_id, total FROM invoices WHERE customer_id IN (%s, %s)", [billed, spared])
    assert [(row["customer_id"], str(row["total"])) for row in invoices] == [(billed, "20.0000")]
    assert splynx.deposit(billed) == "-20.0000"
    for path in ("automation", "notifications"):
        await splynx.call("PUT", f"config/config?module=finance&path={path}", dict.fromkeys(SWITCHES, False))
    done = (await splynx.raw("POST", "/_sandbox/automation/run")).body
    assert (done["invoices"], done["blocked"], done["reminders"]) == (0, 0, 0)


SWITCHES = ("enable_automatic_issuing", "enable_processing_billing_due", "enable_reminders")
