"""The registry client's own mock stands for a registry only as far as it answers like one."""

import itertools

import pytest
from confluent_kafka.schema_registry import SchemaRegistryClient

from tests.contract.codec import RegistryContract

_SUBJECTS = (f"contract.{number}" for number in itertools.count())


class TestMock(RegistryContract):
    @pytest.fixture
    def registry(self) -> SchemaRegistryClient:
        return SchemaRegistryClient.new_client({"url": "mock://contract"})

    @pytest.fixture
    def subject(self) -> str:
        return next(_SUBJECTS)
