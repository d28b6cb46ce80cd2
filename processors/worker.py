"""The live engine: Faust around `transform`, so that no exception leaves an agent and nothing is committed too early.

Faust acknowledges an event whose agent raised, so the wrapper below has four outcomes only: produced, dead-lettered
(acknowledged by the broker), waiting while a dependency is away, or the end of the process. Our own producer is
flushed before each of Faust's commits, for Faust awaits its own producer's `flush` there.
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

from plumbing import metrics
from plumbing.clock import utc_now
from plumbing.errors import Action, ExitCode, SyncError
from plumbing.health import HealthServer
from plumbing.kafka import AckedProducer, make_producer
from plumbing.logs import get_logger
from plumbing.settings import KafkaSettings, Settings
from processors.context import MAPPED, Context, load_context, read_facts
from processors.output import STAGE, Output
from processors.transform import Coordinates, DeadLetterBudget, transform
from processors.watchdog import Watchdog
from schemas.topics import Topics

log = get_logger("process")

EXIT_HALTED = 70
_FACTS_EVERY_SECONDS = 60.0


def run_worker(settings: Settings) -> None:
    """Process until SIGTERM or ctrl-C. Does not return: Faust ends the process.

    Raises:
        SyncError: the set-up is wrong; nothing was consumed.
    """
    producer = AckedProducer(make_producer(settings.kafka))
    context = load_context(settings, producer, wait_seconds=settings.process.stuck_seconds)
    stop = threading.Event()
    app = make_app(settings, context, producer)
    with HealthServer(settings.http.host, settings.http.process_port):
        Watchdog(settings, [one.name for one in MAPPED], stop).start()
        log.info("process.started", rules_version=context.rules.version, generation=context.rules.generation)
        try:
            faust.Worker(app, loglevel="WARNING", quiet=True, redirect_stdouts=False).execute_from_commandline()
        finally:
            stop.set()


def make_app(settings: Settings, context: Context, producer: AckedProducer) -> faust.App:
    """The Faust application: one serial agent per topic."""
    topics = Topics(settings.instance)
    output = Output(producer, topics, DeadLetterBudget(settings.process.dead_letter_budget))
    datadir = settings.state_dir / "faust"
    datadir.mkdir(parents=True, exist_ok=True)
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
        broker_session_timeout=20.0,
        broker_heartbeat_interval=3.0,
        broker_max_poll_interval=1800.0,
        broker_commit_interval=0.5,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=8 * 1024 * 1024,
        consumer_group_instance_id=f"{socket.gethostname()}-{settings.http.process_port or os.getpid()}",
        datadir=str(datadir),
        loop=None,
    )
    app.transport.Producer = _flushing(output)  # type: ignore[misc]
    for one in MAPPED:
        topic = app.topic(topics.sonar(one.name), key_serializer="raw", value_serializer="raw")
        app.agent(topic, name=f"map-{one.name}", concurrency=1)(_agent(one.name, context, output))

    @app.timer(_FACTS_EVERY_SECONDS)  # type: ignore[untyped-decorator]
    async def watch_facts() -> None:
        try:
            facts = await asyncio.to_thread(read_facts, settings)
        except (SyncError, AioKafkaError) as exc:
            log.warning("process.facts_unknown", error=type(exc).__name__)
            return
        if facts is not None and facts != context.facts:
            # What amounts and days mean has changed: nothing more may be mapped with the old rules.
            log.error("process.settings_changed", next_step="start again, then replay what was mapped before")
            os._exit(ExitCode.TRY_LATER)

    return app


def _agent(name: str, context: Context, output: Output) -> Any:
    async def consume(stream: Any) -> None:
        async for event in stream.events():
            message = event.message
            at = Coordinates(name, message.topic, message.partition, message.offset)
            await _guarded(at, message.key, message.value, context, output)

    return consume


async def _guarded(at: Coordinates, key: bytes | None, value: bytes | None, context: Context, output: Output) -> None:
    """The one wrapper around an agent's body, out of which no exception comes."""
    delay = 0.5
    while True:
        try:
            output.publish(at, key, transform(at, value, context.codecs, context.rules))
        except SyncError as exc:
            metrics.ERRORS.labels(STAGE, exc.code).inc()
            if exc.action is not Action.RETRY or exc.code == "kafka.delivery_failed":
                _halt(at, exc)
            log.warning("process.waiting", code=exc.code, seconds=delay)
            metrics.STAGE_PAUSED.labels(STAGE, exc.code).set(1)
            await asyncio.sleep(delay)
            metrics.STAGE_PAUSED.labels(STAGE, exc.code).set(0)
            delay = min(delay * 2, 30)
        except BaseException as exc:  # noqa: BLE001 - one that left the agent would acknowledge the event
            if isinstance(exc, asyncio.CancelledError):
                os._exit(ExitCode.TRY_LATER)  # stopped while it waited: a cancelled agent would acknowledge, too
            _halt(at, exc)
        else:
            metrics.LAST_SUCCESS.labels(STAGE).set(utc_now().timestamp())
            return


def _halt(at: Coordinates, exc: BaseException) -> None:
    code = exc.code if isinstance(exc, SyncError) else type(exc).__name__
    log.error("process.halted", topic=at.topic, partition=at.partition, offset=at.offset, code=code)
    os._exit(EXIT_HALTED)


def _flushing(output: Output) -> type[FaustProducer]:
    class FlushingProducer(FaustProducer):
        """Faust's producer, whose flush also sees our messages acknowledged. Faust awaits it before each commit."""

        async def flush(self) -> None:
            try:
                await asyncio.to_thread(output.flush)
            except SyncError as exc:
                log.error("process.halted", code=exc.code)
                os._exit(EXIT_HALTED)
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
