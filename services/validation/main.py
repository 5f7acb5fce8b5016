"""Builds validation, and is the only place that does."""

from fastapi import FastAPI

import knowledge
from chassis.messaging.nudges import Nudges
from chassis.service import Parts, assemble
from services.validation import handlers
from services.validation.domain.identity import DrugNames
from services.validation.domain.register import Sameness
from services.validation.settings import ValidationSettings
from services.validation.use_cases import Validation


def build(settings: ValidationSettings, nudges: Nudges | None = None) -> FastAPI:
    parts = Parts.of("validation", settings, nudges)
    sameness = Sameness(settings.titles, DrugNames.of(knowledge.load().medication_names))
    validation = Validation(parts.database, sameness, settings.npi_check_digit)
    return assemble(parts, handlers.subscription(validation), routers=[])
