"""Two hundred fictional orders, varied as a real week is: many drugs, some warnings, some duplicates, some gaps."""

import random
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

_FIRST = {
    "female": ("Ana", "Maribel", "Grace", "Aiyana", "Zoë", "Ingrid", "Priya", "Noor", "Thandiwe", "Mei"),
    "male": ("Tomás", "Søren", "Kwame", "Liam", "Hiroshi", "Ondřej", "Dale", "Ravi", "Mateo", "Emeka"),
}
_LAST = (
    "Bell", "O'Neil-Ferrer", "Ibañez Whitlock", "Nakagawa", "Abernathy", "de la Cruz", "Łukasik", "Okonkwo", "Haddad",
    "Tremblay", "Kaur", "Vandersloot", "Sorensen", "Quispe", "Yellowhair", "Mbeki", "Castellano", "Nguyen", "Fitzgerald",
)  # fmt: skip
_PROVIDERS = (
    ("Dr. Jane Lee", "1234567893"),
    ("Chidi Okafor, MD", "1528060563"),
    ("Ruth Abernathy, MD", "1669544532"),
)
_CASES: tuple[tuple[str, str, tuple[str, ...], tuple[str, ...], str], ...] = (
    ("IVIG", "G70.00", ("I10", "K21.9"), ("Pyridostigmine 60 mg PO q6h PRN", "Prednisone 10 mg PO daily"),
     ("Generalized myasthenia gravis, AChR antibody positive. FVC 2.9 L (82% predicted). Creatinine 0.78 mg/dL, eGFR 96. "
     "IgA level normal. No history of thrombosis. IVIG 2 g/kg total divided over 5 days.")),
    ("Gammagard", "D80.1", ("J47.9",), ("Azithromycin 250 mg PO three times weekly",),
     "Common infections every winter, IgG 310 mg/dL. Creatinine 1.4 mg/dL. Prior deep vein thrombosis 2021."),
    ("Humira 40 mg", "M05.79", ("E11.9", "I10"), ("Methotrexate 20 mg PO weekly", "Folic acid 1 mg PO daily"),
     "RA seropositive, CDAI 24 on methotrexate 20 mg weekly. QuantiFERON negative, HBsAg negative. ALT 22, Hgb 11.9."),
    ("Ocrevus", "G35.A", ("F32.1",), ("Sertraline 50 mg PO daily",),
     "Relapsing MS, two relapses in 12 months, EDSS 2.5. HBsAg negative, anti-HBc negative. IgG 890 mg/dL."),
    ("Infliximab", "K50.90", ("D50.9",), ("Azathioprine 100 mg PO daily",),
     "Crohn disease, HBI 9. TB test negative 11/2025. Stopped adalimumab for loss of response."),
    ("Rituximab 1000 mg", "M05.79", ("B18.1",), ("Amlodipine 5 mg PO daily",),
     "HBsAg positive, HBV DNA 210 IU/mL, not on antiviral. Failed methotrexate and etanercept."),
    ("Stelara", "L40.0", (), ("Calcipotriene topical",), "Plaque psoriasis, PASI 18, weight 104 kg. TB negative."),
    ("Dupixent", "L20.9", ("J45.40",), ("Fluticasone/salmeterol inhaled twice daily",), "EASI 24. Eosinophils 450."),
    ("Revlimid 25 mg", "C90.00", ("N18.31",), ("Warfarin 5 mg PO daily", "Dexamethasone 40 mg PO weekly"),
     "Multiple myeloma, CrCl 48 mL/min, ANC 2.1, platelets 142."),
    ("Epclusa", "B18.2", ("K21.9",), ("Omeprazole 20 mg PO daily", "Amiodarone 200 mg PO daily"),
     "Chronic hepatitis C genotype 1a, no cirrhosis. HBsAg negative, anti-HBc positive."),
    ("Soliris 900 mg", "G70.00", (), ("Pyridostigmine 60 mg PO q6h",), "AChR positive. MenACWY given 3 weeks ago."),
    ("Xeljanz 5 mg", "M06.9", ("Z87.891",), ("Fluconazole 200 mg PO daily",), "Failed etanercept. Former smoker, LDL 165."),
)  # fmt: skip


def demo_orders(today: date, count: int = 200, seed: int = 7) -> Iterator[dict[str, Any]]:
    """The same orders for the same seed and day. About one in eight repeats a patient, so that every rule has work."""
    chance = random.Random(seed)  # noqa: S311 (variety, not secrecy)
    earlier: list[dict[str, Any]] = []
    for number in range(count):
        order = _order(chance, today, number)
        if earlier and chance.random() < 0.12:
            order = _variation(chance, chance.choice(earlier), order)
        earlier.append(order)
        yield order


def _order(chance: random.Random, today: date, number: int) -> dict[str, Any]:
    medication, diagnosis, others, history, records = chance.choice(_CASES)
    sex = chance.choice(("female", "male"))
    provider, npi = chance.choice(_PROVIDERS)
    patient: dict[str, Any] = {
        "first_name": chance.choice(_FIRST[sex]),
        "last_name": chance.choice(_LAST),
        "mrn": f"{700_000 + number * 37:06d}",
        "date_of_birth": (today - timedelta(days=chance.randint(20 * 365, 80 * 365))).isoformat(),
        "sex": sex,
        "allergies": chance.choice((["None known to medications"], ["Penicillin (hives)", "Latex"], [])),
    }
    if chance.random() < 0.85:
        patient["weight_kg"] = round(chance.uniform(48, 118), 1)
    return {
        "patient": patient,
        "provider": {"name": provider, "npi": npi},
        "primary_diagnosis": diagnosis,
        "additional_diagnoses": list(others),
        "medication": medication,
        "medication_history": list(history),
        "patient_records": f"CLINIC NOTE (fictional)\n{records}\nVitals: BP {chance.randint(108, 150)}/"
        f"{chance.randint(64, 92)}, HR {chance.randint(58, 96)}.",
        "order_date": (today - timedelta(days=chance.randint(0, 45))).isoformat(),
    }


def _variation(chance: random.Random, earlier: dict[str, Any], order: dict[str, Any]) -> dict[str, Any]:
    """Somebody who was here before: a refill, the same order again, a mistyped name, a new MRN, a provider mix-up."""
    known = earlier["patient"]
    match chance.randrange(5):
        case 0:
            return {**earlier, "order_date": order["order_date"]}
        case 1:
            return earlier
        case 2:
            return {**order, "patient": {**known, "first_name": f"{known['first_name']}e"}}
        case 3:
            return {**order, "patient": {**known, "mrn": order["patient"]["mrn"]}}
        case _:
            return {**order, "provider": {"name": "Dr. Pat Smith", "npi": order["provider"]["npi"]}}
