"""Builds reporting, and is the only place that does."""

from fastapi import FastAPI

from chassis.messaging.nudges import Nudges
from chassis.service import Parts, assemble
from services.reporting import handlers, routes
from services.reporting.adapters.csv_report import csv_report
from services.reporting.adapters.fhir import FhirWriter
from services.reporting.adapters.json_file import write_json
from services.reporting.adapters.pdf import PdfWriter
from services.reporting.adapters.text import write_text
from services.reporting.domain.plan_document import Format, Writer
from services.reporting.live_list import LiveList
from services.reporting.settings import ReportingSettings
from services.reporting.use_cases import Reporting


def build(settings: ReportingSettings, nudges: Nudges | None = None) -> FastAPI:
    parts = Parts.of("reporting", settings, nudges)
    live_list = LiveList(parts.database, settings.database_url)
    reporting = Reporting(parts.database, live_list)
    writers: dict[Format, Writer] = {
        "txt": write_text,
        "pdf": PdfWriter(settings.pharmacy),
        "json": write_json,
        "fhir": FhirWriter(settings.pharmacy),
    }
    return assemble(
        parts,
        handlers.subscription(reporting),
        [
            routes.search_router(reporting, live_list),
            routes.careplans_router(reporting, writers),
            routes.reports_router(reporting, csv_report),
        ],
        request_loops=[("live list", live_list.listen)],
        event_loops=[("announcements", live_list.announce)],
    )
