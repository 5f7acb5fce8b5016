"""B8: can the patient read the handout."""

import re

from evals.dimensions.mark import Mark
from evals.look import Look

_GRADE, _HOPELESS = 8.0, 12.0
_CODES = re.compile(r"\b[PGIMKRO]\d{1,2}\b|\[[A-Z ]+NOT PROVIDED\]|\b[A-Z]\d\d\.\d+\b|\b[a-z_]+\.[a-z_]+\.[a-z_]+\b")
_FEWEST_WORDS = 40


def handout(look: Look) -> Mark:
    """All points up to grade 8, none from grade 12; half for ids and codes in it, and none where it says next to nothing."""
    text = look.plan.handout
    if len(text.split()) < _FEWEST_WORDS:
        return Mark(0.0, ("there is no handout to speak of",))
    grade, reasons = reading_grade(text), list[str]()
    score = min(1.0, max(0.0, (_HOPELESS - grade) / (_HOPELESS - _GRADE)))
    if score < 1:
        reasons.append(f"it reads at grade {grade:.1f}")
    if _CODES.search(text):
        score, reasons = score / 2, [*reasons, "ids or codes stand in it"]
    return Mark(score, tuple(reasons))


def reading_grade(text: str) -> float:
    """Flesch-Kincaid. A line ends a sentence; dates are left out: they are read at a glance."""
    plain = re.sub(r"\d{4}-\d\d-\d\d", "", text)
    sentences = [part for part in re.split(r"[.!?:;]+(?:\s|$)|\n+", plain) if re.search("[A-Za-z]", part)]
    words = re.findall(r"[A-Za-z][A-Za-z'’]*", plain)
    if not words or not sentences:
        return 0.0
    syllables = sum(_syllables(word.lower()) for word in words)
    return 0.39 * len(words) / len(sentences) + 11.8 * syllables / len(words) - 15.59


def _syllables(word: str) -> int:
    groups = len(re.findall(r"[aeiouy]+", word))
    silent = word.endswith("e") and not word.endswith(("le", "ee", "ie")) and groups > 1
    return max(1, groups - silent - (word.endswith("ed") and not word.endswith(("ted", "ded")) and groups > 1))
