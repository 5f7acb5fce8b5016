"""What a partner's format costs beside the canonical JSON: the same orders, each way, at intake alone.

    python bench/sources.py [STARTS]        (make bench-sources)

Starts PostgreSQL, a broker and intake for itself. In each round every door gets as many orders, one door after the other,
so that what else the machine does meanwhile hits all of them; what is compared is the median of the rounds' ratios. Where
the parts of one process come to lie in memory moves its ratios by a tenth: intake is started several times, for some
rounds each, and what each start gave is shown, too.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from xml.sax.saxutils import escape

PROJECT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(PROJECT), str(PROJECT / "bench/load")]

import psutil
from client import RawClient
from orders import make

from chassis.migrate import migrate
from chassis.security import TokenSigner
from local.broker import EmbeddedBroker
from local.environment import Addresses, environment_of
from local.home import Secrets, new_secrets
from local.ports import free_port
from local.postgres import EmbeddedPostgres

ORDERS, AT_ONCE, DAY = 600, 32, "2026-02-05"
ROUNDS = 5
"""Of each start, after one to get warm."""


def canonical(i):
    o = make(i)
    return json.dumps({
        "patient": {"first_name": o.first_name, "last_name": o.last_name, "mrn": o.mrn, "date_of_birth": o.dob,
                    "sex": "female", "weight_kg": 72.0, "allergies": ["penicillin (hives)", "latex"]},
        "provider": {"name": o.provider_name, "npi": o.provider_npi}, "primary_diagnosis": o.primary_dx,
        "additional_diagnoses": o.other_dx, "medication": o.medication, "medication_history": o.history,
        "patient_records": o.records, "order_date": DAY,
    }).encode()  # fmt: skip


def clinic(i):
    o = make(i)
    year, month, day = o.dob.split("-")
    return json.dumps({
        "ref_id": f"NVC-{i}", "visit_date": "02/05/2026",
        "pt": {"fname": o.first_name, "lname": o.last_name, "chart_no": int(o.mrn), "dob": f"{month}/{day}/{year}",
               "gender": "F", "wt": {"v": 158.7, "u": "lb"}, "allergy": "penicillin (hives); latex"},
        "ref_by": o.provider_name, "ref_npi": int(o.provider_npi),
        "dx": [code.replace(".", "") for code in (o.primary_dx, *o.other_dx)], "rx": {"drug": o.medication},
        "med_hx": [dict(zip(("n", "dose", "freq"), (drug.split(" ")[0], " ".join(drug.split(" ")[1:3]), drug.split(" ", 3)[3])))
                   for drug in o.history],
        "notes": o.records,
    }).encode()  # fmt: skip


def pharmacorp(i):
    o = make(i)
    given, family = o.provider_name.removeprefix("Dr. ").split(" ")
    diagnoses = "".join(
        f'<co:Diagnosis rank="{n}">{code}</co:Diagnosis>' for n, code in enumerate((o.primary_dx, *o.other_dx), 1)
    )
    history = "".join(f"<co:Entry>{escape(drug)}</co:Entry>" for drug in o.history)
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<co:CareOrder xmlns:co="urn:pharmacorp:careorder:2" orderNumber="PC-{i}" date="02-05-2026">
  <co:Patient medicalRecordNumber="{o.mrn}">
    <co:PatientFirstName>{o.first_name}</co:PatientFirstName><co:PatientLastName>{o.last_name}</co:PatientLastName>
    <co:BirthDate>{o.dob.replace("-", "")}</co:BirthDate><co:AdministrativeGender code="F"/><co:Weight unit="kg">72</co:Weight>
    <co:Allergies><co:Allergy>penicillin (hives)</co:Allergy><co:Allergy>latex</co:Allergy></co:Allergies>
  </co:Patient>
  <co:Prescriber npi="{o.provider_npi}"><co:Name><co:Given>{given}</co:Given><co:Family>{family}</co:Family></co:Name></co:Prescriber>
  <co:Diagnoses>{diagnoses}</co:Diagnoses>
  <co:Therapy><co:DrugName>{o.medication}</co:DrugName></co:Therapy>
  <co:MedicationHistory>{history}</co:MedicationHistory>
  <co:ClinicalNotes>{escape(o.records)}</co:ClinicalNotes>
</co:CareOrder>""".encode()


DOORS = {
    "canonical": ("/api/orders", "application/json", canonical),
    "clinic": ("/api/intake/clinic", "application/json", clinic),
    "pharmacorp": ("/api/intake/pharmacorp", "application/xml", pharmacorp),
}


def request(client, signer, door, i):
    path, media_type, write = DOORS[door]
    who = {"roles": frozenset({"assistant"})} if door == "canonical" else {"source": door}
    token = request.tokens.setdefault(door, signer.sign(f"bench {door}", 3600, **who))
    body = write(i)
    head = f"POST {path} HTTP/1.1\r\nHost: {client.host}\r\nAuthorization: Bearer {token}\r\n"
    return f"{head}Content-Type: {media_type}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


request.tokens = {}


async def post(client, requests):
    """All of them, AT_ONCE at a time; returns the seconds it took."""
    waiting = iter(requests)

    async def worker():
        for one in waiting:
            status, body = await client.send(one)
            assert status == 202, (status, body)

    started = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(AT_ONCE)))
    return time.perf_counter() - started


def cpu_of(process):
    times = process.cpu_times()
    return times.user + times.system


async def measure(base_url, signer, intake, number):
    client, seen = RawClient(base_url), {door: [] for door in DOORS}
    for turn in range(ROUNDS + 1):
        for door in [*DOORS][turn % 3 :] + [*DOORS][: turn % 3]:
            requests = [request(client, signer, door, next(number)) for _ in range(ORDERS)]
            await asyncio.sleep(0.3)  # the relay has sent what the door before left to it
            before = cpu_of(intake)
            seconds = await post(client, requests)
            await asyncio.sleep(0.3)
            if turn:
                seen[door].append((ORDERS / seconds, (cpu_of(intake) - before) / ORDERS * 1e6))
    await client.close()
    return seen


def ratios(mine, canonical):
    """Of orders a second, and of CPU: above 1 is better than canonical."""
    return (
        statistics.median(one[0] / other[0] for one, other in zip(mine, canonical)),
        statistics.median(other[1] / one[1] for one, other in zip(mine, canonical)),
    )


def show(starts):
    print(
        f"{'':12} {'orders/s':>9} {'ratio':>6}   {'CPU µs an order':>16} {'ratio':>6}   ratios of orders/s, start by start"
    )
    for door in DOORS:
        mine, canonical = ([figure for seen in starts for figure in seen[of]] for of in (door, "canonical"))
        rate, cpu = (statistics.median(figure[k] for figure in mine) for k in (0, 1))
        rates, cpus = ratios(mine, canonical)
        each = " ".join(f"{ratios(seen[door], seen['canonical'])[0]:.2f}" for seen in starts)
        print(f"{door:12} {rate:9.0f} {rates:6.2f}   {cpu:16.0f} {cpus:6.2f}   {each}")


async def main(starts):
    with tempfile.TemporaryDirectory(prefix="bench-sources-") as folder:
        home, secrets, number, seen = Path(folder), Secrets(**new_secrets()), iter(range(1, 10_000_000)), []
        home.chmod(0o755)  # as root, PostgreSQL runs as somebody who must get in
        async with EmbeddedPostgres(home) as postgres, EmbeddedBroker() as broker:
            await migrate("intake", postgres.url, secrets.role_password)
            addresses = Addresses(postgres.url, broker.bootstrap_servers, embedded_broker=True)
            environment = environment_of("intake", addresses, secrets, {**os.environ, "CAREPLAN_HOME": folder})
            signer = TokenSigner.from_json(secrets.token_private_key)
            for _ in range(starts):
                port = free_port()
                command = [sys.executable, "-m", "local", "service", "intake", "--port", str(port)]
                with subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=subprocess.DEVNULL) as intake:
                    try:
                        await until_ready(port)
                        process = psutil.Process(intake.pid)
                        seen.append(await measure(f"http://127.0.0.1:{port}", signer, process, number))
                    finally:
                        intake.terminate()
        await postgres.wipe()
    show(seen)


async def until_ready(port):
    client = RawClient(f"http://127.0.0.1:{port}")
    for _ in range(600):
        try:
            if (await client.send(client.build("GET", "/health/ready")))[0] == 200:
                return
        except OSError:
            pass
        await asyncio.sleep(0.1)
    raise SystemExit("intake did not start")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 6))
