"""How a client reaches Kafka: where, and as whom."""

from functools import lru_cache
from ssl import SSLContext
from typing import Any

from aiokafka.helpers import create_ssl_context

from chassis.settings import ServiceSettings


def connection(settings: ServiceSettings) -> dict[str, Any]:
    """Arguments that each of aiokafka's clients takes."""
    protocol = settings.kafka_security_protocol
    how: dict[str, Any] = {
        "bootstrap_servers": settings.kafka_bootstrap_servers,
        "security_protocol": protocol,
    }
    if protocol.endswith("SSL"):
        how["ssl_context"] = _trusting(settings.kafka_ca)
    if protocol.startswith("SASL"):
        how |= {
            "sasl_mechanism": settings.kafka_sasl_mechanism,
            "sasl_plain_username": settings.kafka_username,
            "sasl_plain_password": settings.kafka_password,
        }
    return how


@lru_cache(maxsize=1)
def _trusting(authority: str | None) -> SSLContext:
    context: SSLContext = create_ssl_context(cadata=authority) if authority else create_ssl_context()
    return context
