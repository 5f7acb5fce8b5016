"""Who hands out the files: the pharmacy's own organization."""

from dataclasses import dataclass
from datetime import UTC, tzinfo


@dataclass(frozen=True, slots=True)
class Pharmacy:
    """What is None is left out of every file."""

    name: str | None = None
    npi: str | None = None
    phone: str | None = None
    mrn_system: str | None = None
    time_zone: tzinfo = UTC
