"""Runs one service, or all of them, in this process until it is told to stop."""

import gc
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
    settings = settings_class(**values) if values is not None else settings_class(**_secrets_folder())
    app: FastAPI = main.build(settings, nudges)
    return app


def _secrets_folder() -> dict[str, str]:
    """Where containers find their secrets: a folder with a file for each setting, called as the setting."""
    folder = os.environ.get("CAREPLAN_SECRETS")
    return {"_secrets_dir": folder} if folder else {}


def serve_one(name: str, port: int, host: str = "127.0.0.1") -> None:
    configure_logs(os.environ.get("CAREPLAN_LOG_LEVEL", "info"))
    _serve(build_service(name), port, host)


def serve_all(environments: Mapping[str, Mapping[str, str]], port: int) -> None:
    """Every service in this one process, behind one address."""
    configure_logs(os.environ.get("CAREPLAN_LOG_LEVEL", "info"))
    nudges = Nudges()
    _serve(Front({name: build_service(name, environments[name], nudges) for name in SERVICES}), port)


def _serve(app: Any, port: int, host: str = "127.0.0.1") -> None:
    _spare_the_garbage_collector()
    uvicorn.run(
        app,
        host=host,
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


def _spare_the_garbage_collector() -> None:
    """What is built lives as long as the process: collections need not walk over it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
