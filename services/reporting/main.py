"""Builds reporting, and is the only place that does."""

from fastapi import FastAPI

from chassis.messaging.nudges import Nudges
from chassis.service import Parts, assemble
from services.reporting import handlers, routes
from services.reporting.settings import ReportingSettings
from services.reporting.use_cases import Reporting


def build(settings: ReportingSettings, nudges: Nudges | None = None) -> FastAPI:
    parts = Parts.of("reporting", settings, nudges)
    reporting = Reporting(parts.database)
    return assemble(
        parts,
        handlers.subscription(reporting),
        [routes.search_router(reporting), routes.careplans_router(reporting), routes.reports_router(reporting)],
    )
