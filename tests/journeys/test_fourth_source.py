"""Adding a source is one file and one line: docs/add-a-source.md, done to a copy of the project that is then started."""

import json
import shutil
from pathlib import Path
from typing import Any

import httpx2

from tests.support.all_in_one import PROJECT, AllInOne, all_in_one

ROOMS = ("schemas", "chassis", "services", "knowledge", "local")

ONE_FILE = '''
"""`acme`: a hospice's spreadsheet, saved as JSON. German dates."""

from typing import Any

from chassis.errors import Fault
from chassis.strict_json import parse_json
from services.intake.adapters.base import Draft, Source, put_external_id
from services.intake.adapters.json_layout import JsonLayout
from services.intake.adapters.layout import Part
from services.intake.adapters.values import date_as, padded

_LAYOUT = JsonLayout(
    Part("row.number"),
    Part("person.given", "patient.first_name"),
    Part("person.family", "patient.last_name"),
    Part("person.id", "patient.mrn", padded(6)),
    Part("person.born", "patient.date_of_birth", date_as("DD.MM.YYYY")),
    Part("row.doctor", "provider.name"),
    Part("row.npi", "provider.npi"),
    Part("row.code", "primary_diagnosis"),
    Part("row.drug", "medication"),
    Part("row.said", "patient_records"),
)


class Acme(Source):
    name = "acme"
    content_type = "application/json"

    def parse(self, body: bytes) -> tuple[Any, list[Fault]]:
        return parse_json(body)

    def transform(self, document: tuple[Any, list[Fault]], draft: Draft) -> None:
        value, draft.faults = document
        put_external_id(draft, _LAYOUT.read(value, draft).at("row.number"))
'''
ONE_LINE = '    "acme:Acme",\n'

ORDER: dict[str, dict[str, Any]] = {
    "person": {"given": "Ana", "family": "Bell", "id": 4711, "born": "08.06.1979", "shoe_size": 40},
    "row": {
        "number": "A-1",
        "doctor": "Jane Lee",
        "npi": "1234567893",
        "code": "G70.00",
        "drug": "IVIG",
        "said": "MG.",
    },
}


def with_a_fourth_source(folder: Path) -> Path:
    for room in ROOMS:
        shutil.copytree(PROJECT / room, folder / room, ignore=shutil.ignore_patterns("__pycache__"))
    adapters = folder / "services/intake/adapters"
    (adapters / "acme.py").write_text(ONE_FILE)
    before, last, after = (adapters / "sources.py").read_text().partition('    "hl7v2:Hl7v2",\n')
    (adapters / "sources.py").write_text(before + last + ONE_LINE + after)
    return folder


def test_one_file_and_one_line_open_a_door_that_care_plans_come_out_of(tmp_path: Path) -> None:
    project = with_a_fourth_source(tmp_path / "project")
    with all_in_one(tmp_path / "home", project) as system:
        system.start()
        with partner(system, "acme") as acme:
            answer = post(acme, json.dumps(ORDER).encode())
            assert answer.status_code == 202, answer.text
            order = system.until(acme, answer.json()["order_id"], "completed")
            assert (order["source"], order["external_id"]) == ("acme", "A-1")
            assert (order["order"]["patient"]["mrn"], order["order"]["patient"]["date_of_birth"]) == (
                "004711",
                "1979-06-08",
            )
            assert {"field": "person.shoe_size"} in [problem["detail"] for problem in order["problems"]]

            broken = post(acme, json.dumps({**ORDER, "person": {**ORDER["person"], "born": "1979-06-08"}}).encode())
            assert [(fault["field"], fault["code"]) for fault in broken.json()["detail"]["errors"]] == [
                ("person.born", "DATE_OF_BIRTH")
            ]
            assert acme.get("/openapi.json").status_code == 200
        with partner(system, "clinic") as clinic:
            assert post(clinic, b"{}").status_code == 403
        with system.as_("admin") as admin:
            kept = admin.get("/api/ops/submissions", params={"source": "acme"}).json()["items"]
            assert [item["outcome"] for item in kept] == ["refused", "accepted"]


def partner(system: AllInOne, source: str) -> httpx2.Client:
    key = next(partner["key"] for partner in system.credentials()["partners"] if partner["source"] == source)
    return httpx2.Client(base_url=system.base_url, headers={"Authorization": f"Bearer {key}"}, timeout=40)


def post(client: httpx2.Client, body: bytes) -> httpx2.Response:
    return client.post("/api/intake/acme", content=body, headers={"Content-Type": "application/json"})
