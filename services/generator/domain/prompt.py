"""What is sent of an order to a language model: no names, no numbers of persons, no dates of birth."""

import json
from collections.abc import Sequence

from knowledge.facts import Fact
from services.generator.domain.checklist import ChecklistItem
from services.generator.domain.evidence import FactRef, OrderField, RecordQuote
from services.generator.domain.redaction import Redaction
from services.generator.domain.request import PlanRequest

_NOT_FOR_A_MODEL = {"kind", "unsure", "terms", "members", "classes", "loinc", "steps", "icd10"}


def facts_message(request: PlanRequest) -> str:
    """The drug's facts and the rescue list: the same text for every order of a drug and its diagnoses, so it caches."""
    guide = request.guide
    support = ", ".join(sorted(request.library.lexicon.support))
    if guide is None:
        return f"# Facts\n\nThe knowledge base has no facts on this medication. State nothing about it.\n\n# Rescue medicines\n\n{support}"
    facts = "\n".join(_line(fact) for fact in guide.facts)
    return f"# Facts on {guide.drug.generic} ({guide.drug.drug_class})\n\n{facts}\n\n# Rescue medicines\n\n{support}"


def _line(fact: Fact) -> str:
    said = fact.model_dump(mode="json", exclude=_NOT_FOR_A_MODEL, exclude_defaults=True)
    return json.dumps({"fact_id": said.pop("id"), "kind": fact.kind, **said}, ensure_ascii=False)


def order_message(request: PlanRequest, redaction: Redaction, delimiter: str, complaints: Sequence[str] = ()) -> str:
    """Everything of the patient's goes through the redaction, complaints too. `delimiter` must not be in the records."""
    order = request.order
    about = {
        "age": request.age,
        "sex": order.patient.sex,
        "weight_kg": order.patient.weight_kg,
        "allergies": order.patient.allergies,
        "primary_diagnosis": order.primary_diagnosis,
        "additional_diagnoses": order.additional_diagnoses,
        "medication": order.medication,
        "medication_history": order.medication_history,
        "order_date": order.order_date.isoformat(),
    }
    parts = [
        ("Order", json.dumps(about, ensure_ascii=False, indent=1)),
        ("Checklist", json.dumps([_item(item) for item in request.checklist], ensure_ascii=False, indent=1)
         if request.checklist else "Empty."),
        ("Computed doses", "\n".join(f"{d.words}; on {', '.join(map(str, d.dates)) or 'later days'}" for d in request.doses)
         or "None: compute none."),
        ("Calendar", "\n".join(f"{v.fact.id}: {v.on}{f', then {v.again}' if v.again else ''}" for v in request.calendar if v.on)
         or "None."),
        ("Gaps", "\n".join(f"{missing.placeholder} {missing.text}" for missing in request.gaps) or "None."),
        ("Records", f"<records {delimiter}>\n{_records(request)}\n</records {delimiter}>"),
    ]  # fmt: skip
    if complaints:
        listed = "\n".join(f"- {complaint}" for complaint in complaints)
        parts.append(
            ("Your previous answer was refused", f"Write the whole plan again, without these faults:\n{listed}")
        )
    return redaction.hide("\n\n".join(f"# {title}\n\n{text}" for title, text in parts))


def _records(request: PlanRequest) -> str:
    text = request.order.patient_records
    if not request.passages:
        return text
    parts = [f"[characters {start} to {end} of {len(text)}]\n{text[start:end]}" for start, end in request.passages]
    return "\n[left out]\n".join(parts)


def _item(item: ChecklistItem) -> dict[str, object]:
    return {
        "id": item.id,
        "severity": item.severity,
        "category": item.category,
        "what": item.what,
        "action": item.action,
        "when": item.when,
        "evidence": [_evidence(piece) for piece in item.evidence],
    }


def _evidence(piece: RecordQuote | FactRef | OrderField) -> dict[str, str]:
    if isinstance(piece, RecordQuote):
        return {"kind": "record", "quote": piece.quote}
    if isinstance(piece, FactRef):
        return {"kind": "knowledge", "fact_id": piece.fact_id}
    return {"kind": "order", "field": piece.field}
