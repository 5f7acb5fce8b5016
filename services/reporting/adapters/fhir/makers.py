"""Who stands behind the document: the pharmacy, the pharmacist, the software, and the Provenance that names them."""

from datetime import datetime

from services.reporting.adapters.fhir.parts import NPI, UNKNOWN, URI, Ids, Json, hl7, words
from services.reporting.adapters.fhir.plan import CARE_PLAN
from services.reporting.domain.pharmacy import Pharmacy
from services.reporting.domain.plan_document import PlanDocument

COMPOSITION, PHARMACIST, ORGANIZATION, _DEVICE, _PROVENANCE = (
    "composition", "pharmacist", "organization", "device", "provenance",
)  # fmt: skip


def moment_of(document: PlanDocument) -> datetime:
    return document.signature.at if document.signature else document.current.created_at


def pharmacist_of(document: PlanDocument) -> str | None:
    """Who signed this version, or else who revised it. Never the model."""
    return document.signature.by if document.signature else document.revised_by


def has_organization(pharmacy: Pharmacy) -> bool:
    return bool(pharmacy.name or pharmacy.npi)


def organization(pharmacy: Pharmacy, ids: Ids) -> Json:
    return ids.entry(
        ORGANIZATION,
        "Organization",
        identifier=[{"system": NPI, "value": pharmacy.npi}] if pharmacy.npi else [],
        active=True,
        name=pharmacy.name,
        telecom=[{"system": "phone", "value": pharmacy.phone}] if pharmacy.phone else [],
    )


def person(account: str, ids: Ids) -> Json:
    """A pharmacist is known by the account that signed: no more is claimed of a name."""
    return ids.entry(
        PHARMACIST,
        "Practitioner",
        identifier=[{"_system": UNKNOWN, "value": account}],
        name=[{"text": account, "_family": UNKNOWN}],
    )


def device(document: PlanDocument, ids: Ids) -> Json:
    made = document.plan.produced_by
    versions = (("prompt", made.prompt_version), ("knowledge base", made.knowledge_version))
    return ids.entry(
        _DEVICE,
        "Device",
        manufacturer=made.provider,
        deviceName=[{"name": made.model, "type": "model-name"}],
        version=[{"type": words(what), "value": version} for what, version in versions],
    )


def provenance(document: PlanDocument, ids: Ids, pharmacist: Json | None) -> Json:
    """What wrote the text, who verified it, and what it was drawn from."""
    verifier = (
        [{"type": hl7("provenance-participant-type", "verifier"), "who": pharmacist}] if document.signature else []
    )
    reviser = [{"type": words("reviser"), "who": {"display": document.revised_by}}] if document.revised_by else []
    facts = sorted({c.fact_id for c in document.plan.citations if c.fact_id})
    sources = [
        {"identifier": {"system": URI, "value": f"urn:uuid:{document.order_id}"}, "display": "order"},
        *({"identifier": {"value": fact}, "display": "drug fact"} for fact in facts),
    ]
    return ids.entry(
        _PROVENANCE,
        "Provenance",
        target=[ids.to(COMPOSITION), ids.to(CARE_PLAN)],
        recorded=moment_of(document).isoformat(),
        agent=[
            {"type": hl7("provenance-participant-type", "author"), "who": ids.to(_DEVICE)},
            *reviser,
            *verifier,
        ],
        entity=[{"role": "source", "what": source} for source in sources],
    )
