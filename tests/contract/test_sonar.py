"""The Sonar in memory stands for one over HTTP only as far as it answers like it."""

from typing import cast

import pytest

from clients.sonar import SonarClient
from sandbox.sonar.compile import Conditions
from tests.contract.sonar import PAGE, SonarContract
from tests.unit.producers.scene import InMemoryClient
from tests.unit.sandbox_sonar.shop import Shop


class InMemory:
    """The client that tests of capture use, over a small shop."""

    def __init__(self) -> None:
        shop = Shop()
        for number in range(PAGE + 3):
            shop.a_contact(shop.an_account(f"Account {number}"))
            shop.clock.tick(number % 2)
        shop.store.update("Account", 2, archived_at=shop.clock.now)
        self._client = InMemoryClient(shop)

    @property
    def client(self) -> SonarClient:
        return cast(SonarClient, self._client)

    def deny(self, field: str) -> None:
        self._client.conditions = Conditions(denied=frozenset({field}))


class TestInMemory(SonarContract):
    @pytest.fixture
    def sonar(self) -> InMemory:
        return InMemory()
