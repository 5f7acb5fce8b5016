"""Every medicine that the knowledge base knows by name, ready to be found in a text."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from knowledge.base import KnowledgeBase
from services.generator.domain.reading import Place, Reading, Term, fold, term

# A name of the knowledge base that is also an everyday word says nothing when it stands in a sentence.
_EVERYDAY = frozenset({"oxygen", "ns", "charcoal", "plt"})
# What a medicine is called by its ending: a name that no list of ours has is still a name.
_ENDINGS = (
    "mab", "nib", "pril", "sartan", "statin", "olol", "cillin", "mycin", "floxacin", "conazole", "prazole", "gliptin",
    "gliflozin", "glutide", "triptan", "dipine", "parin", "buvir", "asvir", "ciclovir", "oxetine", "azepam", "zolam",
    "azosin", "thiazide", "semide", "sporine", "limus", "cept", "kinra", "oxaban", "gatran", "platin", "rubicin", "taxel",
    "lukast", "terol", "tropium", "profen", "oxicam", "coxib", "tidine", "setron", "cycline", "oxacin", "imod", "bicin",
)  # fmt: skip
_NOT_MEDICINES = frozenset(["nib", "cept", "imod", "taxel", "statin", "mab", "concept", "except", "accept", "precept", "intercept", "percept", "transcept", "statins", "platin", "parin", "mabs"])  # fmt: skip
_MOST_PLAIN_WORDS = 20_000
_WORD = re.compile(r"[a-z]{6,}")


@dataclass(frozen=True, slots=True)
class Mention:
    name: str
    place: Place


class NameIndex:
    """Names by one of their words, so that only those are looked for whose words are there."""

    __slots__ = ("_by_word", "words")

    def __init__(self, names: Iterable[str]) -> None:
        by_word: dict[str, list[Term]] = defaultdict(list)
        for name in dict.fromkeys(fold(name) for name in names):
            wanted = term(name)
            if wanted.words:
                # The longest word is the rarest: "vaccine" would otherwise be looked at for every vaccine.
                by_word[max(wanted.words, key=len)].append(wanted)
        self._by_word = {word: tuple(sorted(terms, key=lambda t: -len(t.text))) for word, terms in by_word.items()}
        self.words = frozenset(self._by_word)

    def names_in(self, reading: Reading) -> Iterator[Term]:
        """The names whose words are all there; the longest first for one word."""
        # Sorted, so that the same order gives the same plan in every process.
        for word in sorted(reading.words & self.words):
            for wanted in self._by_word[word]:
                if wanted.words <= reading.words:
                    yield wanted

    def mentions_in(self, reading: Reading) -> Iterator[Mention]:
        for wanted in self.names_in(reading):
            for place in reading.places(wanted):
                yield Mention(wanted.text, place)


class Lexicon:
    """All names of medicines, and which of them a text uses."""

    __slots__ = ("_index", "_plain", "_taken", "support")

    def __init__(self, knowledge: KnowledgeBase) -> None:
        self.support = frozenset(fold(name) for name in knowledge.support_names)
        self._index = NameIndex(name for name in knowledge.known_names if fold(name) not in _EVERYDAY)

        taken = (c for c in knowledge.classes.values() if c.id != "live_vaccines")
        self._taken = frozenset(fold(n) for c in taken for n in (*c.members, *c.brands) if n.isalpha()) - _EVERYDAY
        """Names of one word that a patient's list of medicines may have."""
        self._plain: set[str] = set()
        """Words that were looked at and are no medicines: single words, as a dictionary has them."""

    def names_in(self, text: str, but: AbstractSet[str] = frozenset()) -> frozenset[str]:
        """Known names and words that end as medicines do, apart from those in `but`."""
        reading = Reading(text)
        known = {
            wanted.text for wanted in self._index.names_in(reading) if wanted.text not in but and reading.has(wanted)
        }
        return frozenset(known | (self._sounding(reading.words) - but))

    def medicine_words(self, words: frozenset[str]) -> frozenset[str]:
        """Of a text's words those that are a medicine's whole name, known or by their ending."""
        return (words & self._taken) | self._sounding(words)

    def _sounding(self, words: frozenset[str]) -> frozenset[str]:
        new = words - self._plain
        plain = {word for word in new if not _sounds_like_a_medicine(word)}
        if plain and len(self._plain) < _MOST_PLAIN_WORDS:
            self._plain |= plain
        return new - plain


def _sounds_like_a_medicine(word: str) -> bool:
    return (
        word.endswith(_ENDINGS) and len(word) > 6 and word not in _NOT_MEDICINES and _WORD.fullmatch(word) is not None
    )
