"""Builds the generator, and is the only place that does."""

from datetime import timedelta

from fastapi import FastAPI

import knowledge
from chassis.messaging.jobs import Worker
from chassis.messaging.nudges import Nudges
from chassis.service import Parts, assemble
from schemas.careplan import CarePlan, ProducedBy
from services.generator import handlers, routes
from services.generator.adapters.model import LanguageModel, ModelAnswer
from services.generator.adapters.scripted import Scripted
from services.generator.domain.answer import BadAnswer
from services.generator.domain.assemble import assemble as assemble_plan
from services.generator.domain.guards import violations
from services.generator.domain.request import PlanRequest, plan_request
from services.generator.settings import GeneratorSettings
from services.generator.storage import Assignment
from services.generator.use_cases import Generator, Review

_SCRIPTED_CONCURRENCY = 64


def build(settings: GeneratorSettings, nudges: Nudges | None = None, model: LanguageModel | None = None) -> FastAPI:
    parts = Parts.of("generator", settings, nudges)
    model = model or language_model(settings)
    facts = knowledge.load()

    def prepare(assignment: Assignment) -> PlanRequest:
        return plan_request(assignment.order, facts, assignment.findings)

    def compose(answer: ModelAnswer, request: PlanRequest) -> CarePlan:
        produced_by = ProducedBy(
            provider=model.provider,
            model=answer.model,
            prompt_version=model.prompt_version,
            knowledge_version=facts.version,
        )
        plan = assemble_plan(answer.answer(), request, produced_by)
        if complaints := violations(plan, request):
            raise BadAnswer(tuple(complaints))
        return plan

    generator = Generator(parts.database, parts.keyring, model, prepare, compose)
    worker = Worker(
        parts.database,
        generator.write_plan,
        concurrency=settings.model_concurrency if model.billed else _SCRIPTED_CONCURRENCY,
        lease=timedelta(seconds=settings.job_lease_seconds),
    )
    generator.wake = worker.wake
    return assemble(
        parts,
        handlers.subscription(generator),
        [routes.review_router(Review(parts.database))],
        loops=[("worker", worker.run)],
        has_jobs=True,
    )


def language_model(settings: GeneratorSettings) -> LanguageModel:
    """The provider that `CAREPLAN_MODEL` names. A missing key stops the start here, not the first order."""
    if settings.model_provider == "scripted":
        return Scripted()
    # The SDK takes a second and 40 MB to load: only who uses it pays.
    from services.generator.adapters.anthropic import Anthropic  # noqa: PLC0415

    if not settings.anthropic_api_key:
        raise ValueError("ANTHROPIC_API_KEY is not set, and CAREPLAN_MODEL is anthropic")
    return Anthropic(
        settings.anthropic_api_key,
        base_url=settings.anthropic_base_url,
        model=settings.model_name,
        timeout_seconds=settings.model_timeout_seconds,
    )
