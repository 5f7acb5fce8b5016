"""Every source that posts orders in a format of its own, one line each: the file here, and the class in it."""

from collections.abc import Mapping
from pkgutil import resolve_name

from services.intake.adapters.base import Source

_LISTED = (
    "clinic:Clinic",
    "pharmacorp:PharmaCorp",
    "hl7v2:Hl7v2",
)
_CLASSES: list[type[Source]] = [resolve_name(f"services.intake.adapters.{place}") for place in _LISTED]
SOURCES: Mapping[str, Source] = {source.name: source() for source in _CLASSES}
