"""Builds intake, and is the only place that does."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from fastapi import APIRouter, FastAPI

from chassis.background import every
from chassis.messaging.nudges import Nudges
from chassis.rate_limits import FailureLimit
from chassis.security import TokenSigner
from chassis.service import Parts, assemble
from chassis.uploads import Room
from services.intake import access_routes, handlers, oidc_routes, routes, session_routes, submission_routes
from services.intake.accounts import Accounts
from services.intake.adapters.documents import DocumentStore, S3Access, document_store
from services.intake.adapters.oidc import OidcAccess, OidcProvider
from services.intake.adapters.records_reader import RecordsReader
from services.intake.adapters.sources import SOURCES
from services.intake.archive import Archive
from services.intake.changes import Changes
from services.intake.domain.order_form import FormRules
from services.intake.icd10 import Icd10
from services.intake.keys import Keys
from services.intake.orphans import Orphans
from services.intake.settings import IntakeSettings
from services.intake.submissions import Submissions
from services.intake.use_cases import Intake

_RECONCILE_SECONDS = 10.0
_SWEEP_SECONDS = 3600.0


def build(
    settings: IntakeSettings, nudges: Nudges | None = None, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> FastAPI:
    parts = Parts.of("intake", settings, nudges)

    def form_rules() -> FormRules:
        return FormRules(today=clock().astimezone(settings.time_zone).date(), mrn=settings.mrn)

    changes = Changes(settings.database_url)
    icd10 = Icd10(parts.database)
    intake = Intake(parts.database, changes, icd10, form_rules)
    reader, room = RecordsReader(settings.file_readers), Room()
    store = _document_store(settings)
    submissions = Submissions(intake, SOURCES, reader, Archive(parts.keyring, store))
    orphans = Orphans(parts.database, store, clock)
    keys = _keys(parts, settings)
    accounts = _accounts(parts, settings, keys)
    return assemble(
        parts,
        handlers.subscription(intake),
        [
            submission_routes.partner_router(submissions, room),
            routes.orders_router(intake, submissions, room),
            submission_routes.operations_router(submissions),
            routes.icd10_router(icd10),
            session_routes.session_router(_sign_in(settings, accounts, keys)),
            *_oidc_routers(parts, settings, keys),
            access_routes.keys_router(keys),
            access_routes.accounts_router(accounts, keys),
        ],
        request_loops=[("changes", changes.run), ("file readers", reader.run)],
        event_loops=[
            ("reconciler", lambda: every(_RECONCILE_SECONDS, intake.nudge)),
            ("orphans", lambda: every(_SWEEP_SECONDS, orphans.sweep)),
            ("old sessions", lambda: every(_SWEEP_SECONDS, keys.forget_old_sessions)),
        ],
    )


def _document_store(settings: IntakeSettings) -> DocumentStore:
    access = S3Access(
        settings.s3_endpoint, settings.s3_region, settings.s3_access_key_id, settings.s3_secret_access_key
    )
    return document_store(settings.documents_place, access)


def _sign_in(settings: IntakeSettings, accounts: Accounts, keys: Keys) -> session_routes.SignIn:
    return session_routes.SignIn(
        accounts,
        keys,
        with_password=settings.signs_in_with_password,
        at_provider=oidc_routes.START if settings.oidc_issuer else None,
        secure=settings.has_tls,
    )


def _oidc_routers(parts: Parts, settings: IntakeSettings, keys: Keys) -> list[APIRouter]:
    """None unless a provider is configured."""
    access = settings.oidc(oidc_routes.CALLBACK)
    if access is None:
        return []
    provider = OidcProvider(OidcAccess(**access))
    seconds = settings.session_hours * 3600
    return [oidc_routes.oidc_router(oidc_routes.OidcSignIn(provider, keys, parts.keyring, seconds, settings.has_tls))]


def _keys(parts: Parts, settings: IntakeSettings) -> Keys:
    return Keys(parts.database, TokenSigner.from_json(settings.token_private_key), parts.revocations, SOURCES)


def _accounts(parts: Parts, settings: IntakeSettings, keys: Keys) -> Accounts:
    return Accounts(
        parts.database,
        keys,
        settings.session_hours * 3600,
        FailureLimit.of(settings.failures_of_account),
        FailureLimit.of(settings.failures_of_address),
    )


@asynccontextmanager
async def access_of(settings: IntakeSettings) -> AsyncIterator[tuple[Accounts, Keys]]:
    """Accounts and keys alone, for the command line: no server, no loops. What it ends, a running intake sends on."""
    parts = Parts.of("intake", settings)
    keys = _keys(parts, settings)
    try:
        yield _accounts(parts, settings, keys), keys
    finally:
        await parts.database.close()
