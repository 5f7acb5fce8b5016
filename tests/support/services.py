"""What the code says of its services: their settings, by name."""

import importlib
from typing import Any

from local.serve import _SETTINGS
from schemas.topics import ALL


def settings_of(service: str) -> dict[str, Any]:
    """Each setting's field, by the name of its variable."""
    settings = getattr(importlib.import_module(f"services.{service}.settings"), _SETTINGS[service])
    return {field.alias: field for field in settings.model_fields.values()}


def required_of(service: str) -> set[str]:
    return {name for name, field in settings_of(service).items() if field.is_required()}


def topic_names() -> set[str]:
    return {topic.name for topic in ALL}
