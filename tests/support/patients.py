"""A day at a fictional pharmacy: every outcome an order can have, and people whose names nothing but the product may know."""

import json
import time
from dataclasses import dataclass
from typing import Any

import httpx2

from tests.support.all_in_one import AllInOne
from tests.support.hooks import Hooks
from tests.support.orders import an_npi
from tests.support.stack import sample_order


@dataclass(frozen=True)
class Patient:
    """Each part is found nowhere else, so that a search for it cannot be mistaken."""

    first_name: str
    last_name: str
    mrn: str
    date_of_birth: str
    note: str

    @property
    def secrets(self) -> tuple[str, ...]:
        return (self.first_name, self.last_name, self.mrn, self.date_of_birth, self.note)


_FIRST = ("Quenzella", "Zorabeth", "Vimbaiwe", "Xanthira")
_LAST = ("Oxblythe", "Wrenquist", "Nkosazanar", "Tjörvason")


def patients() -> list[Patient]:
    return [
        Patient(first, last, f"83{number}719", f"193{number}-07-2{number}", f"keeps {number} russet hens")
        for number, (first, last) in enumerate(zip(_FIRST, _LAST, strict=True), start=1)
    ]


def order_of(patient: Patient, number: int = 1, **changes: Any) -> dict[str, Any]:
    identity = {
        "first_name": patient.first_name,
        "last_name": patient.last_name,
        "mrn": patient.mrn,
        "date_of_birth": patient.date_of_birth,
    }
    provider = {"name": "Dr. Jane Lee", "npi": an_npi(70_000 + number)}
    order = sample_order(patient=identity, provider=provider, order_date="2026-02-05")
    return {**order, "patient_records": f"{order['patient_records']}\nThe patient {patient.note}.", **changes}


def a_day_at_the_pharmacy(system: AllInOne, receiver: Hooks) -> tuple[list[Patient], dict[str, dict[str, Any]]]:
    """Returns once every order is where it was going, and the subscriber has been told."""
    people = patients()
    orders: dict[str, dict[str, Any]] = {}
    with system.as_("admin") as admin, system.as_("assistant") as desk, system.as_("pharmacist") as pharmacist:
        made = admin.post("/api/notifications/subscriptions", json={"url": receiver.url})
        assert made.status_code == 201, made.text
        for number, patient in enumerate(people):
            orders[f"completed {number}"] = _post(desk, order_of(patient, number))
        for name in list(orders):
            orders[name] |= system.until(desk, orders[name]["order_id"], "completed")
        orders["rejected"] = _post(desk, order_of(people[0], 0), wait=True)
        orders["warned"] = _post(desk, order_of(people[0], 0, order_date="2026-02-06"), wait=True)
        faulty = order_of(people[1], 1)
        faulty["patient"]["mrn"] = f"{people[1].mrn}-{people[1].last_name}"
        assert desk.post("/api/orders", json=faulty).status_code == 400
        plan = orders["completed 0"]["careplan"]
        path = f"/api/careplans/{plan['careplan_id']}"
        note = {"text": f"{plan['text']}\nChecked for {people[0].last_name}.", "note": "checked"}
        assert pharmacist.post(f"{path}/revisions", json=note).status_code == 201
        assert pharmacist.post(f"{path}/approve", json={}).status_code == 200
        assert desk.get("/api/orders", params={"q": people[0].last_name}).status_code == 200
    ids = {order["order_id"] for order in orders.values()}
    _until(lambda: ids <= {json.loads(body)["data"]["order_id"] for _, body in receiver.received})
    return people, orders


def _post(desk: httpx2.Client, order: dict[str, Any], *, wait: bool = False) -> dict[str, Any]:
    """The answer, with the trace that it began."""
    trace_id = f"{time.time_ns():032x}"
    headers = {"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01", **({"Prefer": "wait=20"} if wait else {})}
    answer = desk.post("/api/orders", json=order, headers=headers)
    body: dict[str, Any] = answer.json()
    order_id = body.get("order_id") or body["detail"]["order_id"]
    return {"order_id": order_id, "trace_id": trace_id, "status_code": answer.status_code}


def _until(happened: Any, seconds: float = 180) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.05)
