"""Runs one service, or all of them, in this process until it is told to stop."""

import asyncio
import gc
import importlib
import os
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from functools import partial
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from chassis import failpoints
from chassis.messaging.nudges import Nudges
from chassis.telemetry import configure_logs
from local.environment import SERVICES
from local.front import Backstage, Front

_BEHIND_REQUESTS = 5
"""Nice: somebody waits for an answer, and nobody for an event's next hop."""

_SETTINGS = {
    "intake": "IntakeSettings",
    "validation": "ValidationSettings",
    "generator": "GeneratorSettings",
    "reporting": "ReportingSettings",
    "notification": "NotificationSettings",
}


def build_service(name: str, values: Mapping[str, str] | None = None, nudges: Nudges | None = None) -> FastAPI:
    """The service's application from the environment, or from `values` under the same names."""
    settings_class: Any = getattr(importlib.import_module(f"services.{name}.settings"), _SETTINGS[name])
    main: Any = importlib.import_module(f"services.{name}.main")
    settings = settings_class(**values) if values is not None else settings_class(**_secrets_folder())
    app: FastAPI = main.build(settings, nudges)
    return app


def _secrets_folder() -> dict[str, str]:
    """Where containers find their secrets: a folder with a file for each setting, called as the setting."""
    folder = os.environ.get("CAREPLAN_SECRETS")
    return {"_secrets_dir": folder} if folder else {}


def serve_one(name: str, port: int, host: str = "127.0.0.1") -> None:
    failpoints.arm(os.environ)
    configure_logs(os.environ.get("CAREPLAN_LOG_LEVEL", "info"))
    app = build_service(name)
    _serve(app, port, host, _Draining(app, float(os.environ.get("CAREPLAN_DRAIN_SECONDS", "0"))))


@dataclass(frozen=True)
class Pair:
    """The all-in-one's two processes: one answers all requests, the other handles all events, and lets the first go before."""

    requests_port: int
    events_port: int
    """On both, HTTP for the one side and datagrams for the other."""


def serve_requests(environments: Mapping[str, Mapping[str, str]], pair: Pair) -> None:
    """Every service behind one address."""
    nudges = Nudges()
    shared = nudges.shared_with(pair.requests_port, [pair.events_port])
    _serve_all(Front(_apps(environments, nudges, "requests"), pair.events_port), shared, pair.requests_port)


def serve_events(environments: Mapping[str, Mapping[str, str]], pair: Pair) -> None:
    os.nice(_BEHIND_REQUESTS)
    nudges = Nudges()
    shared = nudges.shared_with(pair.events_port, [pair.requests_port])
    _serve_all(Backstage(_apps(environments, nudges, "events")), shared, pair.events_port)


def _apps(environments: Mapping[str, Mapping[str, str]], nudges: Nudges, half: str) -> dict[str, FastAPI]:
    return {name: build_service(name, {**environments[name], "CAREPLAN_RUNS": half}, nudges) for name in SERVICES}


def _serve_all(app: Any, nudges_shared: AbstractAsyncContextManager[None], port: int) -> None:
    failpoints.arm(os.environ)
    configure_logs(os.environ.get("CAREPLAN_LOG_LEVEL", "info"))

    async def with_nudges(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await app(scope, receive, send)
            return
        async with nudges_shared:
            await app(scope, receive, send)

    _serve(with_nudges, port)


@dataclass
class _Draining:
    """Told to stop, a service says at /health/ready that it is leaving, and answers on until gateways have noticed."""

    app: FastAPI
    seconds: float

    def begin(self, stop: Callable[[], None]) -> None:
        if getattr(self.app.state, "leaving", False) or not self.seconds:
            stop()  # a second signal, from somebody impatient
        else:
            self.app.state.leaving = True
            asyncio.get_running_loop().call_later(self.seconds, stop)


class _Server(uvicorn.Server):
    draining: _Draining | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.draining is None:
            super().handle_exit(sig, frame)
        else:
            self.draining.begin(partial(super().handle_exit, sig, frame))


def _serve(app: Any, port: int, host: str = "127.0.0.1", draining: _Draining | None = None) -> None:
    _spare_the_garbage_collector()
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
        # Who asks, as the gateways that are named there say: uvicorn reads the variable itself. Otherwise nobody is believed.
        proxy_headers="FORWARDED_ALLOW_IPS" in os.environ,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=5,
    )
    server = _Server(config)
    server.draining = draining
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        raise SystemExit(3)


def _spare_the_garbage_collector() -> None:
    """What is built lives as long as the process: collections need not walk over it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
