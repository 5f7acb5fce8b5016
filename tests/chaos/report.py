"""What a run leaves behind: one JSON for machines, one page for people."""

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.chaos.run import Outcome
from tests.chaos.verdict import CHARGES


def write_report(outcome: Outcome, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(json.dumps(as_json(outcome), indent=1, ensure_ascii=False))
    (folder / "report.txt").write_text(readable(outcome))


def as_json(outcome: Outcome) -> dict[str, Any]:
    plan, trial = outcome.plan, outcome.trial
    shown = [order for order in trial.evidence.shown.values() if order]
    charges = Counter(violation.charge for violation in outcome.violations)
    return {
        "seed": plan.seed,
        "minutes": plan.minutes,
        "broker": plan.broker,
        "passed": not outcome.violations,
        "charges": {charge: charges[charge] for charge in CHARGES},
        "violations": [asdict(violation) for violation in outcome.violations],
        "orders": len(shown),
        "orders_by_status": dict(Counter(order["status"] for order in shown)),
        "posts_without_an_answer": sum(submission.unanswered for submission in trial.submissions),
        "answers_503": len(trial.away),
        "stories": dict(Counter(submission.case.story for submission in trial.submissions)),
        "model_calls": len(trial.calls),
        "model_calls_billed": sum(call.billed for call in trial.calls),
        "model_calls_by_mood": dict(Counter(call.mood for call in trial.calls)),
        "healing_seconds": round(outcome.healing_seconds, 1),
        "schedule": [asdict(fault) for fault in plan.faults],
    }


def readable(outcome: Outcome) -> str:
    facts = as_json(outcome)
    lines = [
        f"Chaos, seed {facts['seed']}, {facts['minutes']:g} minutes, {facts['broker']}: {'passed' if facts['passed'] else 'FAILED'}",
        "",
        "  ".join(f"{charge} {count}" for charge, count in facts["charges"].items()),
        "",
        f"{facts['orders']} orders: {_counts(facts['orders_by_status'])}",
        f"Sent: {_counts(facts['stories'])}",
        f"{facts['posts_without_an_answer']} posts without a key or an answer, {facts['answers_503']} answers 503",
        f"{facts['model_calls']} calls of the model, {facts['model_calls_billed']} billed: {_counts(facts['model_calls_by_mood'])}",
        f"At rest {facts['healing_seconds']:g} s after the last fault ended",
        "",
        f"{len(outcome.plan.faults)} faults:",
        *(str(fault) for fault in outcome.plan.faults),
    ]
    if outcome.violations:
        lines += ["", "What went wrong:"]
        lines += [f"  {v.charge}: {v.what} (case {v.case}, order {v.order_id})" for v in outcome.violations]
    return "\n".join(lines) + "\n"


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items(), key=lambda item: -item[1]))
