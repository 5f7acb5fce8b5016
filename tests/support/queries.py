"""What PromQL expressions ask for: which metrics, which values of labels."""

import re

from tests.support.metrics import ours

_OTHERS = {"up", "process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds"}
"""Prometheus's own, and those of its client library in every process."""
_WORDS = {
    *("sum", "max", "min", "count", "by", "rate", "increase", "delta", "histogram_quantile", "le", "and", "or", "on"),
    *("offset", "vector", "clamp_min", "service", "topic", "reason", "route", "loop", "outcome", "provider", "kind"),
    *("status", "source", "fact", "model", "code", "error", "bool", "unless"),
}
_KNOWN_LABELS = {"job", "instance", "le", *(label for metric in ours().values() for label in metric._labelnames)}


def metrics_in(expression: str) -> set[str]:
    """Names of metrics, but for those that are not ours."""
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\"[^\"]*\"", " ", expression)
    names = set(re.findall(r"\b[a-z_]{2,}[a-z0-9_]*\b", bare))
    return names - _WORDS - _OTHERS


def labels_in(expression: str) -> bool:
    """Whether each label that it selects or groups by is one that a metric has."""
    selected = {
        label for braces in re.findall(r"\{([^}]*)\}", expression) for label in re.findall(r"(\w+)\s*[=!]", braces)
    }
    grouped = {
        label.strip() for group in re.findall(r"\bby \(([^)]*)\)", expression) for label in group.split(",") if label
    }
    return selected | grouped <= _KNOWN_LABELS
