"""Orders for tests of the generator: the samples as intake normalises them, and one to vary."""

import json
from pathlib import Path
from typing import Any

from schemas.order import Order

_SAMPLES = Path(__file__).parents[2] / "samples"
_PATIENT = frozenset(
    f"patient_{field}" for field in ("first_name", "last_name", "mrn", "date_of_birth", "sex", "weight_kg", "allergies")
)


def order(**changes: Any) -> Order:
    """A plain order for IVIG; `patient_first_name` and its like go to the patient."""
    patient: dict[str, Any] = {
        "first_name": "Mia", "last_name": "Roe", "mrn": "112233", "date_of_birth": "1976-01-20", "sex": "female",
        "weight_kg": 70.0, "allergies": ["None known"],
    }  # fmt: skip
    patient |= {key.removeprefix("patient_"): changes.pop(key) for key in list(changes) if key in _PATIENT}
    body = {
        "patient": patient,
        "provider": {"name": "Dr. Amir Vance", "npi": "1234567893"},
        "primary_diagnosis": "G70.00",
        "medication": "IVIG",
        "medication_history": ["Pyridostigmine 60 mg daily"],
        "patient_records": "Stable. Creatinine 0.8 mg/dL.",
        "order_date": "2026-02-05",
    }
    return Order.model_validate(body | changes)


def ivig_sample() -> Order:
    return Order.model_validate(json.loads((_SAMPLES / "web/ivig-gmg.json").read_text()) | {"order_date": "2026-02-05"})


def adalimumab_sample() -> Order:
    return order(
        patient_first_name="Marisol",
        patient_last_name="O'Neil-Ferrer",
        patient_mrn="020417",
        patient_date_of_birth="1968-11-23",
        patient_weight_kg=72.0,
        patient_allergies=["penicillin (hives)", "latex"],
        provider={"name": "OKAFOR, CHIDI MD", "npi": "1528060563"},
        primary_diagnosis="M05.79",
        additional_diagnoses=["E11.9", "I10"],
        medication="Humira 40 mg/0.4 mL pen",
        medication_history=[
            "methotrexate 20 mg weekly", "folic acid 1 mg daily", "metformin 1000 mg BID", "losartan 50 mg daily",
        ],
        patient_records=json.loads((_SAMPLES / "clinic/adalimumab-ra.json").read_text())["notes"],
    )  # fmt: skip


def ocrelizumab_sample() -> Order:
    return order(
        patient_first_name="Søren",
        patient_last_name="Ibañez Whitlock",
        patient_mrn="330912",
        patient_date_of_birth="1987-02-14",
        patient_sex="male",
        patient_weight_kg=83.4,
        patient_allergies=["sulfamethoxazole-trimethoprim (rash)"],
        provider={"name": "Ruth Abernathy, MD", "npi": "1669544532"},
        primary_diagnosis="G35",
        additional_diagnoses=["F32.1"],
        medication="OCREVUS (ocrelizumab) 300 mg/10 mL",
        medication_history=[
            "dimethyl fumarate 240 mg PO BID (stopped 2026-01-10, lymphopenia)", "sertraline 50 mg PO daily",
            "cholecalciferol 2000 units PO daily",
        ],
        patient_records=(
            "Relapsing MS, two relapses in 12 months, EDSS 2.5, new T2 lesions on MRI 12/2025. ALC recovered to 1.1. "
            "HBsAg negative, anti-HBc total negative. IgG 890 mg/dL. VZV IgG positive. No active infection. Vaccines: "
            "inactivated up to date, last dose 5 weeks ago. Plan ocrelizumab 300 mg IV day 1 and day 15, then 600 mg every "
            "6 months. Methylprednisolone 100 mg IV 30 minutes before, antihistamine 30-60 minutes before."
        ),
    )  # fmt: skip


def rituximab_sample() -> Order:
    return order(
        patient_first_name="Tomás",
        patient_last_name="Nakagawa-Reyes Jr.",
        patient_mrn="447120",
        patient_date_of_birth="1960-09-30",
        patient_sex="male",
        patient_weight_kg=91.2,
        patient_allergies=["sulfasalazine (rash)", "aspirin (gastritis)"],
        provider={"name": "Chidi Okafor, MD", "npi": "1528060563"},
        primary_diagnosis="M05.79",
        additional_diagnoses=["B18.1"],
        medication="rituximab 1000 mg IV, day 1 and day 15",
        medication_history=[],
        patient_records=(
            "ALT: 31 U/L (N)\nHBsAg: positive (A)\nRA 11 years, failed methotrexate + adalimumab & etanercept. HBsAg positive "
            "01/2026, HBV DNA 210 IU/mL, not on antiviral.\nHypertension on amlodipine 5 mg daily. Zoster vaccine "
            "(recombinant) dose 2 in 11/2025. Asks for rituximab start 02/16/2026."
        ),
    )


SAMPLES = {
    "ivig": ivig_sample,
    "adalimumab": adalimumab_sample,
    "ocrelizumab": ocrelizumab_sample,
    "rituximab": rituximab_sample,
}
