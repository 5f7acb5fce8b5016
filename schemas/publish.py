"""Writes the language down for those who do not read Python: `python -m schemas.publish`.

json/<type>.json    JSON Schema of each fact, from its class (and CarePlan.json, which travels packed)
asyncapi.yaml         topics, headers, who writes and reads
json/released/      the same as of the last release: what is written today must stay readable by it, and what was
                    written then by us (tests/schemas). `python -m schemas.publish release` moves it on.
"""

import inspect
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from schemas.careplan import CarePlan
from schemas.event import Fact
from schemas.topics import ALL, FACT_OF, Topic

FOLDER = Path(__file__).parent
RELEASED = Path("json/released")

_ABOUT = """\
What the services of the care plan system tell each other: CloudEvents 1.0 in binary mode over Kafka.

A value on the wire is not JSON to the eye: it is the payload described here, as UTF-8 JSON, compressed (Zstandard), then
encrypted with AES-256-GCM (12 bytes nonce, ciphertext, 16 bytes tag; the 16 bytes of `ce_id` are its associated data)
under the key that the header `encryption-key` names. Who runs Kafka sees types, ids and times, never a patient.

Readers pass over fields and types that they do not know. Adding an optional field keeps a type's number.
"""

_HEADERS: dict[str, tuple[str, dict[str, Any]]] = {
    "ce_specversion": ("CloudEvents version.", {"const": "1.0"}),
    "ce_id": ("UUIDv7 of the event: readers remove duplicates by it.", {"format": "uuid"}),
    "ce_source": ("`/careplan/` and the service that wrote it.", {}),
    "ce_type": ("Type of the fact.", {}),
    "ce_time": ("When it happened, ISO 8601 with offset.", {"format": "date-time"}),
    "ce_subject": ("What it happened to, as in the key.", {"format": "uuid"}),
    "content-type": ("Of the value before compression.", {"const": "application/json"}),
    "content-encoding": ("Before encryption.", {"const": "zstd"}),
    "encryption-key": ("Id of the key that opens the value.", {}),
    "traceparent": ("W3C trace context of the request that started it all.", {}),
    "ce_causationid": ("The event that made the writer emit this one.", {"format": "uuid"}),
}
PACKED = "CarePlan"
"""What travels compressed within a fact has a schema of its own."""
OPTIONAL_HEADERS = ("traceparent", "ce_causationid")


class _Readable(yaml.SafeDumper):
    """Texts of several lines stand as they were written."""


_Readable.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None),
)


def documents() -> Iterator[tuple[Path, str]]:
    """Every generated file, relative to this folder, with its content."""
    for type_name, fact in FACT_OF.items():
        yield Path(f"json/{type_name}.json"), _as_json(json_schema(type_name, fact))
    yield Path(f"json/{PACKED}.json"), _as_json(json_schema(PACKED, CarePlan))
    yield Path("asyncapi.yaml"), yaml.dump(asyncapi(), Dumper=_Readable, sort_keys=False, allow_unicode=True, width=110)


def json_schema(name: str, model: type[BaseModel]) -> dict[str, Any]:
    identity = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"{name}.json"}
    return identity | model.model_json_schema()


def asyncapi() -> dict[str, Any]:
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Care plans: events", "version": "1", "description": _ABOUT},
        "defaultContentType": "application/json",
        "channels": {_short(topic): _channel(topic) for topic in ALL},
        "operations": {
            name: {"action": action, "channel": {"$ref": f"#/channels/{_short(topic)}"}, "x-service": service}
            for topic in ALL
            for name, action, service in _operations(topic)
        },
        "components": {
            "messages": {fact.__name__: _message(topic, fact) for topic in ALL for fact in topic.facts},
            "schemas": {"Headers": _headers()},
        },
    }


def _channel(topic: Topic) -> dict[str, Any]:
    kept = "kept for ever" if topic.keeps_forever else "kept as long as the broker is set to"
    return {
        "address": topic.name,
        "description": f"Written by {topic.writer} alone, keyed by {topic.key}, {kept}.",
        "messages": {fact.__name__: {"$ref": f"#/components/messages/{fact.__name__}"} for fact in topic.facts},
        "x-writer": topic.writer,
        "x-key": topic.key,
    }


def _operations(topic: Topic) -> Iterator[tuple[str, str, str]]:
    yield f"{topic.writer}.sends.{_short(topic)}", "send", topic.writer
    for reader in topic.readers:
        yield f"{reader}.receives.{_short(topic)}", "receive", reader


def _message(topic: Topic, fact: type[Fact]) -> dict[str, Any]:
    type_name = fact.model_fields["type"].default
    return {
        "name": type_name,
        # __dict__, because a class without a docstring of its own would inherit one.
        **({"summary": inspect.cleandoc(fact.__dict__["__doc__"])} if fact.__dict__.get("__doc__") else {}),
        "headers": {"$ref": "#/components/schemas/Headers"},
        "payload": {"$ref": f"json/{type_name}.json"},
        "bindings": {"kafka": {"key": {"type": "string", "format": "uuid", "description": topic.key}}},
    }


def _headers() -> dict[str, Any]:
    return {
        "type": "object",
        "required": [name for name in _HEADERS if name not in OPTIONAL_HEADERS],
        "properties": {
            name: {"type": "string", "description": about, **more} for name, (about, more) in _HEADERS.items()
        },
    }


def _short(topic: Topic) -> str:
    return topic.name.rpartition(".")[2]


def _as_json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def publish(folder: Path = FOLDER, *, release: bool = False) -> None:
    for place, content in documents():
        _write(folder / place, content)
        if release and place.suffix == ".json":
            _write(folder / RELEASED / place.name, content)


def _write(file: Path, content: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content, encoding="utf-8")


if __name__ == "__main__":
    publish(release="release" in sys.argv[1:])
