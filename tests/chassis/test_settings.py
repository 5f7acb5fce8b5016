"""A bad value stops the start with its name, and is never shown."""

from base64 import b64encode
from random import Random
from typing import Any

import pytest
from pydantic import ValidationError

from chassis.security import TokenSigner, new_signing_key
from chassis.settings import ServiceSettings

_KEY = b64encode(Random(7).randbytes(32)).decode()  # the same in every process: it stands in names of tests
_GOOD = {
    "DATABASE_URL": "postgresql://careplan_intake:top-secret@127.0.0.1/careplan",
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9092",
    "CAREPLAN_ENCRYPTION_KEYS": f"one:{_KEY}",
    "CAREPLAN_TOKEN_PUBLIC_KEYS": TokenSigner(new_signing_key()).public_keys(),
}


def _settings(monkeypatch: pytest.MonkeyPatch, **changes: str) -> ServiceSettings:
    for name, value in {**_GOOD, **changes}.items():
        monkeypatch.setenv(name, value)
    return ServiceSettings()


def test_what_is_needed_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = _settings(monkeypatch, PHARMACY_TIME_ZONE="Europe/Warsaw")
    assert settings.kafka_bootstrap_servers == "127.0.0.1:9092"
    assert settings.keyring.active == "one"
    assert settings.time_zone.key == "Europe/Warsaw"


@pytest.mark.parametrize("name", _GOOD)
def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for given in _GOOD:
        monkeypatch.delenv(given, raising=False)
    for given in _GOOD.keys() - {name}:
        monkeypatch.setenv(given, _GOOD[given])
    with pytest.raises(ValidationError, match=name):
        ServiceSettings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CAREPLAN_ENCRYPTION_KEYS", ""),
        ("CAREPLAN_ENCRYPTION_KEYS", "one:hunter2"),
        ("CAREPLAN_ENCRYPTION_KEYS", f"one:{_KEY},one:{_KEY}"),
        ("CAREPLAN_TOKEN_PUBLIC_KEYS", "hunter2"),
        ("CAREPLAN_TOKEN_PUBLIC_KEYS", "[]"),
        ("CAREPLAN_TOKEN_PUBLIC_KEYS", '{"keys": [{"kty": "hunter2"}]}'),
        ("PHARMACY_TIME_ZONE", "hunter2"),
        ("PHARMACY_TIME_ZONE", "../../etc/passwd"),
        ("DATABASE_CONNECTIONS", "hunter2"),
        ("DATABASE_CONNECTIONS", "1"),
        ("KAFKA_PARTITIONS", "0"),
        ("KAFKA_SESSION_SECONDS", "0"),
        ("CAREPLAN_TRACE_SAMPLE", "2"),
        ("CAREPLAN_KEEP_SENT_DAYS", "0"),
        ("CAREPLAN_LOG_LEVEL", "hunter2"),
    ],
)
def test_a_bad_value_is_named_and_not_shown(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    with pytest.raises(ValidationError) as refused:
        _settings(monkeypatch, **{name: value})
    said = str(refused.value)
    assert name in said
    assert len(refused.value.errors()) == 1
    assert _KEY not in said
    if name.endswith("KEYS"):
        assert "hunter2" not in said


def test_secrets_are_not_in_the_repr(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: Any = repr(_settings(monkeypatch))
    assert _KEY not in shown
    assert "top-secret" not in shown
