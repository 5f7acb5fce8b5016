"""Every source that posts orders in a format of its own: one line each."""

from collections.abc import Mapping

from services.intake.adapters.base import Source
from services.intake.adapters.clinic import Clinic
from services.intake.adapters.hl7v2 import Hl7v2
from services.intake.adapters.pharmacorp import PharmaCorp

_ALL: tuple[type[Source], ...] = (
    Clinic,
    PharmaCorp,
    Hl7v2,
)
SOURCES: Mapping[str, Source] = {source.name: source() for source in _ALL}
