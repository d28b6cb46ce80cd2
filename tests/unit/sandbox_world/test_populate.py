"""What the invented ISP looks like on its first day."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from sandbox.world import World
from sandbox.world.census import oddities
from sandbox.world.invariants import violations
from tests.unit.sandbox_world.conftest import NOW, a_world

TABLES = (
    "Account",
    "AccountBillingParameter",
    "Contact",
    "PhoneNumber",
    "Address",
    "CustomFieldData",
    "Payment",
    "ReversedPayment",
    "RefundedPayment",
    "VoidedPayment",
    "CreditCard",
    "BankAccount",
    "ServiceableAddressAccountAssignmentHistory",
    "Company",
    "User",
    "AccountStatus",
    "AccountType",
    "AccountGroup",
    "CustomField",
    "BillingDefault",
)

FINGERPRINT = """
from tests.unit.sandbox_world.test_populate import a_world, fingerprint
world = a_world()
world.step(300)
print(fingerprint(world))
"""


def rows(world: World) -> dict[str, list[dict[str, object]]]:
    """Every row by type, without the two columns that are the store's own affair."""
    return {
        name: [
            {
                column: value
                for column, value in sorted(dict(row).items())
                if column not in ("sonar_unique_id", "_version")
            }
            for _, row in sorted(world.store.table(name).items())
        ]
        for name in TABLES
    }


def fingerprint(world: World) -> str:
    return hashlib.sha256(repr(rows(world)).encode()).hexdigest()


def texts(world: World) -> Iterator[str]:
    """Every text that was invented, the store's own stamps left out."""
    for name in TABLES:
        for row in world.store.table(name).values():
            yield from (
                value
                for column, value in row.items()
                if isinstance(value, str) and column not in ("sonar_unique_id", "_version")
            )


def test_the_same_seed_gives_the_same_rows(sixty: World) -> None:
    assert rows(a_world()) == rows(sixty)


def test_another_seed_gives_other_people(sixty: World) -> None:
    assert {row["name"] for row in rows(a_world(seed=8))["Account"]} != {row["name"] for row in rows(sixty)["Account"]}


def test_neither_rows_nor_life_depend_on_pythons_hash_seed() -> None:
    prints = {
        subprocess.run(
            [sys.executable, "-c", FINGERPRINT],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(prints) == 1


ODDITY_NAMES = sorted(oddities(a_world(1).store).keys() - {"blank_name"})


@pytest.mark.parametrize("name", ODDITY_NAMES)
def test_sixty_accounts_are_enough_for_every_oddity(sixty: World, name: str) -> None:
    assert sixty.oddities()[name], f"nobody has the oddity {name}"


@pytest.mark.parametrize("seed", range(1, 9))
def test_every_oddity_occurs_whatever_the_seed(seed: int) -> None:
    world = a_world(seed=seed)
    assert [name for name, ids in world.oddities().items() if not ids] == ["blank_name"]


def test_oddities_name_accounts_that_exist(three_hundred: World) -> None:
    accounts = three_hundred.store.table("Account")
    assert all(id in accounts for ids in three_hundred.oddities().values() for id in ids)


def test_a_blank_name_is_there_only_when_poison_is_asked_for(sixty: World) -> None:
    assert sixty.oddities()["blank_name"] == []
    assert len(a_world(poison=True).oddities()["blank_name"]) == 1


@pytest.mark.parametrize("accounts", [1, 2, 17, 60, 300])
def test_an_isp_of_any_size_breaks_no_rule(accounts: int) -> None:
    world = a_world(accounts)
    assert len(world.store.table("Account")) == accounts
    assert violations(world.store) == []


def test_an_isp_needs_an_account() -> None:
    with pytest.raises(ValueError, match="at least one account"):
        a_world(0)


def test_every_mail_address_ends_in_a_domain_reserved_for_examples(lived: World) -> None:
    found = {domain for text in texts(lived) for domain in re.findall(r"@([\w.-]+)", text)}
    assert found
    assert found <= {"example.com", "example.net", "example.org"}


def test_every_telephone_number_is_a_555_01xx_one(lived: World) -> None:
    numbers = [str(row["number"]) for row in lived.store.table("PhoneNumber").values()]
    numbers += [str(row["phone_number"]) for row in lived.store.table("Company").values()]
    assert [number for number in numbers if not re.fullmatch(r"\d{0,3}55501\d\d", number)] == []


def test_no_text_could_be_taken_for_a_card_number(lived: World) -> None:
    assert [text for text in texts(lived) if re.search(r"(\d[ -]?){13,19}", text)] == []
    cards = lived.store.table("CreditCard").values()
    assert all(re.fullmatch(r"x{12}\d{4}", str(row["masked_number"])) for row in cards)


def test_an_account_has_six_to_nine_payments_on_average(three_hundred: World) -> None:
    assert 6 <= len(three_hundred.store.table("Payment")) / 300 <= 9


@pytest.mark.parametrize("mean", [1.0, 3.0])
def test_the_mean_number_of_payments_can_be_chosen(mean: float) -> None:
    world = a_world(300, payments_per_account=mean)
    assert mean * 0.7 <= len(world.store.table("Payment")) / 300 <= mean * 1.4


def test_ids_follow_the_order_of_time(three_hundred: World) -> None:
    for name, column in (("Account", "created_at"), ("Payment", "payment_datetime")):
        moments = [row[column] for _, row in sorted(three_hundred.store.table(name).items())]
        assert moments == sorted(moments)


def test_payments_lie_within_eighteen_months_before_today(three_hundred: World) -> None:
    for row in three_hundred.store.table("Payment").values():
        assert 0 < (NOW - row["payment_datetime"]).total_seconds() < 550 * 86_400


def test_all_kinds_and_fates_of_payments_occur(three_hundred: World) -> None:
    payments = three_hundred.store.table("Payment").values()
    kinds = {row["payment_type"] for row in payments}
    assert kinds == {"CASH", "CHECK", "CREDITCARD", "BANKACCOUNT", "WIRE", "PAYPAL", "OTHER"}
    assert {row["status"] for row in payments} == {"SUCCEEDED", "PENDING", "FAILED", None}


def test_a_zone_without_summer_time_has_everything_but_the_fold() -> None:
    world = a_world(timezone="AMERICAPHOENIX")
    missing = {name for name, ids in world.oddities().items() if not ids}
    assert missing == {"payment_in_dst_fold", "blank_name"}
