"""How one drug's facts hang together: which test follows which warning, which value measures the effect. Made once a drug."""

import re
from dataclasses import dataclass, field

from knowledge.facts import FactBase, Monitoring
from services.generator.domain.evidence import FactRef
from services.generator.domain.guide import Guide
from services.generator.domain.reading import Reading, fold, words_of

_TOO_COMMON = frozenset(
    [
        "infusion",
        "patient",
        "treatment",
        "warning",
        "products",
        "product",
        "before",
        "during",
        "prescriber",
        "serious",
        "severe",
        "reaction",
        "reactions",
        "events",
        "occurred",
        "watch",
        "first",
        "doses",
        "signs",
        "after",
        "occur",
        "reported",
        "other",
        "death",
        "clinical",
        "practice",
        "medicine",
        "immune",
        "globulin",
        "without",
        "within",
        "during",
        "always",
        "should",
        "cases",
        "fatal",
        "intravenous",
        "subcutaneous",
        "known",
        "higher",
        "contact",
        "contacts",
        "every",
    ]
)
_SCORES = re.compile(r"\b(?:CDAI|DAS28|PASI|EASI|ACT|MG-ADL|FVC|BCR-ABL PCR|HCV RNA|bleed log|symptom score|LDH)\b")
_REACTION = ("infusion reaction", "reaction", "anaphylaxis", "hives")
_KEEPING_ON = ("missed", "visits", "every_day", "adherence", "storage", "injection", "stop", "refill", "daily")


@dataclass(frozen=True)
class Outline:
    followed_by: dict[str, tuple[str, ...]]
    """A warning's fact id, to the monitoring that watches for it."""
    on_file_for: dict[str, tuple[str, ...]]
    """A warning's or a monitoring's fact id, to the baseline tests that bear on it."""
    effect: Monitoring | None
    score: str
    other_risks: tuple[Monitoring, ...]
    reaction: Monitoring | None
    keeping_on: tuple[FactRef, ...]
    counselling: tuple[FactRef, ...] = field(default=())


def outline(guide: Guide) -> Outline:
    known = guide.memo.get("outline")
    if not isinstance(known, Outline):
        known = guide.memo["outline"] = _outline(guide)
    return known


def _outline(guide: Guide) -> Outline:
    followed = {b.id: tuple(m.id for m in guide.monitoring if _kin(b, m)) for b in guide.boxed}
    covered = {monitor for monitors in followed.values() for monitor in monitors}
    effect = next((m for m in guide.monitoring if "response" in m.id or _SCORES.search(m.test)), None)
    found = _SCORES.search(effect.test) if effect else None
    return Outline(
        followed_by=followed,
        on_file_for=_baselines(guide),
        effect=effect,
        score=found[0] if found else "",
        other_risks=tuple(m for m in guide.monitoring if m.id not in covered and m is not effect and not _is_duty(m)),
        reaction=next(
            (m for word in _REACTION for m in guide.monitoring if word in fold(f"{m.test} {m.threshold}")), None
        ),
        keeping_on=tuple(guide.refs[c.id] for c in guide.counselling if any(w in c.id for w in _KEEPING_ON)),
        counselling=tuple(guide.refs[c.id] for c in guide.counselling),
    )


def _is_duty(fact: Monitoring) -> bool:
    """Something to record or to prove, not a risk to watch for."""
    return fact.id.endswith(("lot", "rems_fill", "assays", "restart", "adherence"))


def _baselines(guide: Guide) -> dict[str, tuple[str, ...]]:
    linked: dict[str, tuple[str, ...]] = {}
    for fact in (*guide.boxed, *guide.monitoring):
        tested = Reading(fact.test) if isinstance(fact, Monitoring) else None
        linked[fact.id] = tuple(
            b.id
            for b in guide.baselines
            if _last(b) == _last(fact)
            or (tested is not None and any(tested.has(t) for t in guide.terms[b.id]))
            or (tested is None and _kin(fact, b))
        )
    return linked


def _last(fact: FactBase) -> str:
    return fact.id.rsplit(".", 1)[1]


def _kin(one: FactBase, other: FactBase) -> bool:
    """The same last word of the id, or a word in common that is not a common one."""
    return _last(one) == _last(other) or bool(_telling(one) & _telling(other))


def _telling(fact: FactBase) -> frozenset[str]:
    words = words_of(
        fold(f"{fact.text} {_last(fact).replace('_', ' ')} {getattr(fact, 'test', '')} {getattr(fact, 'why', '')}")
    )
    plain = {_MEANS.get(w) or w.removesuffix("s") for w in words if len(w) > 5 or w in _MEANS or w in _SHORT}
    return frozenset(plain) - _TOO_COMMON


_SHORT = frozenset({"hbv", "pml", "tma", "vte"})
# Different words for the same organ: a warning of hepatotoxicity is watched for by ALT.
_MEANS = {
    word: group
    for group, words in {
        "unborn": "embryo fetal embryofetal unborn birth pregnancy",
        "counts": "hematologic neutropenia thrombocytopenia cbc neutrophil neutrophils platelets",
        "liver": "hepatotoxicity liver alt ast",
        "clots": "thromboembolism thrombosis thrombotic vte embolism",
    }.items()
    for word in words.split()
}
