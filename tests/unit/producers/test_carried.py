"""Secrets that are carried lie on the topics sealed, and nowhere plain; those that are not are never asked for."""

import asyncio
import base64
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from structlog.testing import LogCapture

from plumbing.sealing import Sealer
from producers import reader
from schemas.catalogue import AGGREGATES
from schemas.entities.billing.instruments import BANK_ACCOUNT, CREDIT_CARD
from schemas.entities.network.access import RADIUS_ACCOUNT
from schemas.records import Secret
from schemas.selection import secrets_of
from schemas.shapes import members, walk
from tests.unit.producers.scene import Scene

PASSWORD, TOKEN = "hunter2-plain", "tok_plain_4242"
FIRST, SECOND = (f"{name}={base64.b64encode(bytes([at]) * 64).decode()}" for at, name in enumerate(("one", "two")))


class Vault(Scene):
    """A log-in and a card, read with what is carried."""

    def __init__(self, *carried: str, keys: str = FIRST) -> None:
        self.carried, self.sealer = carried, Sealer.of(keys)
        super().__init__(aggregates=(RADIUS_ACCOUNT, CREDIT_CARD, BANK_ACCOUNT))
        self.account = self.shop.an_account()
        self.log_in = self.shop.store.insert(
            "RadiusAccount", account_id=self.account, password=PASSWORD, username="ada"
        )
        flags = (
            "amex dankort dinersclub discover enabled forbrugsforeningen jcb maestro mastercard moto_enabled primary"
            " unionpay visa visaelectron"
        )
        of_processor: dict[str, Any] = dict.fromkeys(flags.split(), True)
        processor = self.shop.store.insert("CreditCardProcessor", provider="AUTHORIZE", **of_processor)
        self.card = self.shop.store.insert(
            "CreditCard", account_id=self.account, auto=True, credit_card_processor_id=processor,
            credit_card_type="VISA", expiration_month=1, expiration_year=2030, token=TOKEN, masked_number="4242",
        )  # fmt: skip

    async def read(self) -> None:
        """All of it."""
        await self.begin()
        await self.snapshot.run(self.aggregates, asyncio.Event(), started=self.shop.clock.now, force=None)
        await self.pass_by()

    async def pass_by(self, polls: int = 3) -> None:
        """Time goes by, and the overlap is scanned again."""
        for _ in range(polls):
            self.shop.clock.tick(2)
            await self.following.poll()

    def passwords(self) -> list[str]:
        """What the log-in's events hold."""
        return [event["after"]["password"] for event in self.events("radius_account")]

    def assert_nothing_is_plain(self) -> None:
        """No message of any topic shows a secret: events, index, cursors, dead letters."""
        said = b"".join(key + (value or b"") for _, _, key, value in self.broker.messages)
        for secret in (PASSWORD, TOKEN, "other-password"):
            assert secret.encode() not in said


@pytest.fixture
def logged() -> Iterator[LogCapture]:
    """Everything that is logged, at any level."""
    capture = LogCapture()
    structlog.configure(processors=[capture])
    yield capture
    structlog.reset_defaults()


async def test_what_is_carried_is_sealed_on_the_topic_and_opens_with_the_key(logged: LogCapture) -> None:
    vault = Vault("radius_passwords", "payment_tokens")
    await vault.read()
    (sealed,) = vault.passwords()  # the overlap showed it again, and it was no change
    assert vault.sealer is not None
    assert vault.sealer.open(sealed, f"RadiusAccount.password:{vault.log_in}") == PASSWORD
    token = vault.folded("credit_card")[vault.card]["token"]
    assert vault.sealer.open(token, f"CreditCard.token:{vault.card}") == TOKEN
    vault.shop.store.update("RadiusAccount", vault.log_in, password="other-password")
    await vault.pass_by()
    assert len(set(vault.passwords())) == 2
    vault.assert_nothing_is_plain()
    assert PASSWORD not in str(logged.entries)


async def test_by_default_no_secret_is_asked_for() -> None:
    vault = Vault()
    await vault.read()
    assert vault.passwords() == [None]
    assert vault.folded("credit_card")[vault.card]["token"] is None
    pages = [document for document in vault.client.asked if "query Page" in document]
    assert pages
    assert not [one for one in pages if "password" in one or "token" in one]


async def test_only_the_kind_that_is_named_is_carried() -> None:
    vault = Vault("radius_passwords")
    await vault.read()
    assert vault.passwords() != [None]
    assert vault.folded("credit_card")[vault.card]["token"] is None


async def test_what_is_read_again_under_a_new_key_is_sealed_with_it_and_older_events_still_open() -> None:
    vault = Vault("radius_passwords")
    await vault.read()
    vault.sealer = Sealer.of(f"{SECOND},{FIRST}")
    vault.restart()
    await vault.begin()
    await vault.snapshot.run(vault.aggregates, asyncio.Event(), started=vault.shop.clock.now, force="again")
    place = f"RadiusAccount.password:{vault.log_in}"
    assert [sealed.split(":")[2] for sealed in vault.passwords()] == ["one", "two"]
    assert [vault.sealer.open(sealed, place) for sealed in vault.passwords()] == [PASSWORD] * 2


async def test_a_value_that_nobody_sealed_is_set_aside_and_not_published(
    monkeypatch: pytest.MonkeyPatch, logged: LogCapture
) -> None:
    monkeypatch.setattr(reader.Reader, "_seal", lambda *_: None)
    vault = Vault("radius_passwords", "payment_tokens")
    await vault.read()
    letters = vault.broker.of(vault.topics.dead_letters("capture"))
    assert {(letter["code"], letter["reason"]) for _, letter in letters} == {
        ("capture.invalid_row", "not as declared: password"), ("capture.invalid_row", "not as declared: token"),
    }  # fmt: skip
    assert vault.events("radius_account") == []
    vault.assert_nothing_is_plain()
    assert PASSWORD not in str(logged.entries)


@pytest.mark.parametrize("name", [one.name for one in AGGREGATES])
def test_secrets_are_members_of_roots_only_and_of_a_kind_that_can_be_carried(name: str) -> None:
    """Nested ones would not be sealed."""
    one = next(each for each in AGGREGATES if each.name == name)
    for record in walk(one.root.record):
        marked = [member for member in members(record) if any(isinstance(mark, Secret) for mark in member.metadata)]
        assert not marked or record is one.root.record
    for member, kind in secrets_of(one):
        assert member.nullable
        assert kind in ("radius_passwords", "payment_tokens")
