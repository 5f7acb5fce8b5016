"""The pass gate: what has to hold before a change to prompts, facts or code is let through."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evals.controls import Caught
from evals.grade import Grade

MEAN_AT_LEAST, NO_CASE_BELOW, GRAVE_RECALL = 0.80, 0.65, 1.0
WORSE_BY_AT_MOST = 0.02
_RESAMPLES, _SEED = 2000, 20261121


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    passed: bool
    said: str


def checks(
    grades: Sequence[Grade], cases: int, caught: Sequence[Caught], baseline: Mapping[str, float] | None = None
) -> list[Check]:
    """`cases` is how many were asked for: a case without a grade fails."""
    failed = [grade for grade in grades if grade.failed]
    scores = {grade.case_id: grade.score for grade in grades}
    mean = sum(scores.values()) / len(scores) if scores else 0.0
    lowest = min(scores.values(), default=0.0)
    grave = min((grade.recall_of_grave for grade in grades), default=0.0)
    missed = [one.control.id for one in caught if not one.caught]
    found = [
        Check("every case was answered", len(grades) == cases, f"{len(grades)} of {cases}"),
        Check("all hard gates on every case", not failed, f"{len(grades) - len(failed)} of {len(grades)} cases"),
        Check(f"mean score at least {MEAN_AT_LEAST:.2f}", mean >= MEAN_AT_LEAST, f"{mean:.3f}"),
        Check(f"no case below {NO_CASE_BELOW:.2f}", lowest >= NO_CASE_BELOW, f"lowest {lowest:.3f}"),
        Check("every grave problem found", grave >= GRAVE_RECALL, f"lowest recall {grave:.2f}"),
        Check("every planted fault caught", not missed, f"{len(caught) - len(missed)} of {len(caught)}"),
    ]
    return [*found, _against(scores, baseline)] if baseline else found


def _against(scores: Mapping[str, float], baseline: Mapping[str, float]) -> Check:
    """Paired by case; it fails where even the upper end of the interval is worse than is allowed."""
    both = [scores[case] - baseline[case] for case in sorted(scores) if case in baseline]
    low, high = interval(both)
    mean = sum(both) / len(both) if both else 0.0
    passed = mean >= -WORSE_BY_AT_MOST or high >= -WORSE_BY_AT_MOST
    return Check(f"not worse than the baseline by more than {WORSE_BY_AT_MOST:.2f}", passed and bool(both),
                 f"{mean:+.3f} (95% interval {low:+.3f} to {high:+.3f}, {len(both)} cases)")  # fmt: skip


def interval(differences: Sequence[float]) -> tuple[float, float]:
    """A bootstrap interval of the mean; the same differences give the same interval."""
    if not differences:
        return 0.0, 0.0
    chance = random.Random(_SEED)  # noqa: S311 (resampling, not a secret)
    size = len(differences)
    means = sorted(sum(chance.choices(differences, k=size)) / size for _ in range(_RESAMPLES))
    return means[round(_RESAMPLES * 0.025)], means[round(_RESAMPLES * 0.975) - 1]
