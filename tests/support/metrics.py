"""The metrics that the code has, and what they say now."""

import importlib
from typing import Any

from prometheus_client import REGISTRY, Counter, Gauge, Histogram

from local.environment import SERVICES

CATALOGUES = (
    "chassis.metrics",
    *(f"services.{service}.metrics" for service in SERVICES if service != "reporting"),
)


def ours() -> dict[str, Any]:
    """Every metric of the code, by the name it is declared with."""
    found: dict[str, Any] = {}
    for catalogue in CATALOGUES:
        for metric in vars(importlib.import_module(catalogue)).values():
            if isinstance(metric, Counter | Gauge | Histogram):
                found[metric._name] = metric
    return found


def series_names() -> set[str]:
    """As they stand in a query: a counter ends in _total, a histogram has three."""
    names: set[str] = set()
    for name, metric in ours().items():
        if isinstance(metric, Counter):
            names.add(f"{name}_total")
        elif isinstance(metric, Histogram):
            names |= {f"{name}_bucket", f"{name}_sum", f"{name}_count"}
        else:
            names.add(name)
    return names


def value(name: str, **labels: str) -> float:
    """0 where nothing was counted yet."""
    return REGISTRY.get_sample_value(name, labels) or 0.0
