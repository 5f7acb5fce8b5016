"""What a whole run leaves behind tells nothing about its patients: logs, metrics, traces, Kafka, errors, addresses.

The all-in-one as a newcomer starts it, but talkative: every order traced, and logs at debug. Its people have names, numbers,
days and findings that stand nowhere by chance.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from tests.support import pdfs
from tests.support.all_in_one import PROJECT, AllInOne, all_in_one
from tests.support.orders import an_npi
from tests.support.otlp import Receiver, otlp_receiver
from tests.support.partners import with_text
from tests.support.stack import sample_order

WORDS = ("Quetzalina", "Vombatus", "Wolpertinger", "Zibellino", "Xylokarpia", "kryptonitosis", "Ömmelfrau")
NUMBERS = ("748391", "748392", "748393", "748394")
DAYS = ("1957-03-19", "03/19/1957", "03-19-1957", "19570319", "19.03.1957")
NOTE = "Kryptonitosis since the visit in Xylokarpia; creatinine 0.78 mg/dL."


def secrets_in(text: str) -> set[str]:
    """Numbers only where they stand alone: six digits may well be part of an id or of a time."""
    lower = text.lower()
    found = {word for word in (*WORDS, *DAYS) if word.lower() in lower}
    return found | {number for number in NUMBERS if re.search(rf"(?<![0-9a-f.-]){number}(?![0-9a-f])", lower)}


@dataclass
class Run:
    """A running system, and every refusal that somebody got who had not just sent what it is about."""

    system: AllInOne
    collector: Receiver
    refusals: list[str] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)

    def as_(self, caller: str) -> httpx2.Client:
        credentials = self.system.credentials()
        keys = {partner["source"]: partner["key"] for partner in credentials["partners"]}
        keys |= {account["username"]: account["token"] for account in credentials["staff"]}
        return httpx2.Client(
            base_url=self.system.base_url,
            headers={"Authorization": f"Bearer {keys[caller]}"},
            timeout=40,
            event_hooks={"response": [self._note]},
        )

    def _note(self, answer: httpx2.Response) -> None:
        self.headers.append(str(answer.headers.multi_items()))

    @property
    def kafka(self) -> str:
        for process in self.system.everybody():
            environments = process.environ().get("CAREPLAN_ENVIRONMENTS")
            if environments:
                address: str = json.loads(environments)["intake"]["KAFKA_BOOTSTRAP_SERVERS"]
                return address
        raise AssertionError("no service runs")


def order(number: int = 0, **changes: Any) -> dict[str, Any]:
    patient = {"first_name": WORDS[0], "last_name": WORDS[1], "mrn": NUMBERS[number], "date_of_birth": DAYS[0]}
    provider = {"name": f"Dr. {WORDS[2]}", "npi": an_npi(77_777 + number)}
    return sample_order(**{"patient": patient, "provider": provider, "patient_records": NOTE, **changes})


CLINIC = with_text(
    "clinic", ("Marisol", WORDS[0]), ("O'Neil-Ferrer", WORDS[3]), ("20417", NUMBERS[1]), ("11/23/1968", DAYS[1]),
    ("RA seropositive", NOTE),
)  # fmt: skip
PHARMACORP = with_text(
    "pharmacorp", ("Søren", WORDS[6]), ("Ibañez Whitlock", WORDS[3]), ("330912", NUMBERS[2]), ("19870214", DAYS[3]),
    ("Relapsing MS", NOTE),
)  # fmt: skip
HL7 = with_text(
    "hl7v2", ("447120^", f"{NUMBERS[3]}^"), ("Nakagawa-Reyes^Tomás", f"{WORDS[3]}^{WORDS[6]}"), ("19600930", DAYS[3])
)


def everything_that_happens(run: Run) -> None:
    """Each way in, each outcome, each mistake that might be told in words."""
    assistant, pharmacist, clinic = run.as_("assistant"), run.as_("pharmacist"), run.as_("clinic")
    wait, json_type = {"Prefer": "wait=20"}, {"Content-Type": "application/json"}
    accepted = assistant.post("/api/orders", json=order(), headers=wait)
    shown = run.system.until(assistant, accepted.json()["order_id"], "completed")
    careplan = f"/api/careplans/{shown['careplan']['careplan_id']}"
    for query in (
        f"q={WORDS[1]}",
        f"q={NUMBERS[0]}",
        f"medication={WORDS[4]}",
        f"from={DAYS[0]}&limit=0",
        f"cursor={WORDS[0]}",
    ):
        assistant.get(f"/api/orders?{query}")
    for kind in ("txt", "pdf", "json", "fhir"):
        assert assistant.get(f"{careplan}/download?format={kind}").status_code == 200
    pharmacist.post(f"{careplan}/revisions", json={"text": f"{WORDS[0]} has {WORDS[5]}.", "note": f"For {WORDS[1]}"})
    pharmacist.post(f"{careplan}/approve", json={})
    run.as_("analyst").get(f"/api/reports/orders.csv?medication={WORDS[4]}")

    file: dict[str, Any] = {"order": (None, json.dumps({**order(), "patient_records": None})),
            "patient_records": (f"{WORDS[1]}.pdf", pdfs.printed(NOTE), "application/pdf")}  # fmt: skip
    duplicate = assistant.post("/api/orders", files=file, headers=wait)
    assert duplicate.status_code == 409, duplicate.text
    for wrong in (order(patient={"first_name": f"{WORDS[0]}2", "mrn": WORDS[3]}), {WORDS[4]: NOTE}, [NOTE]):
        assert assistant.post("/api/orders", json=wrong, headers={"Idempotency-Key": WORDS[5]}).status_code in {
            400,
            422,
        }
    assistant.post("/api/session", json={"username": WORDS[0], "password": WORDS[1]})

    for source, media_type, body in (
        ("clinic", "application/json", CLINIC), ("pharmacorp", "application/xml", PHARMACORP), ("hl7v2", "application/hl7-v2", HL7)
    ):  # fmt: skip
        partner = run.as_(source)
        taken = partner.post(f"/api/intake/{source}", content=body, headers={"Content-Type": media_type, **wait})
        assert taken.status_code in {202, 409}, taken.text
        partner.post(f"/api/intake/{source}", content=body[: len(body) // 2], headers={"Content-Type": media_type})
    # A partner who knows somebody's number learns nothing of whose it is.
    mismatch = CLINIC.replace(NUMBERS[1].encode(), NUMBERS[0].encode()).replace(WORDS[3].encode(), b"Somebody")
    somebody = (
        mismatch.replace(WORDS[0].encode(), b"Else")
        .replace(DAYS[1].encode(), b"01/02/1980")
        .replace(NOTE.encode(), b"RA")
    )
    warned = clinic.post("/api/intake/clinic", content=somebody, headers={**json_type, **wait})
    assert warned.status_code == 409, warned.text
    run.refusals.append(warned.text.replace(NUMBERS[0], "(what was just sent)"))
    for path in (f"/api/orders/{shown['order_id']}", careplan, f"/api/orders/{WORDS[0]}", f"/api/nothing/{WORDS[1]}"):
        refused = clinic.get(path)
        assert refused.status_code == 404
        run.refusals.append(refused.text)
    run.refusals += [run.as_(role).get(careplan).text for role in ("analyst",)]


async def poison(run: Run) -> None:
    """What no service can read, from whoever may write to Kafka."""
    producer = AIOKafkaProducer(bootstrap_servers=run.kafka, enable_idempotence=False)
    await producer.start()
    for value in (NOTE.encode(), json.dumps(order()).encode(), b"\xff" + WORDS[0].encode()):
        await producer.send_and_wait("careplan.orders", value)
    await producer.stop()
    admin = run.as_("admin")
    async with asyncio.timeout(60):
        while len(letters := admin.get("/api/ops/dead-letters").json()["items"]) < 3:
            await asyncio.sleep(0.2)
    run.refusals.append(json.dumps(letters))
    run.refusals.append(admin.post(f"/api/ops/dead-letters/{letters[0]['id']}/replay").text)


async def everything_on_kafka(run: Run) -> AsyncIterator[str]:
    """Keys, headers and values of every topic, but for the poison, which is not ours."""
    consumer = AIOKafkaConsumer(bootstrap_servers=run.kafka, auto_offset_reset="earliest")
    await consumer.start()
    consumer.subscribe(sorted(topic for topic in await consumer.topics() if topic.startswith("careplan.")))
    ends: dict[Any, int] = {}
    while not ends:
        await consumer.getmany(timeout_ms=200)
        ends = await consumer.end_offsets(consumer.assignment()) if consumer.assignment() else {}
    await consumer.seek_to_beginning()
    while any([await consumer.position(place) < end for place, end in ends.items()]):
        for records in (await consumer.getmany(timeout_ms=500)).values():
            for record in records:
                if record.headers:
                    yield f"{record.topic} {record.key!r} {record.headers!r} {record.value!r}"
    await consumer.stop()


async def a_statement_that_fails(run: Run) -> None:
    url = next(
        json.loads(process.environ()["CAREPLAN_ENVIRONMENTS"])["intake"]["DATABASE_URL"]
        for process in run.system.everybody()
        if "CAREPLAN_ENVIRONMENTS" in process.environ()
    )
    connection = await asyncpg.connect(url, ssl=False)
    for statement, value in (("SELECT $1::text::date", WORDS[0]), (f"SELECT '{NOTE}'::integer", None)):
        with pytest.raises(asyncpg.PostgresError):
            await connection.fetch(statement, *([value] if value else []))
    await connection.close()


@pytest.mark.timeout(800)
async def test_a_whole_run_leaves_nothing_about_its_patients_behind(tmp_path: Path) -> None:
    with otlp_receiver() as collector:
        talkative = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "CAREPLAN_TRACE_SAMPLE": "1",
            "CAREPLAN_LOG_LEVEL": "debug",
        }
        with all_in_one(tmp_path / "home", PROJECT, **talkative) as system:
            system.start()
            run = Run(system, collector)
            await asyncio.to_thread(everything_that_happens, run)
            await poison(run)
            await a_statement_that_fails(run)
            metrics = httpx2.get(f"{system.base_url}/metrics").text
            on_kafka = [message async for message in everything_on_kafka(run)]
            system.stop()
        left = {
            "metrics": metrics,
            "kafka": "\n".join(on_kafka),
            "traces": b"\n".join(collector.raw).decode("latin-1"),
            "refusals": "\n".join(run.refusals),
            "headers": "\n".join(run.headers),
            **{str(log.relative_to(tmp_path)): log.read_text(errors="replace") for log in tmp_path.rglob("*.log")},
            "terminal": system.output.read_text(),
        }
        assert_there_was_something_to_find(left)
        assert {name: secrets_in(text) for name, text in left.items() if secrets_in(text)} == {}


def assert_there_was_something_to_find(left: dict[str, str]) -> None:
    assert len(left["kafka"].splitlines()) > 10
    assert "careplan.order_received.v1" in left["kafka"]
    assert "POST /api/orders" in left["traces"]
    assert 'route="/api/orders"' in left["metrics"]
    assert "orders.received" in left["home/logs/services.log"]
    assert any(name.endswith("postgres.log") for name in left)


def test_what_is_looked_for_would_be_found() -> None:
    for word in (*WORDS, *DAYS):
        assert secrets_in(f"x{word.upper()}y") == {word}
    for number in NUMBERS:
        assert secrets_in(f'{{"mrn": "{number}"}}') == {number}
        assert secrets_in(f"2026-01-01T00:00:00.{number}Z 0{number}0") == set()
