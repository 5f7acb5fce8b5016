"""One HTTP application: the one error form, the trace, the metrics, the probes. A route only raises."""

import hmac
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from opentelemetry.trace import SpanKind, StatusCode
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.audit.entry import Entry, noting
from chassis.audit.recorder import Recorder
from chassis.database import COLLISIONS, OUTAGES, Database
from chassis.errors import (
    ApplicationError,
    Fault,
    Forbidden,
    InvalidInput,
    MethodNotAllowed,
    NotFound,
    TooLarge,
    Unavailable,
    UnsupportedMediaType,
)
from chassis.idempotency import error_answer
from chassis.metrics import REQUESTS
from chassis.openapi import DocumentedApp
from chassis.rate_limits import RateLimit
from chassis.security import TokenVerifier
from chassis.telemetry import Tracing, log

JSON_BODY_LIMIT = 2 * 1024 * 1024
_LOOPBACK = ("127.", "::1", "::ffff:127.")
_SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'self'; frame-ancestors 'none'; base-uri 'self'; object-src 'none'"),
    (b"referrer-policy", b"no-referrer"),
)

_PARAMETER_CODES = {"missing": "REQUIRED", "extra_forbidden": "UNKNOWN_FIELD", "json_invalid": "MALFORMED"}


def as_application_error(error: BaseException) -> ApplicationError:
    """Whatever was raised, as one of ours. What is nobody's fault but ours says nothing of its cause."""
    match error:
        case ApplicationError():
            return error
        case RequestValidationError():
            return InvalidInput([_parameter_fault(fault) for fault in error.errors()])
        case HTTPException(status_code=404):
            return NotFound("There is no such address.")
        case HTTPException(status_code=405):
            return MethodNotAllowed("This address does not take that method.")
        case HTTPException(status_code=413):
            return TooLarge(JSON_BODY_LIMIT)
        case HTTPException(status_code=415):
            return UnsupportedMediaType("This address does not take that media type.")
        case HTTPException():
            return InvalidInput([Fault("", "MALFORMED", "The request could not be read.")])
        case _ if isinstance(error, (*OUTAGES, *COLLISIONS)):
            return Unavailable()
        case _:
            return ApplicationError("Something went wrong on our side; it was noted.")


def _parameter_fault(fault: Mapping[str, Any]) -> Fault:
    where = [str(part) for part in fault["loc"][1:]]
    return Fault(".".join(where), _PARAMETER_CODES.get(fault["type"], "VALUE"), str(fault["msg"]))


async def _answer_error(request: Request, error: Exception) -> Response:
    known = as_application_error(error)
    if isinstance(known, MethodNotAllowed):
        known.headers = {"Allow": ", ".join(_allowed_methods(request))}
    if known.status >= 500:
        log.error("request.failed", code=known.code, exc=error)
    return error_answer(known).response()


def _allowed_methods(request: Request) -> list[str]:
    """All that this path takes, behind one front whichever service does: the router names those of the first route only."""
    documents = [app.openapi()["paths"] for app in request.app.state.neighbours]
    matching = [methods for paths in documents for path, methods in paths.items() if _fits(path, request.url.path)]
    return sorted({method.upper() for methods in matching for method in methods}) or ["GET"]


def _fits(template: str, path: str) -> bool:
    return compile_path(template)[0].fullmatch(path) is not None


async def read_body(request: Request, limit: int = JSON_BODY_LIMIT) -> bytes:
    """The whole body, or TooLarge as soon as it is: nothing over `limit` bytes is ever held."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise TooLarge(limit)
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise TooLarge(limit)
        chunks.append(chunk)
    return b"".join(chunks)


class Telemetry:
    """Outermost layer: a span, a duration by route, the audit, security headers, and an answer for what nobody caught."""

    def __init__(self, app: ASGIApp, service: str, tracing: Tracing, audit: Recorder) -> None:
        self._app, self._service, self._tracing, self._audit = app, service, tracing, audit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 0
        traceparent = next((v.decode("latin-1") for k, v in scope["headers"] if k == b"traceparent"), None)

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._audit.note(entry, status)
                present = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(h for h in _SECURITY_HEADERS if h[0] not in present)]
            await send(message)

        entry = Entry(scope)
        name = f"{self._service} {scope['method']}"
        with noting(entry), self._tracing.span(name, SpanKind.SERVER, traceparent) as span:
            try:
                if self._audit.is_full:
                    raise Unavailable
                await self._app(scope, receive, send_with_headers)
            except Exception as error:
                if status:
                    raise
                response = await _answer_error(Request(scope), error)
                await response(scope, receive, send_with_headers)
            finally:
                route = getattr(scope.get("route"), "path", "unmatched")
                if span.is_recording():
                    span.update_name(f"{scope['method']} {route}")
                    span.set_attribute("http.response.status_code", status)
                    span.set_status(StatusCode.ERROR if status >= 500 else StatusCode.UNSET)
                elapsed = time.perf_counter() - started
                REQUESTS.labels(self._service, scope["method"], route, str(status)).observe(elapsed)


def probes(database: Database, metrics_token: str | None) -> APIRouter:
    router = APIRouter(tags=["operations"])

    @router.get("/health/live")
    async def live() -> dict[str, str]:
        return {"status": "live"}

    @router.get("/health/ready", responses={503: {"description": "The database is away."}})
    async def ready(request: Request) -> dict[str, str]:
        """Ready is who can reach its database; the broker may be away, orders wait in the outbox."""
        if getattr(request.app.state, "leaving", False):
            raise Unavailable("This process is about to stop.")
        if not await database.is_ready():
            raise Unavailable("The database is away.")
        return {"status": "ready"}

    @router.get("/metrics", response_class=Response)
    async def metrics(request: Request) -> Response:
        """Prometheus text; open on loopback, and to who has the token that scrapers have."""
        if not (_is_loopback(request) or _is_scraper(request, metrics_token)):
            raise Forbidden("Metrics are open on loopback only.")
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router


def _is_loopback(request: Request) -> bool:
    """A proxy on this machine calls from loopback too, for whoever stands behind it."""
    forwarded = "x-forwarded-for" in request.headers or "forwarded" in request.headers
    return request.client is not None and request.client.host.startswith(_LOOPBACK) and not forwarded


def _is_scraper(request: Request, token: str | None) -> bool:
    shown = request.headers.get("authorization", "").encode()
    return token is not None and hmac.compare_digest(shown, f"Bearer {token}".encode())


def create_app(
    service: str,
    routers: Sequence[APIRouter],
    *,
    database: Database,
    tokens: TokenVerifier,
    tracing: Tracing,
    audit: Recorder,
    rate_limit: RateLimit | None,
    lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]],
    metrics_token: str | None = None,
) -> FastAPI:
    app = DocumentedApp(
        title=f"Care plans: {service}",
        version="1",
        lifespan=lifespan,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        # FastAPI's own spans carry the query string, which may hold a patient's name; ours carry the route.
        telemetry={"tracing": False, "metrics": False, "logs": False},
        exception_handlers=dict.fromkeys(
            (ApplicationError, RequestValidationError, HTTPException, *OUTAGES, *COLLISIONS), _answer_error
        ),
    )
    app.state.tokens = tokens
    app.state.audit = audit
    app.state.rate_limit = rate_limit
    app.state.neighbours = [app]
    app.add_middleware(Telemetry, service=service, tracing=tracing, audit=audit)
    for router in (*routers, probes(database, metrics_token)):
        app.include_router(router)
    return app
