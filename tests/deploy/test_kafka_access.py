"""The users and rules that deploy/k8s gives to Strimzi, on a real Kafka: enough for every service, and no more."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAuthorizationFailedError
from pydantic import ValidationError

from chassis.messaging.connection import connection
from chassis.settings import ServiceSettings
from local.environment import SERVICES
from local.postgres import EmbeddedPostgres
from schemas.topics import ALL
from tests.support.databases import fresh_database
from tests.support.kafka_guarded import GuardedKafka, Rule
from tests.support.maven import JarsUnavailable
from tests.support.orders import new_order
from tests.support.stack import Stack, environments, running

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

_USERS = [d for d in yaml.safe_load_all(Path("deploy/k8s/components/strimzi/users.yaml").read_text()) if d]


def _rules() -> Iterator[Rule]:
    for user in _USERS:
        for acl in user["spec"]["authorization"]["acls"]:
            resource = acl["resource"]
            for operation in acl["operations"]:
                pattern = resource.get("patternType", "literal")
                yield Rule(user["metadata"]["name"], resource["type"], resource["name"], pattern, operation)


@pytest.fixture(scope="module")
async def guarded(tmp_path_factory: pytest.TempPathFactory, anyio_backend: str) -> AsyncIterator[GuardedKafka]:
    """With the topics there, as Strimzi makes them."""
    try:
        kafka = GuardedKafka(
            Path(tmp_path_factory.mktemp("guarded")) / "kafka",
            {user["metadata"]["name"]: f"of {user['metadata']['name']}" for user in _USERS},
        )
    except JarsUnavailable as reason:
        pytest.skip(str(reason))
    async with kafka:
        await kafka.allow(_rules())
        admin = AIOKafkaAdminClient(bootstrap_servers=f"127.0.0.1:{kafka.port_of_the_operator}")
        await admin.start()
        await admin.create_topics([NewTopic(topic.name, 4, 1) for topic in ALL])
        await admin.close()
        yield kafka


def _as(kafka: GuardedKafka, service: str) -> dict[str, str]:
    return {
        "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "KAFKA_USERNAME": f"careplan-{service}",
        "KAFKA_PASSWORD": f"of careplan-{service}",
        "KAFKA_CA": kafka.authority,
    }


@pytest.fixture
async def installed(
    guarded: GuardedKafka, postgres_server: EmbeddedPostgres, tmp_path: Path
) -> AsyncIterator[tuple[Stack, dict[str, dict[str, str]]]]:
    async with fresh_database(postgres_server) as url:
        settings = environments(
            url, guarded.bootstrap_servers, embedded_broker=False, extra={"CAREPLAN_HOME": str(tmp_path)}
        )
        settings = {service: {**values, **_as(guarded, service)} for service, values in settings.items()}
        async with running(settings) as stack:
            yield stack, settings


async def test_an_order_goes_all_its_way_with_each_service_as_itself(
    installed: tuple[Stack, dict[str, dict[str, str]]],
) -> None:
    stack, _ = installed
    async with stack.as_("assistant") as desk:
        order_id = (await desk.post("/api/orders", json=new_order())).json()["order_id"]
        await stack.until(order_id, "completed", 90, desk)
        assert (await desk.get(f"/api/orders?q={order_id}")).status_code == 200


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_cannot_write_what_is_anothers(
    installed: tuple[Stack, dict[str, dict[str, str]]], service: str
) -> None:
    _, settings = installed
    others = next(topic.name for topic in ALL if topic.writer != service)
    async with AIOKafkaProducer(**connection(_settings(settings[service]))) as producer:
        with pytest.raises(TopicAuthorizationFailedError):
            await producer.send_and_wait(others, b"forged")


def _settings(values: dict[str, Any]) -> ServiceSettings:
    return ServiceSettings(**values)


def test_sasl_without_a_name_or_a_password_stops_the_start(guarded: GuardedKafka) -> None:
    values = {
        **environments("postgresql://a@127.0.0.1/b", "x", embedded_broker=False)["intake"],
        **_as(guarded, "intake"),
    }
    del values["KAFKA_PASSWORD"]
    with pytest.raises(ValidationError, match="KAFKA_PASSWORD"):
        _settings(values)
