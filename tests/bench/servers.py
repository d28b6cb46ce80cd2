"""Real servers for the benchmarks, and instances with topics and schemas of their own on them."""

import os
import re
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from confluent_kafka.admin import AdminClient

from plumbing.settings import Settings
from sandbox.local.sandboxes import SonarSandbox
from sandbox.local.stack import Addresses, LocalStack
from schemas.catalogue import with_topics
from tests.integration.instance import prepare

ENVIRONMENT = "CROSSFADE_TEST_STACK"


@contextmanager
def servers() -> Iterator[Addresses]:
    """Kafka, registry and MariaDB: those of `CROSSFADE_TEST_STACK`, else of our own for as long as the block runs."""
    given = os.environ.get(ENVIRONMENT)
    if given:
        yield Addresses.read(Path(given))
        return
    with tempfile.TemporaryDirectory() as folder, LocalStack(Path(folder)) as stack:
        yield stack.addresses


@contextmanager
def instance(at: Addresses, folder: Path, sonar: SonarSandbox | None = None, partitions: int = 3) -> Iterator[Settings]:
    """Settings of a new instance whose topics and subjects exist; the topics go after the block."""
    name = f"bench{secrets.token_hex(4)}"
    (folder / "rules.yaml").write_text(_RULES)
    settings = Settings(
        instance=name,
        sonar={
            "url": sonar.url if sonar else "http://127.0.0.1:1",
            "token": sonar.token if sonar else "none",
            # The budget is not what is measured here.
            "requests_per_minute": 1_000_000,
            "poll_seconds": 1,
            "safety_lag_seconds": 2,
        },
        splynx={
            "url": "http://127.0.0.1:2",
            "key": "none",
            "secret": "none",
            "db": {
                "host": at.mariadb_host,
                "port": at.mariadb_port,
                "user": "none",
                "password": "none",
                "name": "none",
            },
        },
        kafka={"bootstrap": at.kafka_bootstrap, "partitions": partitions, "replication_factor": 1},
        registry={"url": at.registry_url},
        rules=folder / "rules.yaml",
        guards=folder / "guards.yaml",
        state_dir=folder / "state",
        http={"capture_port": 0, "process_port": 0, "sink_port": 0},
        process={"hmac_key": secrets.token_hex(16)},
    )
    prepare(settings, with_topics(settings.sonar.leave_out))
    try:
        yield settings
    finally:
        admin = AdminClient({"bootstrap.servers": at.kafka_bootstrap})
        is_ours = re.compile(rf"(^|[._-]){name}([._-]|$)")
        topics = [topic for topic in admin.list_topics(timeout=10).topics if is_ours.search(topic)]
        for future in admin.delete_topics(topics).values():
            future.result(30)


_RULES = """\
version: 1
target: {timezone: America/Chicago}
partners: {default: 1}
locations: {default: 1}
payment_methods: {default: 5, by_type: {CASH: 1, BANKACCOUNT: 2, CREDITCARD: 3}}
"""
