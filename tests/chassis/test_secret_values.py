"""No service starts with a secret that is missing, empty, or everybody's; and none is shown while it refuses."""

import json
from base64 import b64encode
from typing import Any

import pytest
from pydantic import ValidationError

from chassis.crypto import new_key
from chassis.security import TokenSigner, new_signing_key
from local.environment import SERVICES
from local.home import new_secrets
from local.serve import build_service
from tests.support.stack import environments, secrets

BASE = environments("postgresql://careplan@127.0.0.1/careplan", "127.0.0.1:9092", embedded_broker=True)
OF_EVERY_SERVICE = ("DATABASE_URL", "CAREPLAN_ENCRYPTION_KEYS", "CAREPLAN_TOKEN_PUBLIC_KEYS")
OTHER_SIGNING_KEY = new_signing_key()

EMPTY_OR_EVERYBODYS: dict[str, list[str]] = {
    "DATABASE_URL": [
        "postgresql://careplan_intake:@db.internal/careplan",
        "postgresql://careplan_intake:postgres@db.internal/careplan",
        "postgresql://careplan_intake:CHANGE-ME@db.internal/careplan",
        "postgresql://careplan_intake:password123@db.internal/careplan",
        "postgresql://careplan_intake:%73ecret@db.internal/careplan",
    ],
    "CAREPLAN_ENCRYPTION_KEYS": [
        "",
        "one:",
        "one:changeme",
        f"one:{b64encode(bytes(32)).decode()}",
        f"one:{b64encode(b'0123456789' * 3 + b'01').decode()}",
        f"one:{new_key()},two:{b64encode(b'k' * 32).decode()}",
    ],
    "CAREPLAN_TOKEN_PUBLIC_KEYS": [
        "",
        "{}",
        '{"keys": []}',
        json.dumps({"keys": [OTHER_SIGNING_KEY.as_dict(private=True)]}),
    ],
}


def start(service: str, **changes: str) -> None:
    build_service(service, {**BASE[service], **changes})


def refusal_of(service: str, **changes: str) -> str:
    with pytest.raises(ValidationError) as refused:
        start(service, **changes)
    return str(refused.value)


@pytest.mark.parametrize("service", SERVICES)
def test_with_secrets_of_its_own_a_service_is_built(service: str) -> None:
    start(service)


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("name", OF_EVERY_SERVICE)
def test_without_a_secret_no_service_starts(service: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(name, raising=False)
    values = {given: value for given, value in BASE[service].items() if given != name}
    with pytest.raises(ValidationError, match=name):
        build_service(service, values)


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param(name, value, id=f"{name}-{place}")
        for name, values in EMPTY_OR_EVERYBODYS.items()
        for place, value in enumerate(values)
    ],
)
def test_with_an_empty_secret_or_everybodys_no_service_starts(service: str, name: str, value: str) -> None:
    said = refusal_of(service, **{name: value})
    assert name in said
    assert not value or value not in said


@pytest.mark.parametrize(
    ("service", "name", "value"),
    [
        ("intake", "CAREPLAN_TOKEN_PRIVATE_KEY", ""),
        ("intake", "CAREPLAN_TOKEN_PRIVATE_KEY", "changeme"),
        pytest.param(
            "intake",
            "CAREPLAN_TOKEN_PRIVATE_KEY",
            json.dumps(OTHER_SIGNING_KEY.as_dict(private=False)),
            id="intake-a-public-key",
        ),
        ("intake", "AWS_SECRET_ACCESS_KEY", ""),
        ("intake", "AWS_SECRET_ACCESS_KEY", "minioadmin"),
        ("notification", "SMTP_PASSWORD", ""),
        ("notification", "SMTP_PASSWORD", "password"),
        ("generator", "ANTHROPIC_API_KEY", "changeme"),
    ],
)
def test_with_an_empty_secret_of_its_own_a_service_does_not_start(service: str, name: str, value: str) -> None:
    assert name in refusal_of(service, **{name: value})


def test_on_this_machine_alone_a_database_may_have_any_password() -> None:
    start("intake", DATABASE_URL="postgresql://postgres:postgres@127.0.0.1/careplan")


def test_the_all_in_one_makes_secrets_of_its_own_for_each_home() -> None:
    first, second = new_secrets(), new_secrets()
    kept: dict[str, Any] = {name: value for name, value in first.items() if second[name] == value}
    assert kept == {}
    assert TokenSigner.from_json(secrets().token_private_key).public_keys() == secrets().token_public_keys
