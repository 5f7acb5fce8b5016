"""What resources are made of: stable ids, references, codes, and text that FHIR takes."""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import Any
from uuid import UUID, uuid5

from services.reporting.adapters.printable import printable

Json = dict[str, Any]

UNKNOWN: Json = {
    "extension": [
        {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"},
    ]
}
"""Stands where US Core demands a value that nobody gave."""
LOINC = "http://loinc.org"
URI = "urn:ietf:rfc:3986"
NPI = "http://hl7.org/fhir/sid/us-npi"
_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"


@dataclass(frozen=True, slots=True)
class Ids:
    """Ids of one version's resources: the same at every export."""

    careplan_id: UUID
    version: int

    def of(self, name: str) -> str:
        return str(uuid5(self.careplan_id, f"{self.version}/{name}"))

    def to(self, name: str) -> Json:
        return {"reference": f"urn:uuid:{self.of(name)}"}

    def entry(self, name: str, resource_type: str, /, **elements: Any) -> Json:
        resource = {"resourceType": resource_type, "id": self.of(name), **elements}
        return {"fullUrl": f"urn:uuid:{self.of(name)}", "resource": resource}

    def item(self, item_id: str) -> list[Json]:
        """An item's own id, which is the same in every version."""
        return [{"system": f"urn:uuid:{self.careplan_id}", "value": item_id}]


def hl7(system: str, code: str) -> Json:
    """A code of HL7's own terminology."""
    return {"coding": [{"system": f"{_TERMINOLOGY}/{system}", "code": code}]}


def loinc(code: str) -> Json:
    return {"coding": [{"system": LOINC, "code": code}]}


def words(text: str) -> Json:
    """A concept in words: where no code was mapped with confidence, none is given."""
    return {"text": text}


def narrative(lines: Iterable[str]) -> Json:
    items = "".join(f"<li>{escape(printable(line))}</li>" for line in lines)
    inner = f"<ul>{items}</ul>" if items else "<p>None.</p>"
    return {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{inner}</div>'}


def pruned(value: Any) -> Any:
    """Without what is empty, which FHIR forbids, and without characters that it does not take."""
    match value:
        case str():
            return printable(value).strip()
        case dict():
            kept = {key: pruned(item) for key, item in value.items()}
            return {key: item for key, item in kept.items() if not _empty(item)}
        case list() | tuple():
            return [item for item in map(pruned, value) if not _empty(item)]
        case _:
            return value


def _empty(value: Any) -> bool:
    return value is None or value in ("", [], {})
