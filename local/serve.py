"""Runs one service, or all of them, in this process until it is told to stop."""

import importlib
import os
from collections.abc import Mapping
from typing import Any

import uvicorn
from fastapi import FastAPI

from chassis.messaging.nudges import Nudges
from chassis.telemetry import configure_logs
from local.environment import SERVICES
from local.front import Front

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
    app: FastAPI = main.build(settings_class(**values) if values is not None else settings_class(), nudges)
    return app


def serve_one(name: str, port: int) -> None:
    configure_logs(os.environ.get("CAREPLAN_LOG_LEVEL", "info"))
    _serve(build_service(name), port)


def serve_all(environments: Mapping[str, Mapping[str, str]], port: int) -> None:
    """Every service in this one process, behind one address."""
    configure_logs(os.environ.get("CAREPLAN_LOG_LEVEL", "info"))
    nudges = Nudges()
    _serve(Front({name: build_service(name, environments[name], nudges) for name in SERVICES}), port)


def _serve(app: Any, port: int) -> None:
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=5,
    )
