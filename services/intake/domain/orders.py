"""An order in intake's hands: as it came in, and as it is kept."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from schemas.order import Finding, Order
from services.intake.domain.progress import Progress


@dataclass(frozen=True, slots=True)
class Submission:
    """An order that is right in form."""

    source: str
    external_id: str | None
    order: Order
    notices: tuple[Finding, ...]
    warnings_accepted: bool


@dataclass(frozen=True, slots=True)
class StoredOrder:
    """An order as it was submitted, with its way so far."""

    order_id: UUID
    source: str
    external_id: str | None
    submitted_at: datetime
    updated_at: datetime
    order: Order
    notices: tuple[Finding, ...]
    progress: Progress
