"""Builds intake, and is the only place that does."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from fastapi import FastAPI

from chassis.background import every
from chassis.messaging.nudges import Nudges
from chassis.security import TokenSigner
from chassis.service import Parts, assemble
from services.intake import handlers, routes
from services.intake.accounts import Accounts
from services.intake.changes import Changes
from services.intake.domain.order_form import FormRules
from services.intake.icd10 import Icd10
from services.intake.settings import IntakeSettings
from services.intake.use_cases import Intake

_RECONCILE_SECONDS = 10.0


def build(
    settings: IntakeSettings, nudges: Nudges | None = None, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> FastAPI:
    parts = Parts.of("intake", settings, nudges)

    def form_rules() -> FormRules:
        return FormRules(today=clock().astimezone(settings.time_zone).date(), mrn=settings.mrn)

    changes = Changes(settings.database_url)
    icd10 = Icd10(parts.database)
    intake = Intake(parts.database, changes, icd10, form_rules)
    signer = TokenSigner.from_json(settings.token_private_key)
    accounts = Accounts(parts.database, signer, settings.session_hours * 3600)
    return assemble(
        parts,
        handlers.subscription(intake),
        [routes.orders_router(intake), routes.icd10_router(icd10), routes.session_router(accounts)],
        loops=[("changes", changes.run), ("reconciler", lambda: every(_RECONCILE_SECONDS, intake.nudge))],
    )


@asynccontextmanager
async def accounts_of(settings: IntakeSettings) -> AsyncIterator[Accounts]:
    """The accounts alone, for the command line: no server, no loops."""
    parts = Parts.of("intake", settings)
    try:
        yield Accounts(parts.database, TokenSigner.from_json(settings.token_private_key), settings.session_hours * 3600)
    finally:
        await parts.database.close()
