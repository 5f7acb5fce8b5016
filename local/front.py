"""One address in front of all services: the all-in-one's gateway, by method and path.

The same table stands in deploy/ for the gateway of a real installation; here it only hands the request on in-process.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis import ops
from chassis.audit.routes import audit_router
from chassis.telemetry import Tracing
from chassis.web import Telemetry
from local import metrics
from local.site import Site

_GENERATORS = ("/revisions", "/approve")
_OF_MODELS = ("/api/costs", "/api/ops/models", "/api/reviews/", "/api/knowledge")
_NOT_PAGES = ("/api/", "/health/", "/metrics", "/openapi.json")


def owner_of(method: str, path: str) -> str:
    """Which service answers; what is nobody's address belongs to the web form's pages, or gets intake's 404 or 405."""
    if path == "/api/orders":
        return "intake" if method == "POST" else "reporting"
    if path == "/api/orders/events":
        return "reporting"
    if path.startswith("/api/careplans/"):
        return "generator" if path.endswith(_GENERATORS) else "reporting"
    if path.startswith(_OF_MODELS):
        return "generator"
    if path.startswith("/api/reports/"):
        return "reporting"
    if path.startswith("/api/notifications/"):
        return "notification"
    if path.startswith(("/api/ops/dead-letters", "/api/ops/audit")):
        return "ops"
    if path.startswith(_NOT_PAGES) or method not in ("GET", "HEAD"):
        return "intake"
    return "site"


class Front:
    """An ASGI application that is all services at once."""

    def __init__(self, services: Mapping[str, FastAPI], events_port: int | None = None) -> None:
        """`events_port`: of the process that runs some services' events, and has measurements of its own."""
        self._services, self._events_port = services, events_port
        self._owners: dict[str, ASGIApp] = {**services, "ops": _operations(services)}
        self._site = Site()
        for app in services.values():
            app.state.neighbours = list(services.values())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await lifespan(self._services, receive, send)
        elif scope["path"] == "/metrics" and self._events_port:
            await self._metrics(self._events_port, scope, receive, send)
        elif scope["path"] == "/openapi.json" and scope.get("method") == "GET":
            await JSONResponse(self.openapi())(scope, receive, send)
        else:
            await self._owner(scope)(scope, receive, send)

    def _owner(self, scope: Scope) -> ASGIApp:
        name = owner_of(scope.get("method", ""), scope["path"])
        if name == "site":
            return self._site if self._site.has(scope) else self._owners["intake"]
        return self._owners[name]

    def openapi(self) -> dict[str, Any]:
        """Every service's paths in one document."""
        documents = [app.openapi() for app in self._services.values()]
        paths: dict[str, Any] = {}
        components: dict[str, dict[str, Any]] = {}
        for document in documents:
            for path, methods in document["paths"].items():
                paths.setdefault(path, {}).update(methods)
            for kind, parts in document["components"].items():
                components.setdefault(kind, {}).update(parts)
        about = {"title": "Care plans", "version": documents[0]["info"]["version"]}
        return {**documents[0], "info": about, "paths": paths, "components": components}

    async def _metrics(self, events_port: int, scope: Scope, receive: Receive, send: Send) -> None:
        """Intake decides who may see them, and gives its process's; the other process's are added."""
        start: Message = {}

        async def send_merged(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
                return
            body = message["body"]
            behind = await metrics.fetched(events_port) if start["status"] == 200 else None
            if behind is not None:
                body = metrics.merged(body.decode(), behind)
            headers = [(name, value) for name, value in start["headers"] if name != b"content-length"]
            await send({**start, "headers": [*headers, (b"content-length", str(len(body)).encode())]})
            await send({**message, "body": body})

        await self._owners["intake"](scope, receive, send_merged)


class Backstage:
    """An ASGI application that runs services for their events only, and tells of their health and metrics."""

    def __init__(self, services: Mapping[str, FastAPI]) -> None:
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await lifespan(self._services, receive, send)
        else:
            await next(iter(self._services.values()))(scope, receive, send)


async def lifespan(services: Mapping[str, FastAPI], receive: Receive, send: Send) -> None:
    await receive()
    async with _all_started(services):
        await send({"type": "lifespan.startup.complete"})
        await receive()
    await send({"type": "lifespan.shutdown.complete"})


@asynccontextmanager
async def _all_started(services: Mapping[str, FastAPI]) -> AsyncIterator[None]:
    """All at once, and stopped at once: each takes up to a second to finish the poll in its hands."""
    lives = [app.router.lifespan_context(app) for app in services.values()]
    await asyncio.gather(*(life.__aenter__() for life in lives))
    try:
        yield
    finally:
        await asyncio.gather(*(life.__aexit__(None, None, None) for life in lives), return_exceptions=True)


def _operations(services: Mapping[str, FastAPI]) -> ASGIApp:
    """Dead letters of all services in one list, and their audits in another."""
    first = next(iter(services.values()))
    app = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False})
    app.exception_handlers.update(first.exception_handlers)
    app.state.tokens, app.state.rate_limit = first.state.tokens, first.state.rate_limit
    app.state.neighbours = list(services.values())
    app.include_router(ops.router([service.state.dead_letters for service in services.values()]))
    app.include_router(audit_router([service.state.trail for service in services.values()]))
    return Telemetry(app, "operations", Tracing("operations", 0, None), first.state.audit)
