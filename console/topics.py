"""Topics and subjects of an instance: what is missing, and creating it."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import NewTopic  # type: ignore[attr-defined]
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError

from console.topic_settings import Differing, differing, put_right, settings_of
from plumbing.avro import make_registry, registry_errors, require_registry
from plumbing.errors import ConfigurationError, DependencyRefused, DependencyUnreachable
from plumbing.kafka import make_admin, reach_broker, until_shown
from plumbing.settings import Settings
from schemas.avro import subjects
from schemas.catalogue import with_topics
from schemas.topics import Topics, TopicSpec

COMPATIBILITY = "FULL_TRANSITIVE"
_AT_A_TIME = 8
MAKE_TOPICS = "Run `crossfade topics` to see them, then `crossfade topics --apply`."


@dataclass(frozen=True)
class Plan:
    """What `crossfade topics --apply` would do."""

    create: tuple[TopicSpec, ...]
    register: tuple[tuple[str, dict[str, Any]], ...]
    protect: tuple[str, ...]
    """Subjects that would take a schema which older readers or writers cannot live with."""
    put_right: tuple[Differing, ...] = ()

    @property
    def empty(self) -> bool:
        """Nothing is missing, and nothing otherwise than it must be."""
        return not (self.create or self.register or self.protect or self.put_right)


def missing_topics(wanted: Sequence[TopicSpec], existing: Mapping[str, int]) -> tuple[TopicSpec, ...]:
    """The topics to create. `existing`: `{topic: partitions}`.

    Raises:
        ConfigurationError: a topic exists with another partition count; records of one account would part ways.
    """
    for spec in wanted:
        if existing.get(spec.name, spec.partitions) != spec.partitions:
            raise ConfigurationError(
                f"topic {spec.name} has {existing[spec.name]} partitions, the settings say {spec.partitions}",
                remedy="Set kafka.partitions to what the topics have; the count is fixed at creation.",
            )
    return tuple(spec for spec in wanted if spec.name not in existing)


def make_plan(settings: Settings) -> Plan:
    """Compare the cluster and the registry with what must be.

    Raises:
        ConfigurationError: a topic has the wrong number of partitions; the registry is none, or would refuse a
            schema.
        DependencyRefused, DependencyUnreachable: Kafka or the registry says no, or does not answer.
    """
    create = plan_topics(settings)
    register, protect = plan_subjects(settings)
    return Plan(create, register, protect, plan_topic_settings(settings, create))


def plan_topics(settings: Settings) -> tuple[TopicSpec, ...]:
    """The topics that Kafka lacks. Raises as `make_plan`."""
    existing = reach_broker(settings.kafka)
    return missing_topics(_wanted(settings), existing)


def plan_topic_settings(settings: Settings, missing: Sequence[TopicSpec] = ()) -> tuple[Differing, ...]:
    """What the topics that are there have otherwise than they must. Raises as `differing`."""
    absent = {spec.name for spec in missing}
    return differing(make_admin(settings.kafka), [spec for spec in _wanted(settings) if spec.name not in absent])


def _wanted(settings: Settings) -> list[TopicSpec]:
    return Topics(settings.instance).specs(
        with_topics(settings.sonar.leave_out),
        partitions=settings.kafka.partitions,
        retention_days=settings.kafka.sonar_retention_days,
    )


def require_topics(settings: Settings) -> None:
    """See that the topics are there.

    Raises:
        ConfigurationError: they are not, or as `make_plan` says.
    """
    if missing := plan_topics(settings):
        raise ConfigurationError(f"{len(missing)} topics are missing", remedy=MAKE_TOPICS)


def plan_subjects(settings: Settings) -> tuple[tuple[tuple[str, dict[str, Any]], ...], tuple[str, ...]]:
    """`(schemas to register, subjects to protect)`. Raises as `make_plan`."""
    wanted = subjects(Topics(settings.instance), with_topics(settings.sonar.leave_out))
    with make_registry(settings.registry) as registry:
        require_registry(registry)
        register = tuple(one for one in wanted if not _registered(registry, *one))
        protect = tuple(subject for subject, _ in wanted if not _protected(registry, subject))
        _require_fitting(registry, register)
    return register, protect


def _require_fitting(registry: SchemaRegistryClient, register: Sequence[tuple[str, dict[str, Any]]]) -> None:
    """See that the registry will take every schema, before anything is created: nothing is to be left half done."""
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        fits = pool.map(lambda one: _fits(registry, *one), register)
        refused = [subject for (subject, _), fit in zip(register, fits, strict=True) if not fit]
    if refused:
        raise _unfitting(refused)


def _fits(registry: SchemaRegistryClient, subject: str, schema: dict[str, Any]) -> bool:
    with registry_errors(registry, f"a comparison with {subject}"):
        try:
            return bool(registry.test_compatibility_all_versions(subject, Schema(json.dumps(schema), "AVRO")))
        except SchemaRegistryError as exc:
            if exc.http_status_code != 404:  # a subject that is new
                raise
            return True


def _unfitting(subjects: Sequence[str]) -> ConfigurationError:
    their = "its schema does" if len(subjects) == 1 else "their schemas do"
    return ConfigurationError(
        f"the registry refuses {', '.join(subjects)}: {their} not fit what was registered before",
        remedy="Use a new instance name, or go back to the release that wrote the topics.",
    )


def apply_plan(settings: Settings, plan: Plan) -> None:
    """Create the topics, put right how they are kept, register the subjects and protect them.

    Safe to repeat, and beside another that does it.

    Raises:
        ConfigurationError: the registry refuses a schema as incompatible, or the broker a topic or a setting of one.
        DependencyRefused, DependencyUnreachable: Kafka or the registry says no, or does not answer.
    """
    if plan.create:
        admin, copies = make_admin(settings.kafka), settings.kafka.replication_factor
        futures = admin.create_topics(
            [NewTopic(one.name, one.partitions, copies, config=settings_of(one, copies)) for one in plan.create],
            operation_timeout=30,
        )
        for name, future in futures.items():
            try:
                future.result(60)
            except KafkaException as exc:
                _unless_done(name, exc)
        until_shown(settings.kafka, list(futures))
    if plan.put_right:
        put_right(make_admin(settings.kafka), plan.put_right)
    # Side by side: a registry that keeps its schemas in Kafka answers each only when Kafka has it.
    with make_registry(settings.registry) as registry, ThreadPoolExecutor(_AT_A_TIME) as pool:
        for _ in pool.map(partial(_register, registry), plan.register):
            pass  # raises what the first one raised, and begins no other
        for _ in pool.map(partial(_protect, registry), plan.protect):
            pass


def _unless_done(name: str, exc: KafkaException) -> None:
    """Raise what a refused creation means; that the topic is there already means that another run was faster."""
    error = exc.args[0]
    if error.code() == KafkaError.TOPIC_ALREADY_EXISTS:
        return
    if error.retriable() or error.code() in {KafkaError._TIMED_OUT, KafkaError._TRANSPORT}:
        raise DependencyUnreachable(f"Kafka did not create topic {name}: {error.name()}") from exc
    if error.code() in {KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED}:
        raise DependencyRefused(
            f"Kafka does not let this user create topic {name}", remedy="Give it CREATE and DESCRIBE on the cluster."
        ) from exc
    raise ConfigurationError(
        f"the broker refuses topic {name}: {error.str()}",
        remedy="See kafka.replication_factor and kafka.partitions in the settings.",
    ) from exc


def _register(registry: SchemaRegistryClient, one: tuple[str, dict[str, Any]]) -> None:
    subject, schema = one
    with registry_errors(registry, f"the schema of {subject}"):
        try:
            _insist(
                partial(registry.register_schema, subject, Schema(json.dumps(schema), "AVRO")),
                partial(_registered, registry, subject, schema),
            )
        except SchemaRegistryError as exc:
            if exc.http_status_code != 409:
                raise
            raise _unfitting([subject]) from exc


def _protect(registry: SchemaRegistryClient, subject: str) -> None:
    with registry_errors(registry, f"a compatibility level for {subject}"):
        _insist(partial(registry.set_compatibility, subject, COMPATIBILITY), partial(_protected, registry, subject))


def _insist(act: Callable[[], object], is_done: Callable[[], bool]) -> None:
    """Do it, or find it done: a registry answers 409 or 500 to one of two that ask for the same at the same time."""
    for pause in (0.3, 1.0):
        try:
            act()
        except SchemaRegistryError:
            if is_done():
                return
            time.sleep(pause)
        else:
            return
    act()


def _registered(registry: SchemaRegistryClient, subject: str, schema: dict[str, Any]) -> bool:
    with registry_errors(registry, f"a look-up of {subject}"):
        try:
            registry.lookup_schema(subject, Schema(json.dumps(schema), "AVRO"))
        except SchemaRegistryError as exc:
            if exc.http_status_code != 404:
                raise
            return False
    return True


def _protected(registry: SchemaRegistryClient, subject: str) -> bool:
    """Whether it has the level itself: that of the whole registry is others' to change."""
    with registry_errors(registry, f"the compatibility level of {subject}"):
        try:
            return registry.get_compatibility(subject) == COMPATIBILITY
        except SchemaRegistryError as exc:
            if exc.http_status_code != 404:
                raise
            return False
