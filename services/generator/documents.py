"""What the generator's own pages answer, as OpenAPI shows it. Costs are estimates from a dated table of prices."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel

from schemas.careplan import Review


class BudgetState(BaseModel):
    """`used_up`: orders wait in `processing` until the next month, or until the budget is raised."""

    state: Literal["no_limit", "open", "used_up"]
    monthly_usd: float | None
    spent_usd: float
    """This month (UTC), with what is set aside for calls that have not ended."""


class Figures(BaseModel):
    calls: int
    """Calls that somebody may send a bill for."""
    answered: int
    orders: int
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    cost_usd: float
    reserved_usd: float
    """The part of the cost that is only what calls which never ended may have taken at most."""
    without_price: int
    seconds: float


class FiguresOfDay(Figures):
    day: date


class FiguresOfModel(Figures):
    provider: str
    model: str


class Costs(BaseModel):
    estimate: bool = True
    prices_as_of: date
    budget: BudgetState
    by_day: list[FiguresOfDay]
    by_model: list[FiguresOfModel]


class ModelCall(BaseModel):
    attempt: int
    provider: str
    model: str
    asked_at: datetime
    outcome: str
    seconds: float | None
    input_tokens: int
    cache_write_tokens: int
    cached_tokens: int
    output_tokens: int
    cost_usd: float | None
    reserved: bool
    prices_as_of: date


class CostsOfOrder(BaseModel):
    estimate: bool = True
    order_id: UUID
    cost_usd: float
    calls: list[ModelCall]


class ProviderState(BaseModel):
    provider: str
    breaker: str
    paused_seconds: float


class ModelsState(BaseModel):
    """What writes plans here, in the order in which it is asked."""

    small: str
    large: str
    fallbacks: list[str]
    providers: list[ProviderState]
    budget: BudgetState


class KnownDrug(BaseModel):
    """`status` is "unverified" until a pharmacist has compared the file with the current label and signed it."""

    id: str
    generic: str
    full_name: str
    brands: list[str]
    drug_class: str
    routes: list[str]
    high_risk: bool
    rems: str
    status: Literal["unverified", "verified"]
    reviewed_by: str
    facts: int


class KnownDrugs(BaseModel):
    knowledge_version: str
    drugs: list[KnownDrug]


class ShownFact(BaseModel):
    """`more`: what a fact of this kind carries beside its text, in words: a test's threshold, an interaction's action."""

    fact_id: str
    drug_id: str
    kind: str
    text: str
    source: str
    unsure: bool
    diagnoses: list[str]
    more: dict[str, str]


class KnownFacts(BaseModel):
    drug: KnownDrug
    facts: list[ShownFact]


class FoundFacts(BaseModel):
    facts: list[ShownFact]


class Rejection(BaseModel):
    section: str
    reason: str
    times: int
    latest: datetime
    provider: str
    model: str
    prompt_version: str


class Rejections(BaseModel):
    items: list[Rejection]


class ReviewedPlan(BaseModel):
    """What a pharmacist's revision or signature made of it."""

    careplan_id: UUID
    version: int
    review: Review
    text_edited: Literal[True] | None = None
    """Only where the text was edited apart from the sections."""
