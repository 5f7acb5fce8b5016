"""The Kubernetes files are strictly valid, and say what the code says: settings, topics, groups, routes, time to drain."""

import json
import re
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from chassis.messaging.codec import LARGEST_MESSAGE
from chassis.service import _DRAIN_SECONDS
from chassis.settings import ServiceSettings
from local.environment import SERVICES
from local.front import owner_of
from schemas.topics import ALL, group_of
from tests.support.services import required_of, settings_of

_FOLDER = Path("deploy/k8s")
_OPERATORS = ("kafka.strimzi.io", "postgresql.cnpg.io", "keda.sh", "gateway.networking.k8s.io")
"""Kinds that Kubernetes itself has no schema of; theirs are kept in custom_resources/."""


def _everything() -> list[tuple[Path, dict[str, Any]]]:
    return [(file, d) for file in sorted(_FOLDER.rglob("*.yaml")) for d in yaml.safe_load_all(file.read_text()) if d]


def _all(kind: str) -> dict[str, dict[str, Any]]:
    return {d["metadata"]["name"]: d for _, d in _everything() if d["kind"] == kind}


def _of(*groups: str) -> list[tuple[Path, dict[str, Any]]]:
    return [entry for entry in _everything() if entry[1]["apiVersion"].startswith(groups)]


@pytest.mark.parametrize(
    ("file", "document"), [e for e in _everything() if e not in _of(*_OPERATORS, "kustomize.config.k8s.io")]
)
def test_a_document_is_strictly_valid(file: Path, document: dict[str, Any]) -> None:
    kubernetes_validate.validate(document, "1.33", strict=True)


@pytest.mark.parametrize(("file", "document"), _of(*_OPERATORS))
def test_what_an_operator_is_told_is_what_its_own_schema_takes(file: Path, document: dict[str, Any]) -> None:
    assert _refused(document) == []
    spec = document["spec"]
    first = next(iter(spec))
    assert _refused({**document, "spec": {**spec, f"{first}s": 1}}), "a field that nobody knows"
    assert _refused({**document, "spec": {**spec, first: 1.5}}), "a wrong type"


def _refused(document: dict[str, Any]) -> list[str]:
    schema = json.loads((Path(__file__).parent / "custom_resources" / f"{document['kind']}.json").read_text())
    assert schema["$comment"] == document["apiVersion"]
    return [f"{error.json_path}: {error.message}" for error in Draft202012Validator(schema).iter_errors(document)]


def test_every_file_is_named_by_a_kustomization_and_every_name_is_there() -> None:
    named: set[Path] = set()
    for file in _FOLDER.rglob("kustomization.yaml"):
        content = yaml.safe_load(file.read_text())
        for name in [*content.get("resources", []), *content.get("components", [])]:
            target = (file.parent / name).resolve()
            assert target.exists(), f"{file}: {name}"
            named.add(target)
    files = {f.resolve() for f in _FOLDER.rglob("*.yaml") if f.name != "kustomization.yaml"}
    assert files - named == set()


def _container(service: str) -> dict[str, Any]:
    (container,) = _all("Deployment")[service]["spec"]["template"]["spec"]["containers"]
    return dict(container)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_gets_every_setting_that_it_needs_and_none_that_it_does_not_know(service: str) -> None:
    given = {variable["name"] for variable in _container(service)["env"]}
    assert required_of(service) - given == set()
    assert given - set(settings_of(service)) == {"FORWARDED_ALLOW_IPS"}
    config = _all("ConfigMap")["careplan"]["data"]
    for variable in _container(service)["env"]:
        source = variable.get("valueFrom", {}).get("configMapKeyRef")
        if "value" in variable:
            assert variable == {"name": "KAFKA_USERNAME", "value": f"careplan-{service}"}
        elif source:
            assert source["key"] == variable["name"]
            assert source["key"] in config
        else:
            assert variable["valueFrom"]["secretKeyRef"]["name"].startswith("careplan-"), "secrets by reference only"


def test_the_configuration_is_one_that_the_settings_take() -> None:
    config = _all("ConfigMap")["careplan"]["data"]
    for name in ("KAFKA_PARTITIONS", "KAFKA_REPLICATION"):
        assert int(config[name]) >= 3
    fields = {field.alias: field for field in ServiceSettings.model_fields.values()}
    assert config["PHARMACY_TIME_ZONE"] == fields["PHARMACY_TIME_ZONE"].default
    assert re.compile(config["MRN_PATTERN"]).match("012345")


def test_no_secret_stands_in_a_file() -> None:
    assert _all("Secret") == {}
    with_signing_key = [s for s in SERVICES if "careplan-signing" in str(_container(s)["env"])]
    assert with_signing_key == ["intake"]
    with_model_key = [s for s in SERVICES if "careplan-model" in str(_container(s)["env"])]
    assert with_model_key == ["generator"]


@pytest.mark.parametrize("name", [*SERVICES, "site", "migrate"])
def test_a_pod_meets_the_restricted_standard(name: str) -> None:
    workload = {**_all("Deployment"), **_all("Job")}[name]
    pod = workload["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["limits"]["memory"]
        assert container["resources"]["requests"].keys() == {"cpu", "memory"}
    assert _all("Namespace")["careplan"]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_probes_time_to_drain_and_a_budget(service: str) -> None:
    deployment = _all("Deployment")[service]
    container = _container(service)
    assert container["readinessProbe"]["httpGet"]["path"] == "/health/ready"
    assert container["livenessProbe"]["httpGet"]["path"] == "/health/live"
    drain, requests = 5, 5
    grace = deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    assert grace > drain + requests + _DRAIN_SECONDS
    assert container["readinessProbe"]["periodSeconds"] * container["readinessProbe"]["failureThreshold"] < drain
    assert deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert _all("PodDisruptionBudget")[service]["spec"]["maxUnavailable"] == 1
    assert _all("Service")[service]["spec"]["ports"][0]["port"] == 8080
    assert container["image"] == f"careplan-{service}"


@pytest.mark.parametrize("service", SERVICES)
def test_memory_is_told_of_before_the_limit_ends_the_process(service: str) -> None:
    (told_at,) = re.findall(
        r"process_resident_memory_bytes\S* > (\S+)", Path("deploy/prometheus/alerts.yml").read_text()
    )
    limit = _container(service)["resources"]["limits"]["memory"]
    assert float(told_at) < 0.9 * int(limit.removesuffix("Mi")) * 2**20


def test_topics_are_the_codes() -> None:
    topics = _all("KafkaTopic")
    config = _all("ConfigMap")["careplan"]["data"]
    assert set(topics) == {topic.name for topic in ALL}
    for topic in ALL:
        spec = topics[topic.name]["spec"]
        assert spec["partitions"] == int(config["KAFKA_PARTITIONS"])
        assert spec["replicas"] == int(config["KAFKA_REPLICATION"]) == 3
        assert spec["config"]["max.message.bytes"] == LARGEST_MESSAGE
        assert (spec["config"]["retention.ms"] == -1) == topic.keeps_forever
    broker = _all("Kafka")["careplan"]["spec"]["kafka"]["config"]
    assert broker["min.insync.replicas"] == 2
    assert broker["message.max.bytes"] == LARGEST_MESSAGE
    assert broker["auto.create.topics.enable"] is False


def test_each_service_may_do_to_kafka_what_the_catalogue_says_and_no_more() -> None:
    assert _all("Kafka")["careplan"]["spec"]["kafka"]["authorization"] == {"type": "simple"}
    (listener,) = _all("Kafka")["careplan"]["spec"]["kafka"]["listeners"]
    assert listener["tls"]
    assert listener["authentication"] == {"type": "scram-sha-512"}
    users = _all("KafkaUser")
    assert set(users) == {f"careplan-{service}" for service in SERVICES} | {"careplan-keda"}
    for service in SERVICES:
        assert _allowed(users[f"careplan-{service}"]) == _needed(service), service


def _allowed(user: dict[str, Any]) -> set[tuple[str, str, str]]:
    acls = user["spec"]["authorization"]["acls"]
    return {(acl["resource"]["type"], acl["resource"]["name"], does) for acl in acls for does in acl["operations"]}


def _needed(service: str) -> set[tuple[str, str, str]]:
    """What it writes and reads, and how far those are who read what it writes."""
    writes = [topic for topic in ALL if topic.writer == service]
    reads = [topic for topic in ALL if service in topic.readers]
    readers = {reader for topic in writes for reader in topic.readers}
    return {
        *(("topic", topic.name, does) for topic in writes for does in ("Write", "Describe")),
        *(("topic", topic.name, does) for topic in reads for does in ("Read", "Describe")),
        *(("group", group_of(service), does) for does in ("Read", "Describe")),
        *(("group", group_of(reader), "Describe") for reader in readers),
    }


def test_scaling_watches_the_groups_and_topics_that_are_read() -> None:
    for service, scaled in _all("ScaledObject").items():
        kafka = [t["metadata"] for t in scaled["spec"]["triggers"] if t["type"] == "kafka"]
        assert {t["consumerGroup"] for t in kafka} == {f"careplan-{service}"}
        assert {t["topic"] for t in kafka} <= {topic.name for topic in ALL if service in topic.readers}
        partitions = int(_all("ConfigMap")["careplan"]["data"]["KAFKA_PARTITIONS"])
        assert scaled["spec"]["maxReplicaCount"] <= partitions, "who has no partition has nothing to do"
    assert "careplan_jobs_waiting" in str(_all("ScaledObject")["generator"])


def _route(method: str, path: str) -> str:
    """As the Gateway API decides: an exact path before a longer prefix; a method beside it counts."""
    found: list[tuple[int, int, str]] = []
    for rule in _all("HTTPRoute")["careplan"]["spec"]["rules"]:
        for match in rule["matches"]:
            kind, value = match["path"]["type"], match["path"]["value"]
            hit = {
                "Exact": path == value,
                "PathPrefix": path == value or path.startswith(value.rstrip("/") + "/"),
                "RegularExpression": re.fullmatch(value, path) is not None,
            }[kind]
            if hit and match.get("method", method) == method:
                rank = {"Exact": 3, "RegularExpression": 2, "PathPrefix": 1}[kind]
                found.append((rank, len(value), rule["backendRefs"][0]["name"]))
    return max(found)[2]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/orders"), ("GET", "/api/orders"), ("GET", "/api/orders/1"), ("GET", "/api/orders/1/events"),
        ("POST", "/api/orders/1/confirm"), ("POST", "/api/intake/clinic"), ("GET", "/api/careplans/1"),
        ("GET", "/api/careplans/1/download"), ("POST", "/api/careplans/1/revisions"), ("POST", "/api/careplans/1/approve"),
        ("GET", "/api/reports/orders.csv"), ("GET", "/api/reports/summary"), ("GET", "/api/icd10"), ("POST", "/api/session"),
        ("GET", "/api/notifications/deliveries"), ("GET", "/health/ready"), ("GET", "/openapi.json"), ("GET", "/orders/new"),
    ],
)  # fmt: skip
def test_a_route_leads_where_the_all_in_one_leads(method: str, path: str) -> None:
    assert _route(method, path) == owner_of(method, path)
