"""P14: every event ever released stays readable; unknown fields and types are passed over."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from chassis.crypto import Keyring, new_key
from chassis.ids import new_id
from chassis.messaging.codec import Codec
from schemas.careplan import unpack
from schemas.event import Event, Fact
from schemas.generator import CarePlanCompleted, CarePlanRevised
from schemas.publish import FOLDER, PACKED, RELEASED
from schemas.topics import FACT_OF
from tests.support.chassis import NOON
from tests.support.compatibility import still_reads

_KEPT = Path(__file__).parent / "samples"
_SAMPLES = sorted(_KEPT.glob("careplan.*.json"))
_CODEC = Codec("any", Keyring.parse(f"one:{new_key()}"))


def _on_the_wire(type_name: str, body: dict[str, Any]) -> tuple[dict[str, str], bytes]:
    """As a writer of another version would send it."""

    class AsItIs(Fact):
        def model_dump_json(self, **_: Any) -> str:
            return json.dumps(body)

    return _CODEC.encode(Event(new_id(), "any", NOON, AsItIs(type=type_name, order_id=body["order_id"])))


@pytest.mark.parametrize("sample", _SAMPLES, ids=lambda file: file.stem)
def test_p14_kept_sample_is_read_and_nothing_of_it_is_lost(sample: Path) -> None:
    body = json.loads(sample.read_text())
    event = _CODEC.decode(*_on_the_wire(sample.stem, body))
    assert event is not None
    assert _without_what_was_added_since(event.data.model_dump(mode="json"), body) == body


def _without_what_was_added_since(read: Any, kept: Any) -> Any:
    if isinstance(read, dict) and isinstance(kept, dict):
        return {name: _without_what_was_added_since(value, kept[name]) for name, value in read.items() if name in kept}
    if isinstance(read, list) and isinstance(kept, list) and len(read) == len(kept):
        return [_without_what_was_added_since(*pair) for pair in zip(read, kept, strict=True)]
    return read


def test_p14_there_is_a_kept_sample_of_every_fact() -> None:
    assert {file.stem for file in _SAMPLES} >= set(FACT_OF)


@pytest.mark.parametrize("sample", _SAMPLES, ids=lambda file: file.stem)
def test_p14_unknown_fields_are_passed_over_wherever_they_stand(sample: Path) -> None:
    body = json.loads(sample.read_text())
    from_a_later_version = _with_a_field_more(body)
    event = _CODEC.decode(*_on_the_wire(sample.stem, from_a_later_version))
    assert event is not None
    assert "added_later" not in event.data.model_dump_json(exclude={"findings", "notices", "confirmed"})


def _with_a_field_more(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _with_a_field_more(inner) for name, inner in value.items()} | {"added_later": {"deep": [1]}}
    return [_with_a_field_more(inner) for inner in value] if isinstance(value, list) else value


def test_p14_unknown_types_are_passed_over() -> None:
    later = {"order_id": str(new_id()), "whatever": 1}
    assert _CODEC.decode(*_on_the_wire("careplan.order_received.v2", later)) is None
    assert _CODEC.decode({"ce_type": "com.example.other", "ce_id": "not even a UUID"}, b"anything") is None


_RELEASED = sorted((FOLDER / RELEASED).glob("*.json"))


@pytest.mark.parametrize("released", _RELEASED, ids=lambda file: file.stem)
def test_p14_schema_still_reads_whatever_the_released_one_allowed(released: Path) -> None:
    new, old = json.loads((FOLDER / "json" / released.name).read_text()), json.loads(released.read_text())
    assert still_reads(new, old), "a released fact would become unreadable: write a new type beside it"
    assert still_reads(old, _without_new_fields(new, old)), "a service of the last release could not read this any more"


def _without_new_fields(new: dict[str, Any], old: dict[str, Any]) -> dict[str, Any]:
    """What an old reader sees: it passes over the fields that it does not know."""
    seen = deepcopy(new)
    for name, definition in [("", seen), *seen.get("$defs", {}).items()]:
        before = old.get("$defs", {}).get(name, {}) if name else old
        if "properties" in definition and "properties" in before:
            known = before["properties"]
            definition["properties"] = {f: v for f, v in definition["properties"].items() if f in known}
    return seen


def test_p14_no_released_fact_is_gone() -> None:
    assert {file.stem for file in _RELEASED} <= {*FACT_OF, PACKED}


@pytest.mark.parametrize("type_name", ["careplan.care_plan_completed.v1", "careplan.care_plan_revised.v1"])
def test_p14_the_care_plan_packed_in_a_kept_sample_is_read(type_name: str) -> None:
    event = _CODEC.decode(*_on_the_wire(type_name, json.loads((_KEPT / f"{type_name}.json").read_text())))
    assert event is not None
    assert isinstance(event.data, CarePlanCompleted | CarePlanRevised)
    plan, kept = unpack(event.data.careplan).model_dump(mode="json"), json.loads((_KEPT / "CarePlan.json").read_text())
    assert _without_what_was_added_since(plan, kept) == kept


_OLD: dict[str, Any] = {
    "type": "object",
    "properties": {
        "kind": {"enum": ["a", "b"], "type": "string"},
        "day": {"type": "string", "format": "date"},
        "weight": {"anyOf": [{"type": "number"}, {"type": "null"}], "default": None},
        "inner": {"$ref": "#/$defs/Inner"},
    },
    "required": ["kind", "day", "inner"],
    "$defs": {"Inner": {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}},
}


def _changed(path: str, value: Any) -> dict[str, Any]:
    changed = deepcopy(_OLD)
    *way, last = path.split("/")
    place = changed
    for step in way:
        place = place[step]
    place[last] = value
    return changed


@pytest.mark.parametrize(
    ("change", "harmless"),
    [
        (_changed("properties/added", {"type": "integer", "default": 0}), True),
        (_changed("properties/kind/enum", ["a", "b", "c"]), True),
        (_changed("properties/day", {"type": "string"}), True),
        (_changed("required", ["kind", "day"]), True),
        (_changed("required", ["kind", "day", "inner", "weight"]), False),
        (_changed("properties/kind/enum", ["a"]), False),
        (_changed("properties/day/format", "date-time"), False),
        (_changed("properties/weight", {"type": "number"}), False),
        (_changed("$defs/Inner/properties/id", {"type": "integer"}), False),
        (_changed("$defs/Inner/required", ["id", "added"]), False),
        (_changed("properties/added", {"type": "integer"}) | {"required": ["kind", "day", "inner", "added"]}, False),
    ],
    ids=[
        "an optional field", "a value more", "any text for a date", "required no longer",
        "required now", "a value less", "another format", "null no longer", "another type deep inside",
        "a required field deep inside", "a required field",
    ],
)  # fmt: skip
def test_the_check_tells_a_harmless_change_from_a_breaking_one(change: dict[str, Any], harmless: bool) -> None:
    assert still_reads(change, _OLD) is harmless
