"""Settings: one YAML file, each key overridable by environment, secrets by file, checked as a whole at start.

Precedence, highest first: environment (`CROSSFADE_SONAR__TOKEN`), secret files (`CROSSFADE_SECRETS_DIR`, file
`crossfade_sonar__token`), the YAML file (`--config` or `CROSSFADE_CONFIG`), defaults.
"""

import os
import re
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FilePath, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NestedSecretsSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from plumbing.environment import PREFIX, SECRETS_DIR, check_environment
from plumbing.errors import ConfigurationError
from plumbing.quiet import QuietHours, quiet_hours
from plumbing.sealing import Sealer
from plumbing.yaml_file import read_yaml


def _http_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be an http:// or https:// address")
    return value.rstrip("/")


def _without_login(value: str) -> str:
    if urlsplit(value).username is not None:
        # It is told in messages and logs; and beside a token, a user and a password are refused by the HTTP client.
        raise ValueError("must hold no user or password: the log-in has settings of its own")
    return value


_PATHS = frozenset({"rules", "guards", "state_dir", "ca_file", "cert_file", "key_file"})
HttpUrl = Annotated[str, AfterValidator(_http_url)]
PlainUrl = Annotated[HttpUrl, AfterValidator(_without_login)]


class _Block(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Tls(_Block):
    """TLS of one connection. An empty `ca_file` means the system's certificates."""

    enabled: bool = Field(False, description="For a database; elsewhere https:// or `security_protocol` says it.")
    ca_file: FilePath | None = Field(None, description="Certificates that the server's is checked against.")
    cert_file: FilePath | None = Field(None, description="Our own certificate, where the server asks for one.")
    key_file: FilePath | None = Field(None, description="The key of our own certificate.")
    verify: bool = Field(True, description="False takes any certificate: for tests only.")


class SonarSettings(_Block):
    """Where Sonar is, as whom we read it, and how much of its request budget we take."""

    url: PlainUrl = Field(description="Sonar's address, without a path.")
    token: SecretStr = Field(description="Personal access token of a user that may read what is captured.")
    requests_per_minute: int = Field(
        300, ge=1, description="One budget for all processes of this instance: those that ask just now share it."
    )
    concurrency: int = Field(4, ge=1, le=64, description="Requests under way at a time.")
    page_size: int = Field(500, ge=1, le=10_000, description="Roots per page, before `node_limit` makes it smaller.")
    node_limit: int = Field(100_000, ge=100, description="Roots times children asked for in one request.")
    timeout_seconds: float = Field(60, gt=0, description="After this a request counts as failed and is made again.")
    poll_seconds: float = Field(5, gt=0, description="Between two looks for changes.")
    safety_lag_seconds: float = Field(300, ge=0, description="How far the watermark trails Sonar's clock.")
    sweep_hours: float = Field(24, gt=0, description="How long a sweep of all ids and versions takes, page by page.")
    schema_minutes: float = Field(
        60, gt=0, description="Between two looks at Sonar's schema: what is gone, and what is there again."
    )
    delete_share: float = Field(
        0.05, gt=0, le=1, description="Share of a collection that may go in a day before its deletes are held."
    )
    leave_out: list[str] = Field(
        [], description="Aggregates that are not read, such as `email`: what the token may not see, or nobody needs."
    )
    quiet_hours: list[str] = Field(
        [], description="When nothing is asked: `02:00-04:30` each day, or `sat,sun 22:00-01:00`, by `quiet_zone`."
    )
    quiet_zone: str | None = Field(None, description="With `quiet_hours`: their clock, such as `America/Chicago`.")
    tls: Tls = Tls()

    @property
    def quiet(self) -> QuietHours:
        """The hours in which nothing is asked."""
        return quiet_hours(self.quiet_hours, self.quiet_zone or "UTC")

    @model_validator(mode="after")
    def _quiet_hours_have_a_clock(self) -> Self:
        if self.quiet_hours and self.quiet_zone is None:
            raise ValueError("quiet_hours need quiet_zone, such as America/Chicago")
        _ = self.quiet
        return self


class MysqlSettings(_Block):
    """A MySQL 8 or MariaDB server and the schema on it."""

    block: ClassVar[str] = "splynx.db"

    host: str = Field(description="The server's name or address.")
    port: int = Field(3306, ge=1, le=65535, description="The server's port.")
    user: str = Field(description="Who logs in; `crossfade doctor` prints the GRANTs.")
    password: SecretStr = Field(description="The password of `user`.")
    name: str = Field(description="The schema on the server.")
    pool_size: int = Field(4, ge=1, le=64, description="Connections at most.")
    timeout_seconds: float = Field(30, gt=0, description="After this a connection or statement counts as failed.")
    tls: Tls = Tls()

    @property
    def where(self) -> str:
        """The server and the settings that name it, for messages: `host:port (block in the settings)`."""
        return f"{self.host}:{self.port} ({self.block} in the settings)"


class LedgerSettings(MysqlSettings):
    """The server and schema of the ledger."""

    block = "ledger"


class SplynxSettings(_Block):
    """Where Splynx is: its REST API, and its database where the ISP grants it."""

    url: PlainUrl = Field(description="Splynx's address, without a path.")
    key: str = Field(description="The API key of our own, with the rights that `crossfade doctor` prints.")
    secret: SecretStr = Field(description="The secret of `key`.")
    auth: Literal["signature", "token", "basic"] = Field(
        "token",
        description="How requests prove who sends them: a token of each process; a signature of each request, for one"
        " process at a time where Splynx checks nonces; or key and secret as they are.",
    )
    requests_per_second: float = Field(8, gt=0, description="One budget for everything that is asked of the API.")
    concurrency: int = Field(4, ge=1, le=64, description="Requests under way at a time.")
    timeout_seconds: float = Field(30, gt=0, description="After this nobody knows what became of a request.")
    settle_seconds: float = Field(60, ge=0, description="How long a timed-out call may still be executed by Splynx.")
    disposable: bool = Field(False, description="True only for a Splynx that may be thrown away: money is written.")
    db: MysqlSettings | None = None
    tls: Tls = Tls()


class KafkaSettings(_Block):
    """The Kafka cluster."""

    bootstrap: str = Field(description="`host:port` of some brokers, with commas between.")
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="As the brokers' listener speaks."
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = Field(
        None, description="With SASL_*: how to log in."
    )
    sasl_username: str | None = Field(None, description="With SASL_*: who logs in.")
    sasl_password: SecretStr | None = Field(None, description="With SASL_*: the password.")
    tls: Tls = Tls()
    partitions: int = Field(6, ge=1, le=512, description="Of every per-account topic; fixed at creation.")
    replication_factor: int = Field(3, ge=1, description="Copies of each topic; 1 only where nothing can be lost.")
    sonar_retention_days: int = Field(400, ge=1, description="How long the history that is replayed is kept.")

    @model_validator(mode="after")
    def _sasl_is_whole(self) -> Self:
        if self.security_protocol.startswith("SASL") and not (
            self.sasl_mechanism and self.sasl_username and self.sasl_password
        ):
            raise ValueError("security_protocol SASL_* needs sasl_mechanism, sasl_username and sasl_password")
        return self


class RegistrySettings(_Block):
    """The schema registry, by Confluent's API."""

    url: HttpUrl = Field(description="The registry's address, with the path of its Confluent API.")
    user: str | None = Field(None, description="Who logs in, where it asks.")
    password: SecretStr | None = Field(None, description="The password of `user`.")
    tls: Tls = Tls()


class HttpSettings(_Block):
    """Where each process serves /metrics, /healthz and /readyz. Port 0 picks a free one."""

    host: str = Field("127.0.0.1", description="The address to bind to; in a container its own.")
    capture_port: int = Field(9101, ge=0, le=65535, description="Of `follow` and `snapshot`.")
    process_port: int = Field(9102, ge=0, le=65535, description="Of `process`.")
    sink_port: int = Field(9103, ge=0, le=65535, description="Of `sink`.")


class WebhookSettings(_Block):
    """The receiver of Sonar's webhooks, in the process of `follow`. They are only hints to look earlier."""

    enabled: bool = Field(False, description="Whether webhooks are received. Nothing depends on them.")
    host: str = Field("127.0.0.1", description="The address to bind to; in front of it is what speaks https.")
    port: int = Field(9104, ge=0, le=65535, description="The port. Sonar calls `https://…/SECRET`.")
    secret: SecretStr | None = Field(
        None, description="The path that Sonar is given: 16 letters, digits, - or _ at least. Sonar signs nothing."
    )

    @model_validator(mode="after")
    def _has_a_secret(self) -> Self:
        secret = "" if self.secret is None else self.secret.get_secret_value()
        if self.enabled and not re.fullmatch(r"[A-Za-z0-9_-]{16,}", secret):
            raise ValueError("webhook.enabled needs webhook.secret: 16 letters, digits, - or _ at least")
        return self


class SecretsSettings(_Block):
    """Secrets of Sonar's that are carried, each sealed with the operator's key before it leaves capture."""

    carry: list[Literal["radius_passwords", "payment_tokens"]] = Field(
        [], description="What is read at all: `radius_passwords`, `payment_tokens`. By default none of it."
    )
    keys: SecretStr | None = Field(
        None,
        description="`ID=KEY` with 64 random bytes in base64; the first seals. To rotate, put the new one in front.",
    )

    @property
    def sealer(self) -> Sealer | None:
        """The keys; None: there are none."""
        return None if self.keys is None else Sealer.of(self.keys.get_secret_value())

    @model_validator(mode="after")
    def _what_is_carried_is_sealed(self) -> Self:
        if self.sealer is None and self.carry:
            raise ValueError("secrets.carry needs secrets.keys: what is carried is sealed")
        return self


class SinkSettings(_Block):
    """Batches, brakes and patience of the sink."""

    batch: int = Field(500, ge=1, le=10_000, description="Messages written together at most.")
    batch_wait_seconds: float = Field(0.5, gt=0, description="How long a batch waits to become full.")
    gone_share: float = Field(0.2, gt=0, le=1, description="More than this share of a target gone or cleared pauses.")
    gone_at_least: int = Field(20, ge=1, description="The brake counts only from so many records on.")
    parked_hours: float = Field(24, gt=0, description="After this a parked record becomes a dead letter.")
    dead_letter_budget: int = Field(100, ge=0, description="Dead letters within the window before a partition stops.")
    dead_letter_window: int = Field(1000, ge=1, description="Messages of one partition over which they are counted.")
    stuck_seconds: float = Field(120, gt=0, description="A partition that gives nothing for so long ends the process.")


class ProcessSettings(_Block):
    """The processors."""

    dead_letter_budget: int = Field(100, ge=0, description="Dead letters within the window before a partition stops.")
    dead_letter_window: int = Field(1000, ge=1, description="Messages of one partition over which they are counted.")
    stuck_seconds: float = Field(120, gt=0, description="Backlog without progress for so long ends the process.")
    session_seconds: float = Field(
        20,
        ge=6,
        le=300,
        description="How long Kafka counts a process that is gone; then others take its partitions. Brokers allow 6 to"
        " 1800 unless they are told otherwise.",
    )
    hmac_key: SecretStr = Field(SecretStr(""), description="Operator's key for generated logins and passwords.")


class Settings(BaseSettings):
    """Everything that an installation decides. Unknown keys are errors."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    instance: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$", description="Name of this pair; part of every topic.")
    sonar: SonarSettings
    splynx: SplynxSettings
    ledger: LedgerSettings | None = Field(None, description="Default: schema `crossfade` on Splynx's own server.")
    kafka: KafkaSettings
    registry: RegistrySettings
    rules: Path = Field(description="The file of mapping decisions, docs/rules.md.")
    guards: Path = Field(description="The file of Splynx's switches; `crossfade doctor --guards-template` writes it.")
    state_dir: Path = Field(Path(".crossfade"), description="Logs of stages that `run` starts.")
    http: HttpSettings = HttpSettings()
    webhook: WebhookSettings = WebhookSettings()
    secrets: SecretsSettings = SecretsSettings()
    sink: SinkSettings = SinkSettings()
    process: ProcessSettings = ProcessSettings()

    @model_validator(mode="after")
    def _source_is_not_target(self) -> Self:
        if urlsplit(self.sonar.url).netloc == urlsplit(self.splynx.url).netloc:
            raise ValueError("sonar.url and splynx.url name the same server; are source and target swapped?")
        return self

    @model_validator(mode="after")
    def _a_ledger_has_a_server(self) -> Self:
        if self.ledger is None and self.splynx.db is None:
            raise ValueError("give splynx.db, or a ledger block of its own where Splynx's database is not reachable")
        return self

    @model_validator(mode="after")
    def _a_ledger_has_a_schema_of_its_own(self) -> Self:
        db = self.splynx.db
        if db is not None and self.ledger_beside_rows and self.ledger_db.name == db.name:
            raise ValueError(
                "the ledger needs a schema of its own, beside Splynx's: see ledger.name and splynx.db.name"
            )
        return self

    @property
    def ledger_db(self) -> MysqlSettings:
        """The server and schema that hold the ledger; by default `crossfade` on Splynx's own server."""
        if self.ledger is not None:
            return self.ledger
        if self.splynx.db is None:  # excluded by validation
            raise ConfigurationError("no database for the ledger")
        return self.splynx.db.model_copy(update={"name": "crossfade"})

    @property
    def ledger_beside_rows(self) -> bool:
        """True when ledger and Splynx's rows commit in one transaction (same server, same log-in)."""
        db = self.splynx.db
        return db is not None and (self.ledger is None or (self.ledger.host, self.ledger.port) == (db.host, db.port))

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment over secret files over what was read from the YAML file (handed in as init values)."""
        sources: list[PydanticBaseSettingsSource] = [env_settings]
        secrets_dir = os.environ.get(SECRETS_DIR)
        if secrets_dir:
            sources.append(
                NestedSecretsSettingsSource(
                    file_secret_settings,
                    secrets_dir=secrets_dir,
                    secrets_prefix=PREFIX.lower(),
                    secrets_nested_delimiter="__",
                )
            )
        return (*sources, init_settings)


def _from_folder(values: dict[str, object], folder: Path) -> dict[str, object]:
    """A path in the file is relative to the file, so that the command works from any folder."""
    result: dict[str, object] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            result[key] = _from_folder(value, folder)
        elif key in _PATHS and isinstance(value, str):
            result[key] = (folder / value).resolve()
        else:
            result[key] = value
    return result


def load_settings(config: Path | None = None) -> Settings:
    """Read and check the settings as a whole.

    Args:
        config: the YAML file; without it `CROSSFADE_CONFIG`, and without that the environment alone.

    Raises:
        ConfigurationError: names the file or variable and each wrong or missing key, never a value.
    """
    path = config or (Path(os.environ["CROSSFADE_CONFIG"]) if os.environ.get("CROSSFADE_CONFIG") else None)
    values: dict[str, object] = {}
    if path is not None:
        loaded = read_yaml(path, "settings file", remedy="Give --config or CROSSFADE_CONFIG.").values
        if not isinstance(loaded, dict):
            raise ConfigurationError(f"{path}: must hold a mapping of settings", remedy="See docs/configuration.md.")
        values = _from_folder(loaded, path.parent)
    check_environment(Settings, os.environ)
    try:
        return Settings(**values)  # type: ignore[arg-type]
    except ValidationError as exc:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in error['loc']) or 'settings'}: {error['msg']}" for error in exc.errors()
        )
        place = str(path) if path is not None else "the environment"
        raise ConfigurationError(
            f"settings in {place}: {problems}",
            remedy="See docs/configuration.md; each key can also be set as CROSSFADE_<KEY> (nested: __).",
        ) from exc
