"""Everything that code can find without a language model. One family of rules a file, one function a rule.

The findings go to the model as facts; the guards hold the plan to them.
"""

from services.generator.domain.case import Case
from services.generator.domain.checklist.allergies import allergies_only_in_records, recorded_allergies
from services.generator.domain.checklist.boxed import boxed_warnings
from services.generator.domain.checklist.conditions import contraindications
from services.generator.domain.checklist.dosing import stated_amount, stated_dose, weight_contradiction, weight_missing
from services.generator.domain.checklist.duplication import methotrexate_every_day, same_drug, two_biologics
from services.generator.domain.checklist.identity import same_person
from services.generator.domain.checklist.indication import indication
from services.generator.domain.checklist.interactions import home_medicines, medicines_in_records, planned_vaccines
from services.generator.domain.checklist.item import RANK, ChecklistItem, Gap, gap
from services.generator.domain.checklist.left_open import left_open
from services.generator.domain.checklist.limits import above_normal, beyond_limits
from services.generator.domain.checklist.myasthenia import code_mismatch, worsening_medicines
from services.generator.domain.checklist.pregnancy import childbearing_potential, planned_pregnancy
from services.generator.domain.checklist.renal import reduced_for_the_kidney
from services.generator.domain.checklist.screening import (
    OnFile,
    baselines,
    missing_results,
    negative_that_forbids,
    positive_hepatitis_b,
    positive_tuberculosis,
)

__all__ = ["RANK", "RULES", "ChecklistItem", "Gap", "OnFile", "baselines", "checklist", "gap"]

RULES = (
    boxed_warnings,
    contraindications,
    positive_hepatitis_b,
    positive_tuberculosis,
    negative_that_forbids,
    beyond_limits,
    above_normal,
    recorded_allergies,
    allergies_only_in_records,
    weight_missing,
    weight_contradiction,
    stated_dose,
    stated_amount,
    reduced_for_the_kidney,
    methotrexate_every_day,
    same_drug,
    two_biologics,
    home_medicines,
    medicines_in_records,
    worsening_medicines,
    childbearing_potential,
    planned_pregnancy,
    same_person,
    code_mismatch,
    planned_vaccines,
    indication,
)


def checklist(case: Case, on_file: tuple[OnFile, ...]) -> tuple[ChecklistItem, ...]:
    """All findings, the gravest first; within a severity in the order of the rules."""
    found = [item for rule in RULES for item in rule(case)]
    found.extend(missing_results(case, on_file))
    found.extend(left_open(case, found))
    found.sort(key=lambda item: RANK[item.severity])
    return tuple(found)
