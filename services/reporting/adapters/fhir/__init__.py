"""stub"""
from dataclasses import dataclass
from services.reporting.domain.pharmacy import Pharmacy
from services.reporting.domain.plan_document import File, PlanDocument
@dataclass(frozen=True)
class FhirWriter:
    pharmacy: Pharmacy
    async def __call__(self, document: PlanDocument) -> File:
        return File(b"{}", "application/fhir+json", "fhir.json")
