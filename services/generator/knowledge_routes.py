"""HTTP in: the drug facts that plans are written from, to be read and searched by any member of the staff."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from chassis.errors import NotFound
from chassis.queries import READABLE
from chassis.security import Caller, staff
from knowledge.base import KnowledgeBase
from knowledge.facts import Fact
from knowledge.models import Drug
from knowledge.page import more_of
from services.generator.documents import FoundFacts, KnownDrug, KnownDrugs, KnownFacts, ShownFact
from services.generator.use_cases import LookingUp

Staff = Annotated[Caller, Depends(staff("assistant", "pharmacist", "analyst"))]
Words = Annotated[str, Field(min_length=1, max_length=200, pattern=READABLE), Query()]
DrugId = Annotated[str, Field(max_length=100, pattern=READABLE), Query()]


def router(knowledge: KnowledgeBase, looking_up: LookingUp) -> APIRouter:
    router = APIRouter(prefix="/api/knowledge", tags=["knowledge"])
    drugs = {drug.id: drug for drug in knowledge.drugs}
    drug_of = {fact.id: drug.id for drug in knowledge.drugs for fact in drug.facts}

    @router.get("")
    async def list_drugs(_: Staff) -> KnownDrugs:
        """The drugs of the knowledge base; a plan for any other says that nothing is known."""
        return KnownDrugs(knowledge_version=knowledge.version, drugs=[_drug(drug) for drug in knowledge.drugs])

    @router.get("/search")
    async def search_facts(
        _: Staff, q: Words, drug: DrugId = "", limit: Annotated[int, Query(ge=1, le=50)] = 10
    ) -> FoundFacts:
        """Facts by words and, where a language model is set, by meaning; those of `drug` first."""
        found = await looking_up.facts(q, drug or None, limit)
        # The table may be a release older than the files for a moment.
        return FoundFacts(facts=[_fact(knowledge.facts[id], drug_of[id]) for id in found if id in drug_of])  # noqa: A001

    @router.get("/{drug_id}")
    async def get_drug(_: Staff, drug_id: str) -> KnownFacts:
        """Every fact on one drug, with its id and the section of the label that it comes from."""
        if drug_id not in drugs:
            raise NotFound("The knowledge base has no such drug.")
        drug = drugs[drug_id]
        return KnownFacts(drug=_drug(drug), facts=[_fact(fact, drug_id) for fact in drug.facts])

    return router


def _drug(drug: Drug) -> KnownDrug:
    return KnownDrug(
        id=drug.id, generic=drug.generic, full_name=drug.full_name, brands=list(drug.brands), drug_class=drug.drug_class,
        routes=list(drug.routes), high_risk=drug.high_risk, rems=drug.rems, status=drug.status,
        reviewed_by=drug.reviewed_by, facts=len(drug.facts),
    )  # fmt: skip


def _fact(fact: Fact, drug_id: str) -> ShownFact:
    return ShownFact(
        fact_id=fact.id, drug_id=drug_id, kind=fact.kind, text=fact.text, source=fact.source, unsure=fact.unsure,
        diagnoses=list(fact.icd10), more=more_of(fact),
    )  # fmt: skip
