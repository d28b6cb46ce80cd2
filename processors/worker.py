"""The live engine: Faust around `transform`, so that no exception leaves an agent and nothing is committed too early.

Our own producer is flushed before each of Faust's commits, for Faust awaits its own producer's `flush` there.
"""

import asyncio
import os
import socket
import ssl
import threading
from typing import Any

import faust
from aiokafka.errors import KafkaError as AioKafkaError
from faust.transport.drivers.aiokafka import Producer as FaustProducer

from plumbing.errors import ExitCode, SyncError
from plumbing.folders import writable
from plumbing.garbage import collect_seldom
from plumbing.health import HealthServer
from plumbing.kafka import AckedProducer, end_offsets, make_consumer, make_producer
from plumbing.logs import get_logger
from plumbing.settings import KafkaSettings, Settings
from processors.ahead import Ahead, Event
from processors.context import MAPPED, load_context, read_facts
from processors.guard import Guard
from processors.history import Continuity, check_retained
from processors.output import Output, Summary
from processors.transform import Coordinates
from processors.watchdog import Waits, Watchdog
from schemas.topics import Topics

log = get_logger("process")

_FACTS_EVERY_SECONDS = 60.0
_HEARTBEAT_SHARE = 0.15
"""Of a session: several beats may be lost before it ends."""


def run_worker(settings: Settings) -> Summary:
    """Process until SIGTERM or ctrl-C; what it did until then.

    Raises:
        SyncError: the set-up is wrong, or the group cannot go on where it was; nothing was consumed.
        SystemExit: Faust failed.
    """
    collect_seldom()
    # While the broker is away messages wait for it: a delivery that fails ends the process.
    producer = AckedProducer(make_producer(settings.kafka, **{"message.timeout.ms": 0}))
    context = load_context(settings, producer, wait_seconds=settings.process.stuck_seconds)
    topics, stop, waits = Topics(settings.instance), threading.Event(), Waits()
    consumer = make_consumer(settings.kafka, topics.process_group)  # asks, and never joins
    check_retained(consumer, [topics.sonar(one.name) for one in MAPPED], settings.kafka.partitions)

    def oldest(topic: str, partition: int) -> int:
        return end_offsets(consumer, topic, settings.kafka.partitions)[partition][0]

    output = Output.open(settings, producer, context.rules.version)
    app = make_app(settings, Guard(context, output, Continuity(oldest), waits))
    with HealthServer(settings.http.host, settings.http.process_port, ready=waits.now):
        Watchdog(settings, [one.name for one in MAPPED], waits, stop).start()
        log.info("process.started", rules_version=context.rules.version, generation=context.rules.generation)
        try:
            worker = faust.Worker(app, loglevel="WARNING", quiet=True, redirect_stdouts=False)
            worker.spinner = None  # quiet or not, it would write a terminal's control codes to stdout
            worker.execute_from_commandline()
        except SystemExit as exc:  # whatever the end, Faust exits
            if exc.code:
                raise
        finally:
            stop.set()
    return output.summary


def make_app(settings: Settings, guard: Guard) -> faust.App:
    """The Faust application: one serial agent per topic."""
    topics = Topics(settings.instance)
    datadir = writable(settings.state_dir / "faust")
    app = faust.App(
        topics.process_group,
        broker=[f"kafka://{address}" for address in settings.kafka.bootstrap.split(",")],
        broker_credentials=_credentials(settings.kafka),
        processing_guarantee="at_least_once",
        key_serializer="raw",
        value_serializer="raw",
        topic_allow_declare=False,
        topic_disable_leader=True,
        topic_partitions=settings.kafka.partitions,
        web_enabled=False,
        stream_wait_empty=True,
        broker_session_timeout=settings.process.session_seconds,
        broker_heartbeat_interval=settings.process.session_seconds * _HEARTBEAT_SHARE,
        broker_max_poll_interval=1800.0,
        broker_commit_interval=0.5,
        consumer_auto_offset_reset="earliest",
        # Fetches are packed: with 8 MB of each partition, and all of them unpacked at once, a backlog took 500 MB; with
        # a quarter of one a fast worker waited. A message that is larger comes all the same.
        consumer_max_fetch_size=1024 * 1024,
        consumer_group_instance_id=f"{socket.gethostname()}-{settings.http.process_port or os.getpid()}",
        datadir=str(datadir),
        loop=None,
    )
    guard.stopping = lambda: bool(app.should_stop)
    app.transport.Producer = _flushing(guard)  # type: ignore[misc]
    for one in MAPPED:
        topic = app.topic(topics.sonar(one.name), key_serializer="raw", value_serializer="raw")
        app.agent(topic, name=f"map-{one.name}", concurrency=1)(_agent(one.name, guard))

    @app.on_partitions_assigned.connect
    async def assigned(*_: object, **__: object) -> None:
        guard.continuity.forget()

    @app.timer(_FACTS_EVERY_SECONDS)  # type: ignore[untyped-decorator]
    async def watch_facts() -> None:
        try:
            facts = await asyncio.to_thread(read_facts, settings)
        except (SyncError, AioKafkaError) as exc:
            log.warning("process.facts_unknown", error=type(exc).__name__)
            return
        if facts is not None and facts != guard.context.facts:
            # What amounts and days mean has changed: nothing more may be mapped with the old rules.
            log.error("process.settings_changed", next_step="start again, then replay what was mapped before")
            os._exit(ExitCode.TRY_LATER)

    return app


def _agent(name: str, guard: Guard) -> Any:
    def event_of(one: Any) -> Event:
        message = one.message
        return Coordinates(name, message.topic, message.partition, message.offset), message.value

    async def consume(stream: Any) -> None:
        # To look into a queue and take nothing out is not among what it offers.
        ahead = Ahead(guard.make, stream.channel.queue._queue, event_of)
        async for one in stream.events():
            at, value = event_of(one)
            await guard.process(at, one.message.key, value, ahead)

    return consume


def _flushing(guard: Guard) -> type[FaustProducer]:
    class FlushingProducer(FaustProducer):
        """Faust's producer, whose flush also sees our messages acknowledged. Faust awaits it before each commit."""

        async def flush(self) -> None:
            await guard.flush()
            await super().flush()

    return FlushingProducer


def _credentials(kafka: KafkaSettings) -> Any:
    if kafka.security_protocol == "PLAINTEXT":
        return None
    context = None
    if "SSL" in kafka.security_protocol:
        context = ssl.create_default_context(cafile=str(kafka.tls.ca_file) if kafka.tls.ca_file else None)
        if kafka.tls.cert_file is not None:
            context.load_cert_chain(str(kafka.tls.cert_file), str(kafka.tls.key_file) if kafka.tls.key_file else None)
        if not kafka.tls.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
    if kafka.sasl_password is None:
        return faust.SSLCredentials(context)
    return faust.SASLCredentials(
        username=kafka.sasl_username,
        password=kafka.sasl_password.get_secret_value(),
        ssl_context=context,
        mechanism=kafka.sasl_mechanism,
    )
