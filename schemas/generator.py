"""Facts that the generator alone writes: topic `careplan.careplans`."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from schemas.careplan import Changes, ModelUse, PackedCarePlan, Signature
from schemas.event import Fact
from schemas.order import Finding

GENERATION_FAILED = "GENERATION_FAILED"


class CarePlanCompleted(Fact):
    type: Literal["careplan.care_plan_completed.v1"] = "careplan.care_plan_completed.v1"
    attempt: int
    careplan_id: UUID
    version: int = 1
    accepted_at: datetime
    """When validation accepted the order: readers that see this fact first still tell the whole story."""
    careplan: PackedCarePlan
    model_use: ModelUse = ModelUse()


class CarePlanFailed(Fact):
    """Generation gave up for this attempt; `reason` is a code, `message` says what a person can do."""

    type: Literal["careplan.care_plan_failed.v1"] = "careplan.care_plan_failed.v1"
    attempt: int
    accepted_at: datetime
    reason: str
    message: str
    model_use: ModelUse = ModelUse()

    def finding(self) -> Finding:
        """As it stands among an order's problems until somebody tries again."""
        return Finding(type="notice", code=GENERATION_FAILED, message=self.message, detail={"reason": self.reason})


class CarePlanRevised(Fact):
    type: Literal["careplan.care_plan_revised.v1"] = "careplan.care_plan_revised.v1"
    careplan_id: UUID
    version: int
    careplan: PackedCarePlan
    revised: Signature
    note: str = ""
    changes: Changes = Changes()


class CarePlanApproved(Fact):
    type: Literal["careplan.care_plan_approved.v1"] = "careplan.care_plan_approved.v1"
    careplan_id: UUID
    version: int
    approved: Signature
