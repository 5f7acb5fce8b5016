"""compose.yaml is valid, and says what the code says: services, settings, ports, topics' needs, the order of starting."""

import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from chassis.messaging.codec import LARGEST_MESSAGE
from chassis.service import _DRAIN_SECONDS
from local.environment import SERVICES
from local.installation import make_secrets
from local.serve import build_service
from tests.support.commands import run_command
from tests.support.services import required_of, settings_of

_FILE = Path("deploy/compose.yaml")
_OURS = {"CAREPLAN_DRAIN_SECONDS", "CAREPLAN_SECRETS", "SERVICE", "FORWARDED_ALLOW_IPS"}
"""Read by local.serve, not by a service."""


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(_FILE.read_text())
    return content


def _containers(compose: dict[str, Any], service: str) -> list[dict[str, Any]]:
    """Those that run `service`."""
    found = [c for c in compose["services"].values() if c.get("image", "").startswith(f"careplan-{service}:")]
    assert found, service
    return found


def test_it_is_valid_by_the_compose_schema() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(_FILE)]
    run_command(command, seconds=100).well()


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_gets_every_setting_that_it_needs_and_none_that_it_does_not_know(
    compose: dict[str, Any], service: str
) -> None:
    for container in _containers(compose, service):
        secrets = {s["target"] if isinstance(s, dict) else s for s in container["secrets"]}
        given = {*container["environment"], *secrets}
        assert required_of(service) - given == set()
        assert given - set(settings_of(service)) - _OURS == set()


@pytest.mark.parametrize("service", SERVICES)
def test_what_else_a_service_may_be_told_stands_in_a_file_of_known_names(compose: dict[str, Any], service: str) -> None:
    for container in _containers(compose, service):
        assert container["env_file"] == [{"path": f"settings/{service}.env", "required": False}]
    example = Path(f"deploy/settings/{service}.env.example").read_text()
    names = set(re.findall(r"^#([A-Z_]+)=", example, re.MULTILINE))
    assert names
    assert names - set(settings_of(service)) == set()


def test_only_intake_gets_the_key_that_signs_and_only_the_generator_the_models(compose: dict[str, Any]) -> None:
    having: dict[str, set[str]] = {}
    for name, container in compose["services"].items():
        for secret in container.get("secrets", []):
            having.setdefault(secret["source"] if isinstance(secret, dict) else secret, set()).add(name)
    assert having["CAREPLAN_TOKEN_PRIVATE_KEY"] == {"intake-1", "intake-2"}
    assert having["ANTHROPIC_API_KEY"] == {"generator"}
    assert having["owner_database_url"] == {"migrate"}
    assert "kafka-ui" not in having["CAREPLAN_ENCRYPTION_KEYS"], "who looks at Kafka reads no values"
    for service in SERVICES:
        assert {name.partition("-")[0] for name in having[f"{service}_database_url"]} == {service}


def test_secrets_are_files_that_the_command_makes_and_a_service_starts_from(
    compose: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_secrets(tmp_path, "postgres:5432/careplan")
    assert {file.name for file in tmp_path.iterdir()} == set(compose["secrets"])
    before = {file.name: file.read_text() for file in tmp_path.iterdir()}
    assert make_secrets(tmp_path, "postgres:5432/careplan") == []
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == before
    for service in SERVICES:
        (container, *_) = _containers(compose, service)
        folder = tmp_path / f"of-{service}"
        folder.mkdir()
        for secret in container["secrets"]:
            source, target = (secret["source"], secret["target"]) if isinstance(secret, dict) else (secret, secret)
            (folder / target).write_text(before[source])
        for name in settings_of(service):
            monkeypatch.delenv(name, raising=False)
        for name, value in container["environment"].items():
            monkeypatch.setenv(name, _default(value))
        monkeypatch.setenv("CAREPLAN_SECRETS", str(folder))
        monkeypatch.setenv("CAREPLAN_DOCUMENTS", str(tmp_path / "documents"))
        if service != "intake":
            monkeypatch.delenv("CAREPLAN_DOCUMENTS")
        assert build_service(service).title == f"Care plans: {service}"


def _default(value: str) -> str:
    """What compose puts in where nobody set a variable."""
    return re.sub(r"\$\{\w+:-([^}]*(?:\{\d+\})?[^}]*)\}", r"\1", value).replace("$$", "$")


def test_no_value_of_a_secret_stands_in_the_file() -> None:
    for value in re.findall(r"(?i)(?:password|key|token)\w*: *[\"']?([A-Za-z0-9+/_-]{8,})", _FILE.read_text()):
        assert value.startswith("/run/secrets/"), value


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_runs_locked_up_and_has_time_to_drain(compose: dict[str, Any], service: str) -> None:
    for container in _containers(compose, service):
        assert container["read_only"]
        assert container["cap_drop"] == ["ALL"]
        assert container["security_opt"] == ["no-new-privileges:true"]
        assert container["deploy"]["resources"]["limits"].keys() == {"cpus", "memory"}
        drain, requests = 5, 5
        assert int(container["stop_grace_period"].removesuffix("s")) > drain + requests + _DRAIN_SECONDS
        assert container["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


def test_kafka_is_three_brokers_that_take_what_the_code_sends(compose: dict[str, Any]) -> None:
    brokers = [c for name, c in compose["services"].items() if re.fullmatch(r"kafka-\d", name)]
    assert len(brokers) == 3
    for broker in brokers:
        environment = broker["environment"]
        assert environment["KAFKA_MIN_INSYNC_REPLICAS"] == "2"
        assert environment["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
        assert int(environment["KAFKA_MESSAGE_MAX_BYTES"]) == LARGEST_MESSAGE
    for service in SERVICES:
        (container, *_) = _containers(compose, service)
        assert container["environment"]["KAFKA_REPLICATION"] == "3"
        assert len(container["environment"]["KAFKA_BOOTSTRAP_SERVERS"].split(",")) == 3


def test_there_are_two_of_intake_and_of_the_generator_and_the_gateway_knows_them(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert len(_containers(compose, "intake")) == 2
    assert services["generator"]["deploy"]["replicas"] == 2
    table = Path("deploy/gateway/Caddyfile").read_text()
    for upstream, default in re.findall(r"\{\$([A-Z]+):([a-z0-9: -]+)\}", table):
        for address in default.split():
            host, _, port = address.partition(":")
            assert host in services, upstream
            assert port == "8080"


def test_prometheus_asks_every_service(compose: dict[str, Any]) -> None:
    (job,) = yaml.safe_load(Path("deploy/prometheus/prometheus.yml").read_text())["scrape_configs"]
    (discovery,) = job["dns_sd_configs"]
    aliases = {a for c in compose["services"].values() for a in _aliases(c)}
    assert set(discovery["names"]) == set(SERVICES)
    assert set(discovery["names"]) <= {*compose["services"], *aliases}
    assert discovery["port"] == 8080


def _aliases(container: dict[str, Any]) -> list[str]:
    networks = container.get("networks", {})
    return networks["inside"].get("aliases", []) if isinstance(networks, dict) and networks.get("inside") else []


def test_only_the_gateway_and_what_observes_have_ports_and_on_this_machine_alone(compose: dict[str, Any]) -> None:
    with_ports = {name for name, c in compose["services"].items() if c.get("ports")}
    assert with_ports == {"gateway", "kafka-ui", "prometheus", "grafana", "jaeger"}
    for name in with_ports:
        assert all("127.0.0.1" in port for port in compose["services"][name]["ports"]), name


def test_everything_belongs_to_a_profile_and_mounted_files_exist(compose: dict[str, Any]) -> None:
    for name, container in compose["services"].items():
        assert container["profiles"] in (["core"], ["observe"]), name
        for volume in container.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("./"):
                assert (_FILE.parent / source).is_dir(), source
            elif not source.startswith("/"):
                assert source in compose["volumes"], source
