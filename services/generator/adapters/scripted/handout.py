"""What the patient takes home: the counselling facts, which are written in plain words, and this order's days."""

from services.generator.adapters.scripted.goals import follow_up
from services.generator.adapters.scripted.outline import Outline
from services.generator.domain.guide import Guide
from services.generator.domain.request import PlanRequest


def handout(request: PlanRequest, guide: Guide, plan: Outline) -> str:
    day, _ = follow_up(request, plan)
    days = next((dose.dates for dose in request.doses if len(dose.dates) > 1), ())
    planned = (
        f"\nYour planned days: {', '.join(d.isoformat() for d in days)}. Your first day may move them.\n"
        if days
        else "\n"
    )
    return f"{_opening(guide)}{planned}We want to see how you do by {day.isoformat()}. Bring your questions."


def _opening(guide: Guide) -> str:
    made = guide.memo.get("handout")
    if not isinstance(made, str):
        hints = "\n".join(f"- {fact.text}" for fact in guide.counselling)
        made = guide.memo["handout"] = (
            f"Your medicine is {guide.drug.generic}.\n"
            "Use it just as your doctor told you. Do not stop it on your own.\n"
            f"{hints}\n"
            "- Tell us about each drug you take, also those you buy without a script.\n"
            "- Call 911 if you cannot breathe well, your face or throat swells, or you faint.\n"
            "- Call us or your doctor if you are not sure."
        )
    return made
