"""The generated files say what the code says."""

import importlib
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from chassis.crypto import Keyring, new_key
from chassis.ids import new_id
from chassis.messaging.codec import Codec
from local.environment import SERVICES
from schemas.event import Event
from schemas.intake import CarePlanRequested
from schemas.publish import FOLDER, OPTIONAL_HEADERS, PACKED, documents
from schemas.topics import ACCESS, ALL, FACT_OF
from tests.support.chassis import NOON

_ASYNCAPI: dict[str, Any] = yaml.safe_load((FOLDER / "asyncapi.yaml").read_text())


@pytest.mark.parametrize(("place", "content"), list(documents()), ids=lambda value: getattr(value, "name", ""))
def test_generated_file_equals_the_code(place: Path, content: str) -> None:
    assert (FOLDER / place).read_text() == content, "the language changed: run `make schemas` and read the difference"


def test_there_is_a_schema_for_every_fact_and_for_what_travels_packed() -> None:
    assert {file.stem for file in (FOLDER / "json").glob("*.json")} == {*FACT_OF, PACKED}


@pytest.mark.parametrize("fact", FACT_OF.values(), ids=lambda fact: fact.__name__)
def test_a_type_is_the_facts_name_in_the_grammar_of_types(fact: Any) -> None:
    words = fact.model_fields["type"].default.removeprefix("careplan.").removesuffix(".v1").split("_")
    assert "".join(word.capitalize() for word in words) == fact.__name__


def test_the_headers_of_asyncapi_are_those_that_the_codec_writes() -> None:
    fact = CarePlanRequested(order_id=new_id(), attempt=2)
    event = Event(new_id(), "intake", NOON, fact, trace="00-" + "a" * 32 + "-" + "b" * 16 + "-01", cause=new_id())
    headers, _ = Codec("intake", Keyring.parse(f"one:{new_key()}")).encode(event)
    described = _ASYNCAPI["components"]["schemas"]["Headers"]
    assert set(described["properties"]) == set(headers)
    assert set(described["required"]) == set(headers) - set(OPTIONAL_HEADERS)
    for name, about in described["properties"].items():
        assert headers[name] == about.get("const", headers[name])


def test_every_payload_of_asyncapi_is_a_file() -> None:
    for message in _ASYNCAPI["components"]["messages"].values():
        assert json.loads((FOLDER / message["payload"]["$ref"]).read_text())["$id"] == f"{message['name']}.json"


@pytest.mark.parametrize("service", SERVICES)
def test_the_catalogue_lists_as_readers_those_who_subscribe(service: str) -> None:
    subscription = importlib.import_module(f"services.{service}.handlers").subscription(_Anybody())
    assert {topic.name for topic in ALL if service in topic.readers} == {
        *(topic.name for topic in subscription.topics),
        *({ACCESS.name} if service != "intake" else ()),  # the chassis reads it for every service
    }
    on_them = {fact for topic in subscription.topics for fact in topic.facts}
    assert set(subscription.facts) <= on_them, "a service waits for a fact that is on no topic it reads"


def test_every_topic_is_written_by_a_service_that_does_not_read_it() -> None:
    for topic in ALL:
        assert topic.writer in SERVICES
        assert topic.writer not in topic.readers


class _Anybody:
    """Use cases that are never called."""

    def __getattr__(self, _: str) -> None:
        return None
