"""Whatever somebody sends is refused in the one form of errors, and the next normal order is written as if nothing had been."""

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support import pdfs
from tests.support.orders import new_order
from tests.support.partners import new_patient, with_text
from tests.support.stack import Stack

ORDER = json.dumps(new_order()).encode()


def order_with(old: bytes, new: bytes) -> bytes:
    assert old in ORDER
    return ORDER.replace(old, new, 1)


JSON_ATTACKS = {
    "NaN": order_with(b'"weight_kg": 72', b'"weight_kg": NaN'),
    "infinity": order_with(b'"weight_kg": 72', b'"weight_kg": 1e999'),
    "a number of many digits": order_with(b'"weight_kg": 72', b'"weight_kg": ' + b"9" * 100_000),
    "half a surrogate": order_with(b'"medication": "', rb'"medication": "\ud800'),
    "half a surrogate as a key": order_with(b'"medication"', rb'"\udfff"'),
    "a NUL": order_with(b'"medication": "', rb'"medication": "\u0000'),
    "a raw NUL": order_with(b'"medication": "', b'"medication": "\0'),
    "a key twice": order_with(b'"medication"', b'"medication": "IVIG", "medication"'),
    "an unknown field": order_with(b'"medication"', b'"__proto__": {"admin": true}, "medication"'),
    "deep nesting": b"[" * 200_000,
    "deep objects": b'{"a":' * 200_000,
    "over-long": b'"' + b"x" * (2 * 1024 * 1024) + b'"',
    "no JSON": b"<order/>",
    "nothing": b"",
    "not UTF-8": b'{"patient": "\xff"}',
    "SQL in every text": order_with(b'"medication": "IVIG', b"\"medication\": \"'; DROP TABLE orders; --").replace(b'"mrn": "', b'"mrn": "\' OR 1=1 --'),
}  # fmt: skip
XML_ATTACKS = {
    "an outside entity": b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
    "a billion laughs": b'<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "' + b"&a;" * 100 + b'">]><a>&b;</a>',
    "a DTD in UTF-16": '<!DOCTYPE a [<!ENTITY x "ha">]><a>&x;</a>'.encode("utf-16"),
    "deep nesting": b"<a>" * 20_000,
    "many elements": b"<a>" + b"<b/>" * 15_000 + b"</a>",
    "an entity in our own form": with_text("pharmacorp", ("<co:CareOrder", "<!DOCTYPE co:CareOrder []><co:CareOrder")),
}
FILE_ATTACKS = {
    "a bomb": (pdfs.bomb(), "application/pdf"),
    "encrypted": (pdfs.encrypted("x"), "application/pdf"),
    "cut off": (pdfs.printed("x")[:200], "application/pdf"),
    "another type": (b"\x7fELF" + b"\0" * 500, "application/pdf"),
    "an archive": (b"PK\x03\x04" + b"\0" * 500, "application/zip"),
}


async def a_normal_order_completes(system: Stack) -> None:
    answer = await system.as_("assistant").post("/api/orders", json=new_order())
    assert answer.status_code == 202, answer.text
    await system.until(answer.json()["order_id"], "completed", seconds=60)


def assert_refused(answer: httpx2.Response) -> None:
    assert answer.status_code in {400, 413}, answer.text
    assert set(answer.json()) == {"type", "code", "message", "detail", "trace_id"}
    assert len(answer.content) < 20_000, "and what was sent does not come back"


@pytest.mark.parametrize("body", JSON_ATTACKS.values(), ids=JSON_ATTACKS.keys())
async def test_hostile_json_is_refused_and_a_normal_order_still_completes(system: Stack, body: bytes) -> None:
    json_type = {"Content-Type": "application/json"}
    assert_refused(await system.as_("assistant").post("/api/orders", content=body, headers=json_type))
    await a_normal_order_completes(system)


@pytest.mark.parametrize("body", XML_ATTACKS.values(), ids=XML_ATTACKS.keys())
async def test_hostile_xml_is_refused_and_a_normal_order_still_completes(system: Stack, body: bytes) -> None:
    partner, xml = system.as_partner("pharmacorp"), {"Content-Type": "application/xml"}
    assert_refused(await partner.post("/api/intake/pharmacorp", content=body, headers=xml))
    accepted = await partner.post("/api/intake/pharmacorp", content=new_patient("pharmacorp"), headers=xml)
    await system.until(accepted.json()["order_id"], "completed", seconds=60)


@pytest.mark.parametrize(("content", "media_type"), FILE_ATTACKS.values(), ids=FILE_ATTACKS.keys())
async def test_a_hostile_file_is_refused_and_a_normal_order_still_completes(
    system: Stack, content: bytes, media_type: str
) -> None:
    order = {name: value for name, value in new_order().items() if name != "patient_records"}
    parts: dict[str, Any] = {
        "order": (None, json.dumps(order), "application/json"),
        "patient_records": ("r.pdf", content, media_type),
    }
    assert_refused(await system.as_("assistant").post("/api/orders", files=parts))
    await a_normal_order_completes(system)


async def test_a_file_is_stored_under_an_id_of_ours_whatever_it_is_called(system: Stack) -> None:
    home = Path(system.environments["intake"]["CAREPLAN_HOME"])
    before = set(home.rglob("*"))
    order = {name: value for name, value in new_order().items() if name != "patient_records"}
    large = pdfs.printed("MG.").replace(b"%%EOF", b"%" + b"x" * 200_000 + b"\n%%EOF")
    file = ("../../../../evil\0.pdf", large, "application/pdf")
    parts: dict[str, Any] = {"order": (None, json.dumps(order), "application/json"), "patient_records": file}
    answer = await system.as_("assistant").post("/api/orders", files=parts)
    assert answer.status_code == 202, answer.text
    new = [place for place in set(home.rglob("*")) - before if place.is_file() and place.suffix != ".log"]
    assert len(new) == 1
    assert len(new[0].name) == 32
    assert int(new[0].name, 16)
