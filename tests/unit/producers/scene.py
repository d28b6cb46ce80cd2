"""Capture's parts over an invented ISP in memory: the sandbox's engine answers, a list stands for Kafka."""

import io
from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Annotated, Any, cast

import fastavro
import orjson
from confluent_kafka import KafkaError, Producer
from fastavro.types import Schema as AvroSchema

from clients.sonar import SonarAnswer, SonarClient
from clients.sonar_answers import Into
from clients.sonar_errors import data_of
from clients.sonar_purpose import Asked, asked_for
from clients.sonar_schema import INTROSPECTION, SonarSchema
from plumbing.avro import parse
from plumbing.errors import SyncError
from plumbing.kafka import AckedProducer
from plumbing.sealing import Sealer
from producers.changes import Changes
from producers.cursors import Cursors
from producers.followed import followed
from producers.following import Following
from producers.index import Index
from producers.lease import Lease
from producers.nested import NESTED_PAGE
from producers.orders import Orders
from producers.parts import Parts
from producers.publisher import Publisher
from producers.reader import Reader
from producers.sequence import Sequence
from producers.snapshot import Snapshot
from sandbox.sonar.compile import Conditions
from schemas.aggregate import Aggregate, Collection, LookUp, Owner, Touch
from schemas.avro import envelope_schema
from schemas.records import Few, Foreign, Morph, ShownArchived, SonarRecord
from schemas.selection import selection
from schemas.topics import Topics
from tests.unit.sandbox_sonar.shop import NORMAL, Desk, Shop

PARTITIONS = 4


class Status(SonarRecord):
    name: str


class Phone(SonarRecord):
    id: int
    number: str


class Person(SonarRecord):
    id: int
    name: str
    phone_numbers: list[Phone] | None = None


class Group(SonarRecord):
    id: int
    name: str


class Home(SonarRecord):
    id: int
    city: str | None = None


class Stay(SonarRecord):
    id: int
    address: Annotated[Home | None, Foreign()] = None


class Assigned(SonarRecord):
    id: int
    subnet: str


class LogIn(SonarRecord):
    id: int
    username: str
    ip_assignments: Annotated[list[Assigned] | None, Few(2)] = None


class Account(SonarRecord):
    id: int
    name: str
    account_status_id: int
    addresses: list[Home] | None = None
    serviceable_address_account_assignment_histories: list[Stay] | None = None
    account_status: Status | None = None
    contacts: list[Person] | None = None
    account_groups: list[Group] | None = None
    radius_accounts: list[LogIn] | None = None


class Payer(SonarRecord):
    id: int
    account_status_id: int


class Payment(SonarRecord):
    id: int
    account_id: int
    amount: int
    account: Annotated[Payer | None, ShownArchived()] = None


class Noted(SonarRecord):
    id: int
    name: str


class Note(SonarRecord):
    id: int
    message: str
    noteable_id: int
    noteable_type: str
    account: Annotated[Noted | None, Morph("noteable", "Account")] = None
    contact: Annotated[Noted | None, Morph("noteable", "Contact")] = None


ACCOUNT = Aggregate(
    name="account",
    root=Collection("accounts", Account, "Account", include_archived=True),
    owned_by=[Owner("id")],
    touched_by=[
        Touch("contacts", "Contact", [Owner("contactable_id", ("contactable_type", "Account"))]),
        Touch("addresses", "Address", [Owner("addressable_id", ("addressable_type", "Account"))]),
        Touch(
            "phone_numbers", "PhoneNumber", [Owner("contact.contactable_id", ("contact.contactable_type", "Account"))]
        ),
        Touch("radius_accounts", "RadiusAccount", [Owner("account_id")]),
        Touch(
            "ip_assignments",
            "IpAssignment",
            [Owner("ipassignmentable_id", ("ipassignmentable_type", "RadiusAccount"), through="radius_accounts")],
        ),
    ],
    looks_up=[LookUp("account_statuses", "AccountStatus", column="account_status_id")],
    pivots=["account_groups"],
)
PAYMENT = Aggregate(
    name="payment",
    root=Collection("payments", Payment, "Payment"),
    owned_by=[Owner("account_id")],
    looks_up=[LookUp("accounts", "Account", column="account_id", fields=("account_status_id",))],
)
NOTE = Aggregate(
    name="note",
    root=Collection("notes", Note, "Note"),
    owned_by=[
        Owner("account.id"),
        Owner("noteable_id", ("noteable_type", "RadiusAccount"), through="radius_accounts"),
    ],
    looks_up=[
        LookUp("accounts", "Account", column="noteable_id", fields=("name",)),
        LookUp("contacts", "Contact", column="noteable_id", fields=("name",)),
    ],
)
AGGREGATES = (ACCOUNT, PAYMENT, NOTE)


class Acknowledged:
    """A message as the broker reports it."""

    def __init__(self, topic: str, partition: int, offset: int) -> None:
        self._topic, self._partition, self._offset = topic, partition, offset

    def topic(self) -> str:
        return self._topic

    def partition(self) -> int:
        return self._partition

    def offset(self) -> int:
        return self._offset


class Broker:
    """librdkafka's producer as far as `AckedProducer` uses it. Messages are acknowledged by `flush`."""

    def __init__(self, partitions: int = PARTITIONS) -> None:
        self.messages: list[tuple[str, int, bytes, bytes | None]] = []
        self._partitions = partitions
        self._ends = Counter[tuple[str, int]]()
        self._waiting: list[Callable[[], None]] = []

    def produce(self, topic: str, *, key: bytes, value: bytes | None, partition: int, **options: Any) -> None:
        def acknowledge() -> None:
            if partition >= self._partitions:
                options["on_delivery"](KafkaError(KafkaError._UNKNOWN_PARTITION), None)
                return
            self.messages.append((topic, partition, key, value))
            options["on_delivery"](None, Acknowledged(topic, partition, self._ends[topic, partition]))
            self._ends[topic, partition] += 1

        self._waiting.append(acknowledge)

    def produce_batch(self, topic: str, messages: list[dict[str, Any]], *, partition: int, on_delivery: Any) -> int:
        for one in messages:
            self.produce(topic, key=one["key"], value=one["value"], partition=partition, on_delivery=on_delivery)
        return len(messages)

    def poll(self, timeout: float) -> int:
        return 0

    def flush(self, timeout: float) -> int:
        waiting, self._waiting = self._waiting, []
        for acknowledge in waiting:
            acknowledge()
        return 0

    def lose(self) -> None:
        """Forget what was not acknowledged, as a killed process does."""
        self._waiting = []

    def of(self, topic: str) -> list[tuple[bytes, Any]]:
        """Keys and JSON values on a topic."""
        return [(key, orjson.loads(value or b"null")) for name, _, key, value in self.messages if name == topic]


class Registered:
    """Stands for a schema in the registry."""

    header = b"\0\0\0\0\1"


class InMemoryClient:
    """`SonarClient` over the sandbox's engine; `before` runs ahead of every answer, `conditions` damage it."""

    def __init__(self, desk: Desk, schema: SonarSchema | None = None) -> None:
        self.desk, self.conditions, self.schema = desk, NORMAL, schema or the_schema()
        self.before: Callable[[str, Mapping[str, Any]], Any] | None = None
        self.asked: list[str] = []
        self.purposes = Counter[Asked]()

    async def query(
        self,
        document: str,
        variables: Mapping[str, Any] | None = None,
        *,
        attempts: int | None = None,
        again_after_timeout: bool = True,
        into: Into | None = None,
    ) -> SonarAnswer:
        check(document, self.schema)
        self.asked.append(document)
        self.purposes[asked_for()] += 1
        if self.before is not None:
            self.before(document, variables or {})
        body = orjson.dumps(self.desk.engine.execute(document, dict(variables or {}), None, self.conditions))
        data = data_of(200, {}, self.on_its_way(body), into)
        if isinstance(data, SyncError):
            raise data
        return SonarAnswer(data, self.server_time, self.server_time)

    def on_its_way(self, body: bytes) -> bytes:
        """What becomes of an answer before it arrives."""
        return body

    @property
    def server_time(self) -> datetime:
        return self.desk.clock.now


class Killed(BaseException):
    """The end of the process, in the middle of anything."""


class HeldLease:
    """A lease that is never lost."""

    held = True

    def check(self) -> None:
        """Nothing to complain of."""


@cache
def the_schema() -> SonarSchema:
    """The sandbox's schema, read once."""
    return SonarSchema(Shop().ask(INTROSPECTION))


@cache
def check(document: str, schema: SonarSchema) -> None:
    """Hold a document against a schema, each once: capture asks the same again and again."""
    schema.check(document)


class Scene:
    """A shop and a capture over it. `restart` builds capture anew from what the broker has acknowledged."""

    carried: tuple[str, ...] = ()
    """Kinds of secrets that are read, and sealed by `sealer`."""
    sealer: Sealer | None = None

    def __init__(
        self,
        *,
        page_size: int = 3,
        desk: Desk | None = None,
        aggregates: Iterable[Aggregate] = AGGREGATES,
        sweep_every: timedelta = timedelta(days=1),
        schema: SonarSchema | None = None,
    ) -> None:
        self.desk, self.aggregates = desk or Shop(), tuple(aggregates)
        self.client = InMemoryClient(self.desk, schema)
        self.broker = Broker()
        self.topics = Topics("t")
        self.page_size, self.sweep_every = page_size, sweep_every
        self.schema = self.client.schema
        self._envelopes: dict[tuple[str, bytes], dict[str, Any]] = {}
        self._schemas: dict[str, AvroSchema] = {}
        self.restart()

    def restart(self) -> None:
        producer = AckedProducer(cast(Producer, self.broker))
        documents = {
            key.decode(): value["cursor"] for key, value in self.broker.of(self.topics.cursors) if value is not None
        }
        lease = self.a_lease()
        self.cursors = Cursors("t", self.topics.cursors, producer, documents, lease.check)
        self.index = Index(self.topics.children, PARTITIONS, producer)
        for topic, _, key, value in self.broker.messages:
            if topic == self.topics.children:
                self.index.apply(key, value)
        self.numbers = Sequence(self.cursors)
        self.reader = self._reader()
        codecs = {one.name: (Registered(), Registered()) for one in self.aggregates}
        self.publisher = Publisher(
            self.topics,
            PARTITIONS,
            producer,
            codecs,
            self.index,
            self.cursors,
            run_id="run",
            fingerprint="f",
            offsets={},
        )
        self.snapshot = Snapshot(self.reader, self.publisher, self.cursors, lease, ways=2, run_id="run")
        self.orders, self.told = Orders(self.cursors), list[dict[str, Any]]()
        self.changes = Changes(cast(SonarClient, self.client), followed(self.aggregates, self.schema), self.schema)
        self.parts = Parts(self.snapshot, self.changes, self.orders, self.aggregates, self.told.append)
        self.following = Following(
            self.changes,
            self.reader,
            self.publisher,
            self.index,
            self.cursors,
            lease,
            aggregates=self.aggregates,
            safety_lag=timedelta(seconds=10),
            sweep_every=self.sweep_every,
            delete_share=0.05,
            server_time=lambda: self.client.server_time,
        )

    def a_lease(self) -> Lease:
        """What the next capture holds."""
        return cast(Lease, HeldLease())

    def _reader(self) -> Reader:
        def related(type_name: str, field: str) -> str | None:
            found = self.schema.field_type(type_name, field)
            return found.name if found is not None else None

        has, carried = self.schema.fields, self.carried
        selections = {one.name: selection(one, has, NESTED_PAGE, related, carried) for one in self.aggregates}
        client = cast(SonarClient, self.client)
        return Reader(
            client,
            self.schema,
            self.numbers,
            selections,
            self.aggregates,
            page_size=self.page_size,
            node_limit=100_000,
            sealer=self.sealer,
        )

    @property
    def shop(self) -> Shop:
        """The small ISP, where it is one."""
        assert isinstance(self.desk, Shop)
        return self.desk

    async def begin(self) -> None:
        """Reserve a sequence and set the start of following."""
        await self.numbers.reserve(self.desk.clock.now)
        if self.following.low is None:
            await self.following.begin(self.desk.clock.now)

    def damage(self, **conditions: Any) -> None:
        """Let every answer from now on come about under these conditions."""
        self.client.conditions = Conditions(**conditions)

    def events(
        self, aggregate: str = "account", partitions: Container[int] = range(PARTITIONS)
    ) -> list[dict[str, Any]]:
        """Envelopes on an aggregate's topic, in the order of their acknowledgement; across partitions there is none."""
        topic, found = self.topics.sonar(aggregate), list[dict[str, Any]]()
        for name, partition, _, value in self.broker.messages:
            if name == topic and partition in partitions:
                at = (aggregate, value or b"")
                if at not in self._envelopes:  # all is looked at again after each step
                    written, schema = io.BytesIO(at[1].removeprefix(Registered.header)), self._schema(aggregate)
                    self._envelopes[at] = cast("dict[str, Any]", fastavro.schemaless_reader(written, schema, None))
                found.append(self._envelopes[at])
        return found

    def _schema(self, aggregate: str) -> AvroSchema:
        if aggregate not in self._schemas:
            (declared,) = (one for one in self.aggregates if one.name == aggregate)
            self._schemas[aggregate] = parse(envelope_schema(declared))
        return self._schemas[aggregate]

    def folded(self, aggregate: str = "account") -> dict[int, Any]:
        """`{id: after}` by highest sequence; deletes are left out."""
        newest: dict[int, dict[str, Any]] = {}
        for event in self.events(aggregate):
            id = event["source"]["sonar_id"]
            if id not in newest or int(event["source"]["sequence"]) >= int(newest[id]["source"]["sequence"]):
                newest[id] = event
        return {id: event["after"] for id, event in newest.items() if event["op"] != "d"}
