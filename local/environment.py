"""What each service of the all-in-one finds in its environment: addresses, its own database role, its own secrets."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit, urlunsplit

from chassis.postgres_role import role_of
from local.home import Secrets

SERVICES = ("intake", "validation", "generator", "reporting", "notification")


@dataclass(frozen=True)
class Addresses:
    database_url: str
    """As the owner, who may create schemas and roles."""
    kafka: str
    embedded_broker: bool


def environment_of(
    service: str, addresses: Addresses, secrets: Secrets, inherited: Mapping[str, str]
) -> dict[str, str]:
    """Settings of one service on top of `inherited`. Only intake gets the key that signs tokens."""
    mine = {
        "DATABASE_URL": with_role(addresses.database_url, role_of(service), secrets.role_password),
        "KAFKA_BOOTSTRAP_SERVERS": addresses.kafka,
        "CAREPLAN_ENCRYPTION_KEYS": secrets.encryption_keys,
        "CAREPLAN_TOKEN_PUBLIC_KEYS": secrets.token_public_keys,
    }
    if "CAREPLAN_RATE_LIMIT" not in inherited:
        mine["CAREPLAN_RATE_LIMIT"] = ""  # one machine, on loopback: whoever calls is its owner
    if service == "intake":
        mine["CAREPLAN_TOKEN_PRIVATE_KEY"] = secrets.token_private_key
    if service == "notification":
        # A partner's receiver that somebody tries out on this machine; where orders are real, it stays off.
        mine["WEBHOOK_ALLOW_LOOPBACK"] = inherited.get("WEBHOOK_ALLOW_LOOPBACK", "true")
    if addresses.embedded_broker:
        mine |= {"KAFKA_EMBEDDED": "true", "KAFKA_SESSION_SECONDS": "1", "KAFKA_PARTITIONS": "4"}
    if "DATABASE_CONNECTIONS" not in inherited:
        mine["DATABASE_CONNECTIONS"] = "3"  # one machine: each costs ten megabytes
    return {**inherited, **mine}


def with_role(url: str, role: str, password: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{role}:{quote(password)}@{host}"))
