"""Builds the generator, and is the only place that does."""

import asyncio
from datetime import timedelta

from fastapi import FastAPI

import knowledge
from chassis.messaging.jobs import Worker
from chassis.messaging.nudges import Nudges
from chassis.service import Parts, assemble
from schemas.careplan import CarePlan, ProducedBy
from services.generator import cost_routes, handlers, knowledge_routes, routes
from services.generator.adapters.embedding import Embedder
from services.generator.adapters.fleet import Fleet, fleet, one_model
from services.generator.adapters.gate import Gate
from services.generator.adapters.model import LanguageModel, ModelAnswer
from services.generator.adapters.price_file import PRICE_FILE, read_prices
from services.generator.adapters.providers import Access, language_model
from services.generator.domain.answer import BadAnswer
from services.generator.domain.assemble import assemble as assemble_plan
from services.generator.domain.guards import violations
from services.generator.domain.prices import Prices
from services.generator.domain.request import PlanRequest, plan_request
from services.generator.settings import GeneratorSettings
from services.generator.storage import Assignment
from services.generator.use_cases import Accounts, Asking, Budget, Generator, LookingUp, Review

_SCRIPTED_CONCURRENCY = 128
_SCRIPTED_LEASE_SECONDS = 10.0
"""So long at most an order waits whose process was killed. What is written twice since a process stood still costs nothing."""


def build(settings: GeneratorSettings, nudges: Nudges | None = None, model: LanguageModel | None = None) -> FastAPI:
    parts = Parts.of("generator", settings, nudges)
    models = one_model(model) if model else models_of(settings)
    prices = read_prices(settings.price_file or PRICE_FILE)
    budget = Budget(settings.monthly_budget_usd)
    _every_price_is_known(budget, models, prices)
    facts = knowledge.load()

    def prepare(assignment: Assignment) -> PlanRequest:
        return plan_request(assignment.order, facts, assignment.findings)

    def compose(answer: ModelAnswer, request: PlanRequest) -> CarePlan:
        produced_by = ProducedBy(
            provider=answer.provider,
            model=answer.model,
            prompt_version=answer.prompt_version,
            knowledge_version=facts.version,
        )
        plan = assemble_plan(answer.answer(request.order), request, produced_by)
        if complaints := violations(plan, request):
            raise BadAnswer(tuple(complaints))
        return plan

    looking_up = LookingUp(parts.database, facts, Embedder() if models.billed else None)
    asking = Asking(parts.database, parts.keyring, models.candidates, prices, budget, looking_up.long_records)
    generator = Generator(parts.database, parts.keyring, asking, prepare, compose, billed=models.billed)
    worker = Worker(
        parts.database,
        generator.write_plan,
        concurrency=settings.model_concurrency if models.billed else _SCRIPTED_CONCURRENCY,
        lease=timedelta(seconds=lease_seconds(settings, models)),
        tracing=parts.tracing,
    )
    generator.room = worker.room

    async def index_knowledge() -> None:
        await looking_up.embed_all_facts()
        await asyncio.Event().wait()  # until the next start, which may bring other facts

    return assemble(
        parts,
        handlers.subscription(generator),
        [
            *routes.review_routers(Review(parts.database, prepare)),
            knowledge_routes.router(facts, looking_up),
            *cost_routes.routers(Accounts(parts.database, models, prices, budget)),
        ],
        event_loops=[("worker", worker.run), *([("knowledge index", index_knowledge)] if models.billed else [])],
        has_jobs=True,
    )


def lease_seconds(settings: GeneratorSettings, models: Fleet) -> float:
    """So long an order waits whose process died; so long a process may stand still before another asks, and pays, again."""
    if models.billed:
        return settings.job_lease_seconds
    return min(settings.job_lease_seconds, _SCRIPTED_LEASE_SECONDS)


def models_of(settings: GeneratorSettings) -> Fleet:
    """The provider that `CAREPLAN_MODEL` names, and those that may stand in for it."""
    provider = settings.model_provider
    if provider == "scripted" and not settings.fallbacks:
        return one_model(language_model("scripted", "scripted-1", Access()))
    access = {
        "scripted": Access(),
        "anthropic": Access(settings.anthropic_api_key or "", settings.anthropic_base_url, settings.model_timeout_seconds),
        "openai": Access(settings.openai_api_key or "", settings.openai_base_url, settings.model_timeout_seconds),
        "local": Access(settings.openai_api_key or "", settings.openai_base_url, settings.model_timeout_seconds),
    }  # fmt: skip
    small, large = (
        language_model(provider, settings.model_of(provider, size), access[provider]) for size in ("small", "large")
    )
    fallbacks = []
    for entry in settings.fallbacks:
        name, _, named = entry.partition(":")
        fallbacks.append(language_model(name, named or settings.model_of(name, "large"), access[name]))
    providers = {model.provider for model in (small, large, *fallbacks)}
    gates = [Gate(name, settings.breaker_failures, settings.breaker_rest_seconds) for name in sorted(providers)]
    return fleet(small, large, fallbacks, gates)


def _every_price_is_known(budget: Budget, models: Fleet, prices: Prices) -> None:
    unknown = {m.model for m in models.models if m.billed and prices.of(m.provider, m.model) is None}
    if budget.monthly_usd is not None and unknown:
        raise ValueError(
            f"CAREPLAN_MODEL_BUDGET_USD is set, but the table of prices has none for {', '.join(sorted(unknown))}: "
            "name a table that has (CAREPLAN_PRICES)"
        )
