"""A medication that the knowledge base does not know: an honest plan of questions, with nothing invented."""

from datetime import timedelta

from services.generator.adapters.scripted.goals import decisions
from services.generator.adapters.scripted.interventions import PHARMACIST, details, reconciliation
from services.generator.adapters.scripted.problems import MEDICATION, PRIMARY
from services.generator.domain.answer import Answer, GoalItem, InterventionItem, MonitoringItem, ProblemItem
from services.generator.domain.evidence import OrderField
from services.generator.domain.request import PlanRequest

_LABEL_DAYS, _FOLLOW_UP_DAYS = 3, 28


def unknown_drug(request: PlanRequest) -> Answer:
    problems = [
        ProblemItem(
            id=f"P{at}",
            text=item.what,
            category=item.category,
            severity=item.severity,
            medication=item.medication,
            evidence=item.evidence,
            checklist=(item.id,),
        )
        for at, item in enumerate(request.checklist, 2)
    ]
    ids = {"unknown": "P1"} | {item.id: f"P{at}" for at, item in enumerate(request.checklist, 2)}
    return Answer(
        problem_list=(_no_facts(request), *problems),
        goals=_goals(request, ids),
        interventions=(
            _label(request),
            _counselling(),
            reconciliation(request, ids),
            *_asked(request, ids),
            *_actions(request, ids),
        ),
        monitoring=(_monitoring(request),),
        gaps=(),
        handout=(
            "Your medicine is new to our list.\n"
            "Your pharmacist will go through it with you before you start.\n"
            "- Use it just as your doctor told you.\n"
            "- Tell us about all drugs you take and all your allergies.\n"
            "- Call 911 if you cannot breathe well, your face or throat swells, or you faint.\n"
            "- Call us or your doctor if you are not sure."
        ),
    )


def _no_facts(request: PlanRequest) -> ProblemItem:
    order, allergies = request.order, request.case.allergies
    told = f" Recorded allergies, not compared: {'; '.join(a.text for a in allergies)}." if allergies else ""
    return ProblemItem(
        id="P1",
        text=f"The safety of {order.medication} for {order.primary_diagnosis} in a patient aged {request.age} could not be "
        f"checked: [DRUG FACTS NOT PROVIDED].{told}",
        category="adverse_reaction",
        severity="high",
        medication=order.medication,
        evidence=(MEDICATION, PRIMARY, *((OrderField(field="patient.allergies"),) if allergies else ())),
        checklist=(),
    )


def _goals(request: PlanRequest, ids: dict[str, str]) -> tuple[GoalItem, ...]:
    grave = decisions(request, ids)
    return (
        *((grave,) if grave is not None else ()),
        GoalItem(
            text="A pharmacist has checked the order against the current label before the first dose.",
            measure="checks open: indication, dose, contraindications, interactions, allergies, baseline tests",
            target="0 open",
            due=request.order_date + timedelta(days=_LABEL_DAYS),
            addresses=("P1",),
            evidence=(MEDICATION,),
        ),
        GoalItem(
            text="The patient starts without serious harm.",
            measure="serious adverse reactions",
            target="0 events",
            due=request.order_date + timedelta(days=_FOLLOW_UP_DAYS),
            addresses=("P1",),
            evidence=(MEDICATION,),
        ),
    )


def _label(request: PlanRequest) -> InterventionItem:
    return InterventionItem(
        text=f"Work through the current label of {request.order.medication}: indication, dose, contraindications, interactions, "
        "allergies, baseline tests and monitoring; call the prescriber with every question, and complete this plan by hand.",
        when="before the first dose",
        by=PHARMACIST,
        addresses=("P1",),
        evidence=(MEDICATION,),
    )


def _counselling() -> InterventionItem:
    return InterventionItem(
        text="Counsel the patient from the current label, and have it told back: how it is given, what to watch for, when to call "
        "whom; with signs of anaphylaxis emergency care is called.",
        when="before the first dose",
        by=PHARMACIST,
        addresses=("P1",),
        evidence=(MEDICATION,),
    )


def _asked(request: PlanRequest, ids: dict[str, str]) -> tuple[InterventionItem, ...]:
    missing = details(request, ids, already=("[DRUG FACTS NOT PROVIDED]",))
    return () if missing is None else (missing,)


def _actions(request: PlanRequest, ids: dict[str, str]) -> tuple[InterventionItem, ...]:
    return tuple(
        InterventionItem(
            text=item.action, when=item.when, by=PHARMACIST, addresses=(ids[item.id],), evidence=item.evidence
        )
        for item in request.checklist
    )


def _monitoring(request: PlanRequest) -> MonitoringItem:
    return MonitoringItem(
        text=f"The schedule for {request.order.medication} is the one of its current label, which the pharmacist enters here.",
        test="the tests that the current label names",
        first="before dose 1",
        interval="as the current label says",
        threshold="as the current label says, or any new symptom",
        action="Hold the next dose and call the prescriber.",
        responsible=PHARMACIST,
        addresses=("P1",),
        evidence=(MEDICATION,),
    )
