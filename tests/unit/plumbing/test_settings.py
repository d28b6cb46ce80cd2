"""Settings are checked as a whole, and their errors name places and never values."""

import re
from pathlib import Path

import pytest
from pydantic import SecretStr

from plumbing.errors import ConfigurationError, ExitCode
from plumbing.settings import Settings, load_settings

YAML = """\
instance: main
sonar: {url: "http://127.0.0.1:1", token: tok-5up3rs3cret}
splynx:
  url: http://127.0.0.1:2
  key: k
  secret: s
  db: {host: 127.0.0.1, port: 3306, user: crossfade, password: p, name: splynx}
kafka: {bootstrap: "127.0.0.1:9092"}
registry: {url: "http://127.0.0.1:8080/apis/ccompat/v7"}
rules: rules.yaml
guards: guards.yaml
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "crossfade.yaml"
    path.write_text(YAML)
    return path


def test_paths_in_the_file_are_relative_to_the_file(config: Path) -> None:
    assert load_settings(config).rules == config.parent / "rules.yaml"


def test_the_file_is_found_by_environment(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CROSSFADE_CONFIG", str(config))
    assert load_settings().instance == "main"


def test_the_environment_beats_the_file(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CROSSFADE_INSTANCE", "other")
    monkeypatch.setenv("CROSSFADE_SPLYNX__DB__PORT", "3307")
    monkeypatch.setenv("CROSSFADE_SPLYNX__DISPOSABLE", "true")
    settings = load_settings(config)
    assert (settings.instance, settings.splynx.db and settings.splynx.db.port) == ("other", 3307)
    assert settings.splynx.disposable is True
    assert settings.splynx.key == "k"


OVERRIDES = {
    "INSTANCE": "other",
    "SONAR__URL": "http://127.0.0.9:1",
    "SONAR__TOKEN": "t2",
    "SPLYNX__URL": "http://127.0.0.9:2",
    "SPLYNX__KEY": "k2",
    "SPLYNX__SECRET": "s2",
    "SPLYNX__DISPOSABLE": True,
    "SPLYNX__DB__HOST": "127.0.0.9",
    "SPLYNX__DB__PORT": 3399,
    "SPLYNX__DB__USER": "u2",
    "SPLYNX__DB__PASSWORD": "p2",
    "SPLYNX__DB__NAME": "n2",
    "LEDGER__HOST": "127.0.0.8",
    "LEDGER__PORT": 3398,
    "LEDGER__USER": "u3",
    "LEDGER__PASSWORD": "p3",
    "LEDGER__NAME": "n3",
    "RULES": Path("/elsewhere/rules.yaml"),
    "GUARDS": Path("/elsewhere/guards.yaml"),
    "KAFKA__BOOTSTRAP": "127.0.0.9:9092",
    "KAFKA__SECURITY_PROTOCOL": "SSL",
    "KAFKA__SASL_MECHANISM": "SCRAM-SHA-512",
    "KAFKA__SASL_USERNAME": "u4",
    "KAFKA__SASL_PASSWORD": "p4",
    "REGISTRY__URL": "http://127.0.0.9:8080",
    "REGISTRY__USER": "u5",
    "REGISTRY__PASSWORD": "p5",
}
CONNECTIONS = ("SONAR", "SPLYNX", "SPLYNX__DB", "LEDGER", "KAFKA", "REGISTRY")
TLS = {"ENABLED": True, "VERIFY": False, "CA_FILE": __file__, "CERT_FILE": __file__, "KEY_FILE": __file__}


def at(settings: Settings, variable: str) -> object:
    """What stands where a variable points, as it was meant."""
    found: object = settings
    for part in variable.lower().split("__"):
        found = getattr(found, part)
    return found.get_secret_value() if isinstance(found, SecretStr) else found


@pytest.mark.parametrize("variable", OVERRIDES)
def test_each_setting_is_overridden_by_its_variable(
    config: Path, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.write_text(YAML + "ledger: {host: h, user: u, password: p, name: n}\n")
    monkeypatch.setenv(f"CROSSFADE_{variable}", str(OVERRIDES[variable]))
    assert at(load_settings(config), variable) == OVERRIDES[variable]


@pytest.mark.parametrize("connection", CONNECTIONS)
def test_each_connection_has_its_tls_by_environment(
    config: Path, connection: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.write_text(YAML + "ledger: {host: h, user: u, password: p, name: n}\n")
    for name, value in TLS.items():
        monkeypatch.setenv(f"CROSSFADE_{connection}__TLS__{name}", str(value))
    settings = load_settings(config)
    assert {name: at(settings, f"{connection}__TLS__{name}") for name in TLS} == {
        name: Path(value) if isinstance(value, str) else value for name, value in TLS.items()
    }


def test_the_environment_alone_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in OVERRIDES.items():
        monkeypatch.setenv(f"CROSSFADE_{variable}", str(value))
    settings = load_settings()
    assert {variable: at(settings, variable) for variable in OVERRIDES} == OVERRIDES


def test_sasl_needs_a_user_and_a_password(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CROSSFADE_KAFKA__SECURITY_PROTOCOL", "SASL_SSL")
    with pytest.raises(ConfigurationError, match="sasl_mechanism, sasl_username and sasl_password"):
        load_settings(config)


def test_a_certificate_is_looked_for_beside_the_settings_file_and_must_be_there(config: Path) -> None:
    config.write_text(YAML.replace("token: tok-5up3rs3cret", "token: t, tls: {ca_file: ca.pem}"))
    with pytest.raises(ConfigurationError, match=r"sonar\.tls\.ca_file: Path does not point to a file"):
        load_settings(config)
    (config.parent / "ca.pem").touch()
    assert load_settings(config).sonar.tls.ca_file == config.parent / "ca.pem"


def test_the_file_that_is_named_beats_the_one_of_the_environment(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(YAML.replace("instance: main", "instance: other"))
    monkeypatch.setenv("CROSSFADE_CONFIG", str(other))
    assert load_settings(config).instance == "main"


def test_a_secret_file_beats_the_settings_file(config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "crossfade_sonar__token").write_text("from-a-file")
    monkeypatch.setenv("CROSSFADE_SECRETS_DIR", str(secrets))
    assert load_settings(config).sonar.token.get_secret_value() == "from-a-file"


@pytest.mark.parametrize("name", ["CROSSFADE_SPLYNX_DISPOSABLE", "CROSSFADE_SPLYNX__DB_PORT", "crossfade_sonar_token"])
def test_a_variable_with_an_underscore_too_few_is_not_passed_over(
    config: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "5up3rs3cret")
    with pytest.raises(ConfigurationError, match=f"the environment variable {name} is no setting") as caught:
        load_settings(config)
    assert caught.value.next_step.startswith("CROSSFADE_S")
    assert "5up3rs3cret" not in str(caught.value)


def test_what_others_put_into_the_environment_is_no_mistake_of_ours(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CROSSFADE_HTTP_CAPTURE_PORT", "tcp://10.0.0.1:80")  # Kubernetes, for a service of that name
    monkeypatch.setenv("CROSSFADE_PORT_80_TCP", "tcp://10.0.0.1:80")
    assert load_settings(config).http.capture_port == 9101


def test_a_secret_file_with_an_underscore_too_few_is_not_passed_over(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "crossfade_process_hmac_key").write_text("k")
    monkeypatch.setenv("CROSSFADE_SECRETS_DIR", str(tmp_path))
    with pytest.raises(ConfigurationError, match="the secret file crossfade_process_hmac_key") as caught:
        load_settings(config)
    assert caught.value.next_step.startswith("crossfade_process__hmac_key is meant")


def test_a_folder_of_secrets_that_is_not_there_is_told(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CROSSFADE_SECRETS_DIR", str(tmp_path / "none"))
    with pytest.raises(ConfigurationError, match=r"CROSSFADE_SECRETS_DIR names .*none, which is no folder"):
        load_settings(config)


def test_the_ledger_stands_on_splynxs_server_by_default(config: Path) -> None:
    settings = load_settings(config)
    assert (settings.ledger_db.host, settings.ledger_db.name) == ("127.0.0.1", "crossfade")
    assert settings.ledger_beside_rows


def test_a_ledger_of_its_own_is_not_beside_the_rows(config: Path) -> None:
    config.write_text(YAML + "ledger: {host: 127.0.0.9, user: l, password: p, name: ledger}\n")
    settings = load_settings(config)
    assert settings.ledger_db.name == "ledger"
    assert not settings.ledger_beside_rows


@pytest.mark.parametrize(
    ("change", "place"),
    [
        pytest.param(("instance: main", "instanze: main"), "instanze", id="an unknown key"),
        pytest.param(("instance: main", "instance: Main One"), "instance", id="a name no topic can have"),
        pytest.param(("http://127.0.0.1:1", "127.0.0.1"), "sonar.url", id="an address without a scheme"),
        pytest.param(("http://127.0.0.1:1", "http://127.0.0.1:2"), "swapped", id="source and target are one server"),
        pytest.param(("port: 3306", "port: 99999"), "splynx.db.port", id="a port out of range"),
        pytest.param(("rules: rules.yaml\n", ""), "rules", id="a missing key"),
        pytest.param(("kafka: {", "kafka: {["), "line", id="broken YAML"),
        pytest.param(
            ("token: tok-", "token: *tok-"), "line 2: .*quotation marks", id="a value that YAML takes for its own"
        ),
        pytest.param(("rules: ", "instance: again\nrules: "), "line 10: instance stands here twice", id="a key twice"),
        pytest.param(("http://127", "http://u:5up3rs3cret@127"), "sonar.url.*no user or password", id="a log-in in it"),
        pytest.param(("name: splynx", "name: crossfade"), "a schema of its own", id="the ledger among Splynx's tables"),
    ],
)
def test_a_wrong_setting_is_named_with_its_place_and_no_value(
    config: Path, change: tuple[str, str], place: str
) -> None:
    config.write_text(YAML.replace(*change))
    with pytest.raises(ConfigurationError) as caught:
        load_settings(config)
    assert re.search(place, str(caught.value))
    assert str(config) in str(caught.value)
    assert "5up3rs3cret" not in str(caught.value)
    assert caught.value.exit_code is ExitCode.USAGE


def test_a_file_that_is_no_text_is_one_clear_message(config: Path) -> None:
    config.write_bytes(b"\xff\xd8\x00")
    with pytest.raises(ConfigurationError, match="it is no UTF-8 text"):
        load_settings(config)


def test_a_missing_file_is_one_clear_message(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot read the settings file"):
        load_settings(tmp_path / "none.yaml")


def test_secrets_do_not_show_in_a_printed_settings_object(config: Path) -> None:
    assert "5up3rs3cret" not in repr(load_settings(config))
