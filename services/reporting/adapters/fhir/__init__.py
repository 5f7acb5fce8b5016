"""The plan as a Pharmacist eCare Plan document on FHIR R4: a Bundle that starts with its Composition.

It has the form of the PhCP guide (STU1) and is validated against base R4B in the tests; conformance to the guide's own profiles is not
claimed before the official validator has said so. Plain dicts: the model classes cost 0.3 s and 18 MB, and are for tests.
"""

import json
from dataclasses import dataclass

from chassis.errors import WrongState
from services.reporting.adapters.fhir.document import bundle_of
from services.reporting.domain.pharmacy import Pharmacy
from services.reporting.domain.plan_document import File, PlanDocument


@dataclass(frozen=True)
class FhirWriter:
    """WrongState for a version whose text says something else than its sections."""

    pharmacy: Pharmacy

    async def __call__(self, document: PlanDocument) -> File:
        if document.plan.text_edited:
            raise WrongState(
                f"The text of version {document.version} was edited apart from its sections: take txt or pdf, "
                "or revise the sections."
            )
        body = json.dumps(bundle_of(document, self.pharmacy), ensure_ascii=False)
        return File(body.encode(), "application/fhir+json", "fhir.json")
