"""Guards of the processors, and of reconciliation."""

import asyncio
import re
from typing import Any

from processors.transform import DeadLetter
from tests.faults.guards.patch import Guards, Patch, always, always_soon


def _bundles_only(real: Any) -> Any:
    def publish(self: Any, at: Any, key: Any, result: Any) -> None:
        if not isinstance(result, DeadLetter):
            real(self, at, key, result)

    return publish


def _when_it_is_taken(real: Any) -> Any:
    async def process(self: Any, *args: Any) -> None:
        self.__dict__.setdefault("begun", []).append(asyncio.create_task(real(self, *args)))

    return process


def _as_written(real: Any) -> Any:
    return lambda stream, writer, reader=None: real(stream, writer)


def _without_a_timeout(real: Any) -> Any:
    def made(self: Any, config: Any) -> None:
        real(self, {name: value for name, value in config.items() if name != "timeout"})

    return made


PROCESSING: Guards = {
    "what was handed over is acknowledged before the commit": (
        Patch("processors.guard.Guard.flush", always_soon(lambda: None)),
    ),
    "an event is done when it was seen through": (Patch("processors.guard.Guard.process", _when_it_is_taken),),
    "what cannot pass gets its letter": (Patch("processors.output.Output.publish", _bundles_only),),
    "a gap on a topic is noticed": (Patch("processors.history.Continuity.follow", always(None)),),
    "what a rebalance takes away is dropped": (Patch("processors.batch._Run._taken", always(None)),),
    "what was written otherwise is read as ours": (Patch("fastavro.schemaless_reader", _as_written),),
    "a value without a rule is set aside": (Patch("schemas.entities.customer.identity.category", always("person")),),
    "control characters are taken out": (Patch("schemas.values.text._CONTROL", lambda _: re.compile("(?!)")),),
    "a call to the registry has a deadline": (
        Patch("confluent_kafka.schema_registry.SchemaRegistryClient.__init__", _without_a_timeout),
    ),
    "twins are looked for": (Patch("reconciliation.target.SplynxFacts._twins", always_soon(list)),),
    "every record is compared": (Patch("reconciliation.facts.Facts.records", always(())),),
}
