"""Builds notification, and is the only place that does."""

from datetime import timedelta

from fastapi import FastAPI

from chassis.background import every
from chassis.messaging.nudges import Nudges
from chassis.service import Parts, assemble
from services.notification import handlers, routes
from services.notification.adapters.mail import MailOutlet
from services.notification.adapters.webhook import WebhookOutlet
from services.notification.domain.subscription import Kind, Outlets
from services.notification.settings import NotificationSettings
from services.notification.use_cases import Deliveries, Noting, Sending, Subscriptions
from services.notification.use_cases.sending import Outlet

_TIDY_SECONDS = 600.0
_MEASURE_SECONDS = 5.0


def build(settings: NotificationSettings, nudges: Nudges | None = None) -> FastAPI:
    parts = Parts.of("notification", settings, nudges)
    ways = outlets(settings)
    sending = Sending(parts.database, parts.keyring, ways, settings.endpoints_at_once, tracing=parts.tracing)
    can_send = Outlets(mail="email" in ways, allow_loopback=settings.webhook_allow_loopback)
    noting = Noting(parts.database, sending.wake)
    kept_for = timedelta(days=settings.keep_deliveries_days)
    return assemble(
        parts,
        handlers.subscription(noting),
        [
            routes.subscriptions_router(Subscriptions(parts.database, parts.keyring, can_send, sending.wake)),
            routes.deliveries_router(Deliveries(parts.database, sending.wake)),
        ],
        event_loops=[
            ("sender", sending.run),
            ("tidy", lambda: every(_TIDY_SECONDS, lambda: sending.tidy(kept_for))),
            ("deliveries age", lambda: every(_MEASURE_SECONDS, sending.measure)),
        ],
    )


def outlets(settings: NotificationSettings) -> dict[Kind, Outlet]:
    """E-mail only where there is a mail server."""
    ways: dict[Kind, Outlet] = {
        "webhook": WebhookOutlet(
            allow_loopback=settings.webhook_allow_loopback, timeout_seconds=settings.webhook_timeout_seconds
        )
    }
    if settings.smtp_host:
        assert settings.smtp_from is not None
        ways["email"] = MailOutlet(
            settings.smtp_host,
            settings.smtp_port,
            settings.smtp_from,
            settings.smtp_security,
            settings.smtp_username,
            settings.smtp_password,
        )
    return ways
