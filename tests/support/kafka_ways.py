"""How a test comes by Apache Kafka. What loads Docker's library, a quarter of a second, does so only where Docker is the way."""

import os
from pathlib import Path
from typing import Literal

from tests.support.kafka import ApacheKafka
from tests.support.maven import missing_tool


def apache_kafka(home: Path) -> ApacheKafka:
    if way() == "maven":
        return ApacheKafka(home)
    from tests.support.kafka_in_docker import KafkaInDocker  # noqa: PLC0415

    return KafkaInDocker(home)


def way() -> Literal["maven", "docker"]:
    """Maven, as ever in CI, and where it is missing a Docker that answers. CAREPLAN_TEST_KAFKA, where set, decides."""
    match os.environ.get("CAREPLAN_TEST_KAFKA"):
        case "maven" | "docker" as forced:
            return forced
        case None | "":
            can_only_be_docker = missing_tool() and not os.environ.get("CI") and _docker_answers()
            return "docker" if can_only_be_docker else "maven"
        case other:
            raise ValueError(f"CAREPLAN_TEST_KAFKA is maven or docker, not {other}")


def _docker_answers() -> bool:
    from tests.support.kafka_in_docker import docker_answers  # noqa: PLC0415

    return docker_answers()
