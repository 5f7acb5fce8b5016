"""What an operator may turn, for every service alike. Each service adds its own in its `settings.py`.

Values come from the environment and are read once, in `main.py`; a bad value stops the start with its name, and so does
a secret that is empty or everybody's.
"""

from functools import cached_property
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from chassis.crypto import Keyring
from chassis.rate_limits import readable_limit
from chassis.secret_values import Secret, certificates, database_with_password, public_key_set, random_keys


class ServiceSettings(BaseSettings):
    model_config = SettingsConfigDict(
        frozen=True,
        extra="ignore",
        populate_by_name=True,
        hide_input_in_errors=True,  # a bad key is named, never shown
    )

    database_url: Annotated[str, AfterValidator(database_with_password)] = Field(alias="DATABASE_URL", repr=False)
    """PostgreSQL 15 or newer, with the service's own role."""
    database_connections: int = Field(default=6, alias="DATABASE_CONNECTIONS", ge=3)
    kafka_bootstrap_servers: str = Field(alias="KAFKA_BOOTSTRAP_SERVERS")
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        default="PLAINTEXT", alias="KAFKA_SECURITY_PROTOCOL"
    )
    kafka_sasl_mechanism: Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"] = Field(
        default="SCRAM-SHA-512", alias="KAFKA_SASL_MECHANISM"
    )
    kafka_username: str | None = Field(default=None, alias="KAFKA_USERNAME")
    kafka_password: Secret | None = Field(default=None, alias="KAFKA_PASSWORD", repr=False)
    """With SASL, each service as itself: docs/security.md says what each may do."""
    kafka_ca: Annotated[str | None, AfterValidator(certificates)] = Field(default=None, alias="KAFKA_CA", repr=False)
    """PEM of the authority that signed the brokers' certificates; without it, those that the machine trusts."""
    kafka_embedded: bool = Field(default=False, alias="KAFKA_EMBEDDED")
    """The all-in-one's broker: polls that must be spared."""
    kafka_partitions: int = Field(default=12, alias="KAFKA_PARTITIONS", ge=1)
    kafka_replication: int = Field(default=1, alias="KAFKA_REPLICATION", ge=1)
    """Copies of each partition; 3 where there are three brokers."""
    kafka_session_seconds: float = Field(default=45, alias="KAFKA_SESSION_SECONDS", gt=0)
    encryption_keys: Annotated[str, AfterValidator(random_keys)] = Field(alias="CAREPLAN_ENCRYPTION_KEYS", repr=False)
    """`id:base64,…`, newest first: event values, documents, model answers."""
    token_public_keys: Annotated[str, AfterValidator(public_key_set)] = Field(alias="CAREPLAN_TOKEN_PUBLIC_KEYS")
    """JSON Web Key Set with the Ed25519 public keys that sign sessions, staff tokens and partner keys."""
    rate_limit: Annotated[str, AfterValidator(readable_limit)] = Field(
        default="300/second", alias="CAREPLAN_RATE_LIMIT"
    )
    """Of each caller, in each process; empty: none. Over it, 429 with Retry-After."""
    keep_sent_days: float = Field(default=7, alias="CAREPLAN_KEEP_SENT_DAYS", ge=1)
    """How long an event is kept after it was last sent, so that a broker which lost it gets it again."""
    runs: Literal["all", "requests", "events"] = Field(default="all", alias="CAREPLAN_RUNS")
    """Two processes may share a service: one answers requests, one reads, relays and works."""
    pharmacy_time_zone: str = Field(default="America/New_York", alias="PHARMACY_TIME_ZONE")
    trace_sample: float = Field(default=0.05, alias="CAREPLAN_TRACE_SAMPLE", ge=0, le=1)
    otlp_endpoint: str | None = Field(default=None, alias="OTEL_EXPORTER_OTLP_ENDPOINT")
    metrics_token: str | None = Field(default=None, alias="CAREPLAN_METRICS_TOKEN", repr=False, min_length=16)
    """What Prometheus shows as a bearer token where it scrapes from another machine; without one, only loopback may."""
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", alias="CAREPLAN_LOG_LEVEL")

    @model_validator(mode="after")
    def _says_as_whom(self) -> Self:
        if self.kafka_security_protocol.startswith("SASL") and not (self.kafka_username and self.kafka_password):
            raise ValueError("KAFKA_SECURITY_PROTOCOL with SASL needs KAFKA_USERNAME and KAFKA_PASSWORD")
        return self

    @field_validator("pharmacy_time_zone")
    @classmethod
    def _known_time_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            raise ValueError(f"{name!r} is not a time zone of the IANA database") from None
        return name

    @cached_property
    def time_zone(self) -> ZoneInfo:
        return ZoneInfo(self.pharmacy_time_zone)

    @cached_property
    def keyring(self) -> Keyring:
        return Keyring.parse(self.encryption_keys)
