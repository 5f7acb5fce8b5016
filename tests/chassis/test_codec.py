"""An event on the wire: what comes back, what is refused and why, and what nobody may read."""

import json
from typing import Any

import pytest
from zstandard import ZstdCompressor

from chassis.crypto import Keyring, new_key
from chassis.ids import new_id
from chassis.messaging.codec import Codec, Undecodable
from schemas.event import Event
from schemas.intake import OrderReceived
from tests.support.chassis import NOON, order_received

_RING = Keyring.parse(f"one:{new_key()}")
_CODEC = Codec("intake", _RING)
_compress = ZstdCompressor(level=1).compress
_SECRETS = ("Ana", "Bell", "012345", "1979", "myasthenia")


def _event(**changes: Any) -> Event:
    values: dict[str, Any] = {
        "id": new_id(),
        "source": "intake",
        "time": NOON,
        "data": order_received(),
        "trace": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "cause": new_id(),
    }
    return Event(**{**values, **changes})


@pytest.mark.parametrize("changes", [{}, {"trace": None, "cause": None}], ids=["with trace and cause", "without"])
def test_an_event_comes_back_as_it_was(changes: dict[str, Any]) -> None:
    event = _event(**changes)
    assert Codec("validation", _RING).decode(*_CODEC.encode(event)) == event


def test_the_headers_are_cloudevents_in_binary_mode() -> None:
    event = _event()
    headers, _ = _CODEC.encode(event)
    assert headers == {
        "ce_specversion": "1.0",
        "ce_id": str(event.id),
        "ce_source": "/careplan/intake",
        "ce_type": "careplan.order_received.v1",
        "ce_time": "2026-11-21T12:00:00.123456+00:00",
        "ce_subject": str(event.subject),
        "ce_causationid": str(event.cause),
        "content-type": "application/json",
        "content-encoding": "zstd",
        "encryption-key": "one",
        "traceparent": event.trace,
    }


def test_nobody_without_the_key_reads_the_patient() -> None:
    headers, value = _CODEC.encode(_event())
    for secret in _SECRETS:
        assert secret.encode() not in value
        assert secret not in json.dumps(headers)


def _sealed(event: Event, plain: bytes) -> bytes:
    return _RING.seal(_compress(plain), event.id.bytes)


def _without(name: str) -> Any:
    return lambda _, headers, value: ({k: v for k, v in headers.items() if k != name}, value)


def _with(**changed: str) -> Any:
    return lambda _, headers, value: (headers | {k.replace("__", "-"): v for k, v in changed.items()}, value)


def _with_value(make: Any) -> Any:
    return lambda event, headers, _: (headers, make(event))


_BROKEN: list[tuple[str, Any, str]] = [
    *((f"no {name}", _without(name), "HEADER_MISSING") for name in ("ce_type", "ce_id", "ce_source", "ce_time")),
    ("no encryption-key", _without("encryption-key"), "HEADER_MISSING"),
    ("id is no UUID", _with(ce_id="Ana Bell"), "HEADER_MALFORMED"),
    ("time is no time", _with(ce_time="Ana Bell"), "HEADER_MALFORMED"),
    ("time is of no zone", _with(ce_time="2026-11-21T12:00:00"), "HEADER_MALFORMED"),
    ("cause is no UUID", _with(ce_causationid="Ana Bell"), "HEADER_MALFORMED"),
    ("key unknown", _with(encryption__key="lost"), "CANNOT_DECRYPT"),
    ("of another event", _with(ce_id=str(new_id())), "CANNOT_DECRYPT"),
    ("no value", _with_value(lambda _: None), "CANNOT_DECRYPT"),
    ("not sealed", _with_value(lambda _: b'{"first_name": "Ana"}'), "CANNOT_DECRYPT"),
    ("not compressed", _with_value(lambda event: _RING.seal(b"Ana Bell", event.id.bytes)), "CANNOT_DECOMPRESS"),
    (
        "cut off",
        _with_value(lambda event: _RING.seal(_compress(b'"Ana Bell"' * 99)[:-5], event.id.bytes)),
        "CANNOT_DECOMPRESS",
    ),
    ("a bomb", _with_value(lambda event: _sealed(event, b" " * (16 * 1024 * 1024 + 1))), "TOO_LARGE"),
    ("not JSON", _with_value(lambda event: _sealed(event, b"Ana Bell")), "NOT_THE_SCHEMA"),
    ("not UTF-8", _with_value(lambda event: _sealed(event, b'"\xff"')), "NOT_THE_SCHEMA"),
    ("not the fact", _with_value(lambda event: _sealed(event, b'{"first_name": "Ana Bell"}')), "NOT_THE_SCHEMA"),
    ("another type within", _with_value(lambda event: _sealed(event, b'{"type": "Ana Bell"}')), "NOT_THE_SCHEMA"),
]


@pytest.mark.parametrize(("breaks", "reason"), [row[1:] for row in _BROKEN], ids=[row[0] for row in _BROKEN])
def test_what_is_no_event_is_refused_with_a_reason_and_no_content(breaks: Any, reason: str) -> None:
    event = _event()
    with pytest.raises(Undecodable) as refused:
        _CODEC.decode(*breaks(event, *_CODEC.encode(event)))
    assert refused.value.reason == reason
    assert refused.value.__cause__ is None
    assert not any(secret in str((refused.value, refused.value.places)) for secret in _SECRETS)


def test_a_fact_of_the_wrong_form_is_refused_with_its_places() -> None:
    event = _event()
    body = event.data.model_dump(mode="json")
    body["order"]["patient"]["date_of_birth"] = "Ana Bell"
    del body["order"]["provider"]
    headers, _ = _CODEC.encode(event)
    with pytest.raises(Undecodable) as refused:
        _CODEC.decode(headers, _sealed(event, json.dumps(body).encode()))
    assert set(refused.value.places) == {
        "order.patient.date_of_birth:date_from_datetime_parsing",
        "order.provider:missing",
    }


def test_a_rotated_key_still_opens_what_waits_in_kafka() -> None:
    event = _event()
    old_key, new = new_key(), new_key()
    waiting = Codec("intake", Keyring.parse(f"old:{old_key}")).encode(event)
    assert Codec("intake", Keyring.parse(f"new:{new},old:{old_key}")).decode(*waiting) == event


def test_records_of_the_largest_size_pass() -> None:
    event = _event(data=order_received(patient_records="ż" * 200_000))
    decoded = _CODEC.decode(*_CODEC.encode(event))
    assert decoded is not None
    assert isinstance(decoded.data, OrderReceived)
    assert len(decoded.data.order.patient_records) == 200_000
