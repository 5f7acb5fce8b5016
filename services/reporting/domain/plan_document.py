"""One version of a care plan as it leaves the product, whole: the value that every download writer is given."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from schemas.careplan import CarePlan, Review, Signature
from schemas.order import Order

Format = Literal["txt", "pdf", "json", "fhir"]


@dataclass(frozen=True, slots=True)
class PlanVersion:
    """Who made a version, when and why, and who signed it."""

    version: int
    created_at: datetime
    created_by: str
    note: str = ""
    approved_at: datetime | None = None
    approved_by: str | None = None
    changes: str | None = None
    """JSON of `Changes`."""

    @property
    def signature(self) -> Signature | None:
        if self.approved_at is None or self.approved_by is None:
            return None
        return Signature(by=self.approved_by, at=self.approved_at)


@dataclass(frozen=True, slots=True)
class PlanDocument:
    careplan_id: UUID
    order_id: UUID
    version: int
    review: Review
    order: Order
    """Its `patient_records` are empty: reporting does not keep them."""
    plan: CarePlan
    versions: tuple[PlanVersion, ...]

    @property
    def current(self) -> PlanVersion:
        return next(version for version in self.versions if version.version == self.version)

    @property
    def signature(self) -> Signature | None:
        """The pharmacist's, where this version is approved."""
        return self.current.signature if self.review == "approved" else None

    @property
    def revised_by(self) -> str | None:
        """The pharmacist who made this version; the first one is made by the generator."""
        return self.current.created_by if self.version > 1 else None

    @property
    def replaces(self) -> int | None:
        """The latest approved version before this one."""
        return max((v.version for v in self.versions if v.version < self.version and v.signature), default=None)


@dataclass(frozen=True, slots=True)
class File:
    content: bytes
    media_type: str
    suffix: str


Writer = Callable[[PlanDocument], Awaitable[File]]
"""One a format. WrongState where this version cannot be written so."""
