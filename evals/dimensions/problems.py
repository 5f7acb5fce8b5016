"""B1, B2, B3: were the right problems found, only those, and can each be worked with."""

from typing import get_args

from evals.cases import ExpectedProblem, words_of
from evals.dimensions.mark import Mark, mean
from evals.look import RANK, Look, says, telling_words
from schemas.careplan import Category, Problem

_WEIGHTS = {"high": 3, "moderate": 2, "low": 1}
_TOO_LOW = 0.5
_WORDS_IN_COMMON = 2
_THE_SAME = 0.85


def recall(look: Look) -> Mark:
    """B1: weighted by severity; half where a problem is found and taken too lightly."""
    expected = look.case.expected_dtps
    got = {e.id: _found(look, e) for e in expected}
    total = sum(_WEIGHTS[e.severity] for e in expected)
    score = sum(_WEIGHTS[e.severity] * got[e.id] for e in expected) / total if total else 1.0
    reasons = [
        f"'{name}' is {'not found' if share == 0 else 'taken too lightly'}" for name, share in got.items() if share < 1
    ]
    return Mark(score, tuple(reasons))


def recall_of_grave(look: Look) -> float:
    """The share of what is expected with severity high that the plan has with severity high."""
    return mean((_found(look, e) == 1.0 for e in look.case.expected_dtps if e.severity == "high"), empty=1.0)


def _found(look: Look, expected: ExpectedProblem) -> float:
    found = look.problems_with(expected.synonyms)
    if not found:
        return 0.0
    return 1.0 if RANK[found[0].severity] >= RANK[expected.severity] else _TOO_LOW


def precision(look: Look) -> Mark:
    """B2: a problem counts against the plan where nothing that it cites bears it out, where the records deny it, or where
    an earlier problem says the same.
    """
    problems = look.plan.sections.problem_list
    reasons = []
    for at, problem in enumerate(problems):
        if unwanted := next((u.id for u in look.case.unwanted_dtps if says(problem.text, u.synonyms)), None):
            reasons.append(f"{problem.id}: the records do not make a problem of '{unwanted}'")
        elif not _grounded(look, problem):
            reasons.append(f"{problem.id}: nothing that it cites bears it out")
        elif any(_same(problem, earlier) for earlier in problems[:at]):
            reasons.append(f"{problem.id}: it says again what an earlier problem says")
    return Mark(1 - len(reasons) / len(problems) if problems else 0.0, tuple(reasons))


def _grounded(look: Look, problem: Problem) -> bool:
    if any(says(problem.text, e.synonyms) for e in look.case.expected_dtps):
        return True
    cited = [c for c in look.plan.citations if c.id in problem.citations]
    known = {fact.id: words_of(fact.id) for fact in look.facts}
    quotes = [known.get(c.fact_id or "", c.quote) for c in cited]
    text = telling_words(problem.text)
    whole = any(quote.casefold() in problem.text.casefold() for quote in quotes)
    return whole or len(text & telling_words("\n".join(quotes))) >= _WORDS_IN_COMMON


def _same(one: Problem, other: Problem) -> bool:
    words, others = telling_words(one.text), telling_words(other.text)
    return one.category == other.category and len(words & others) / max(1, len(words | others)) >= _THE_SAME


def form(look: Look) -> Mark:
    """B3: category, medicine, severity, status and evidence of this patient; the category that was expected, and the quote
    from the records that bears out what the case was made for.
    """
    reasons: list[str] = []
    problems = look.plan.sections.problem_list
    well_formed = mean(_form(look, problem, reasons) for problem in problems)
    agreed = list[bool]()
    for expected in look.case.expected_dtps:
        found = look.problems_with(expected.synonyms)
        if found:
            agreed.append(any(p.category in expected.categories for p in found))
            if not agreed[-1]:
                reasons.append(f"'{expected.id}' is filed under {found[0].category}")
        if found and expected.record_says:
            agreed.append(any(expected.record_says in quote for p in found for quote in _record_quotes(look, p)))
            if not agreed[-1]:
                reasons.append(f"'{expected.id}' does not quote '{expected.record_says}' from the records")
    return Mark(0.75 * well_formed + 0.25 * mean(agreed), tuple(reasons))


def _record_quotes(look: Look, problem: Problem) -> list[str]:
    return [c.quote for c in look.plan.citations if c.id in problem.citations and c.kind == "record"]


def _form(look: Look, problem: Problem, reasons: list[str]) -> float:
    """A fact alone is half the evidence: what makes it this patient's problem stands in the order or the records."""
    cited = [c for c in look.plan.citations if c.id in problem.citations]
    records = look.case.order.patient_records
    own = any(c.kind == "order" or (c.kind == "record" and records[c.start : c.end] == c.quote) for c in cited)
    evidence = 1.0 if own else 0.5 if cited else 0.0
    if evidence < 1:
        reasons.append(f"{problem.id}: {'only facts speak for it' if cited else 'it has no evidence'}")
    if not problem.medication:
        reasons.append(f"{problem.id}: it names no medicine")
    parts = (
        problem.category in get_args(Category),
        bool(problem.medication),
        problem.severity in RANK,
        bool(problem.status),
    )
    return (sum(parts) + evidence) / 5
