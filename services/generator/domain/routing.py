"""Which model writes which plan: a small one where the case is plain, a large one where a mistake could hurt.

The rules are code: a model is never asked how hard a case is. Each reason is a code, kept with the call it decided.
"""

from collections.abc import Callable, Sequence
from typing import Literal

from services.generator.domain.request import PlanRequest

Tier = Literal["small", "large"]

_LONG_RECORDS = 30_000
_CHILD, _OLD = 18, 80


def _unknown_drug(request: PlanRequest) -> bool:
    return request.guide is None


def _boxed_warning_or_rems(request: PlanRequest) -> bool:
    return request.drug is not None and request.drug.high_risk


def _grave_finding(request: PlanRequest) -> bool:
    return any(item.severity == "high" for item in request.checklist)


def _age(request: PlanRequest) -> bool:
    return request.age < _CHILD or request.age >= _OLD


def _may_become_pregnant(request: PlanRequest) -> bool:
    guide = request.guide
    return guide is not None and bool(guide.pregnancy) and request.case.may_become_pregnant


def _long_records(request: PlanRequest) -> bool:
    return len(request.order.patient_records) > _LONG_RECORDS


def _addresses_a_machine(request: PlanRequest) -> bool:
    return request.case.records.addresses_a_machine


_HIGH_RISK: dict[str, Callable[[PlanRequest], bool]] = {
    "UNKNOWN_DRUG": _unknown_drug,
    "BOXED_WARNING_OR_REMS": _boxed_warning_or_rems,
    "GRAVE_FINDING": _grave_finding,
    "AGE": _age,
    "PREGNANCY": _may_become_pregnant,
    "LONG_RECORDS": _long_records,
    "TEXT_TO_A_MACHINE": _addresses_a_machine,
}


def high_risk(request: PlanRequest) -> tuple[str, ...]:
    """Why this is no routine; empty where it is."""
    return tuple(code for code, holds in _HIGH_RISK.items() if holds(request))


def tier_of(request: PlanRequest, complaints: Sequence[str] = ()) -> Tier:
    """A plan that was refused once is no routine any more."""
    return "large" if complaints or high_risk(request) else "small"
