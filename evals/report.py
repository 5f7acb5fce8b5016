"""The report for people: who wrote the plans, whether they pass, and what is wrong with the worst."""

from collections.abc import Iterator

from evals.cases import LABEL
from evals.dimensions import DIMENSIONS, POINTS
from evals.gates import TITLES
from evals.grade import Grade
from evals.runner import Result

_WORST, _MOST_REASONS = 5, 12


def markdown(result: Result) -> str:
    parts = (_head(result), _gate(result), _dimensions(result), _cases(result), _worst(result), _controls(result))
    return "\n".join(line for part in parts for line in (*part, "")).rstrip() + "\n"


def _head(result: Result) -> Iterator[str]:
    yield f"# Evaluation of care plans: {result.provider}"
    yield ""
    yield from (f"- Written by {line}." for line in result.written_by)
    yield f"- Cases: {len(result.cases)}, {LABEL}; {sum(c.split == 'held_out' for c in result.cases)} of them held out."
    yield "- The jury (C, 15 points) did not run: there is no API key. Scores are shares of the 85 points that code can give."
    if result.provider == "scripted":
        yield "- `scripted` is no language model: it writes plans by rule. Its score says nothing of a model's plans."
    if result.provider.startswith("recorded:"):
        yield "- These are recorded answers: nobody was asked during this run."


def _gate(result: Result) -> Iterator[str]:
    yield f"## {'Passed' if result.passed else 'FAILED'}"
    yield ""
    yield from _table("check | result | passed", [f"{c.name} | {c.said} | {_yes(c.passed)}" for c in result.checks])


def _dimensions(result: Result) -> Iterator[str]:
    yield f"## Dimensions: {result.mean * POINTS:.1f} of {POINTS} points"
    yield ""
    rows = [f"{n} {title} | {weight} | {result.mean_of(n):.3f}" for n, (title, weight, _) in DIMENSIONS.items()]
    yield from _table("dimension | weight | mean", rows)


def _cases(result: Result) -> Iterator[str]:
    yield "## Cases"
    yield ""
    names = list(DIMENSIONS)
    splits = {case.id: case for case in result.cases}
    yield from _table(
        f"case | split | tags | score | gates failed | {' | '.join(names)}",
        [
            f"{g.case_id} | {g.split.replace('_', ' ')} | {', '.join(splits[g.case_id].tags)} | {g.score:.3f} | "
            f"{', '.join(g.failed) or 'none'} | {' | '.join(f'{g.marks[n].score:.2f}' for n in names)}"
            for g in result.grades
        ],
    )
    for split in ("dev", "held_out"):
        scores = [g.score for g in result.grades if g.split == split]
        if scores:
            yield ""
            yield f"Mean of {split.replace('_', ' ')}: {sum(scores) / len(scores):.3f} ({len(scores)} cases)."


def _worst(result: Result) -> Iterator[str]:
    yield "## The worst five"
    for one in sorted(result.grades, key=_badness)[:_WORST]:
        yield ""
        yield f"### {one.case_id}: {one.score:.3f}"
        yield ""
        yield from ([f"- {reason}" for reason in one.reasons[:_MOST_REASONS]] or ["- Nothing that these measures see."])


def _badness(one: Grade) -> tuple[int, float]:
    return -len(one.failed), one.score


def _controls(result: Result) -> Iterator[str]:
    caught = sum(one.caught for one in result.controls)
    rate = len(result.alarms) / result.harmless if result.harmless else 0.0
    yield f"## Is the grading awake? {caught} of {len(result.controls)} planted faults caught"
    yield ""
    yield f"False alarms: {len(result.alarms)} of {result.harmless} harmlessly changed plans ({rate:.1%})."
    yield from (f"- {alarm}" for alarm in result.alarms)
    yield ""
    rows = [
        f"{c.control.id} | {c.control.case_id} | {', '.join(f'{n} {TITLES.get(n, DIMENSIONS.get(n, (n,))[0])}' for n in c.by) or 'NOT CAUGHT'}"
        for c in result.controls
    ]
    yield from _table("planted fault | case | caught by", rows)


def _table(head: str, rows: list[str]) -> Iterator[str]:
    yield f"| {head} |"
    yield f"|{' --- |' * (head.count(' | ') + 1)}"
    yield from (f"| {row} |" for row in rows)


def _yes(passed: bool) -> str:  # noqa: FBT001 (a word for it)
    return "yes" if passed else "NO"
