"""Apicurio keeps what the suite of `tests/contract/codec.py` promises."""

from collections.abc import Iterator

import pytest
from confluent_kafka.schema_registry import SchemaRegistryClient

from plumbing.avro import make_registry
from plumbing.settings import RegistrySettings
from tests.contract.codec import RegistryContract


class TestApicurio(RegistryContract):
    @pytest.fixture
    def registry(self, registry_url: str) -> Iterator[SchemaRegistryClient]:
        with make_registry(RegistrySettings(url=registry_url)) as registry:
            yield registry

    @pytest.fixture
    def subject(self, instance: str) -> str:
        return f"contract.{instance}"
