"""What `load()` returns: the drugs, and the names they are found by."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from knowledge.facts import Fact
from knowledge.models import CrossDrugRule, Drug, DrugClass, SupportMedicine


@dataclass(frozen=True)
class KnowledgeBase:
    """`medication_names` and `drug_by_name` are keyed by the casefolded name as written in the file."""

    version: str
    drugs: tuple[Drug, ...]
    facts: Mapping[str, Fact]
    drug_by_name: Mapping[str, Drug]
    medication_names: Mapping[str, str]
    classes: Mapping[str, DrugClass]
    support: tuple[SupportMedicine, ...]
    rules: tuple[CrossDrugRule, ...]
    support_names: frozenset[str]
    known_names: frozenset[str]
    finder: "NameFinder"

    def drug_for(self, text: str) -> Drug | None:
        """The drug an order's medication string names: "Humira 40 mg/0.4 mL pen" is adalimumab.

        Whole words only; of two names the one that stands first, and there the longest. A look-alike in the
        string ("Rho(D) immune globulin") or two different drugs in it mean None: a guess would cite the wrong facts.
        """
        return self.finder.find(text)


class NameFinder:
    """Finds names as whole words, whatever the case, the punctuation and the spaces between them."""

    def __init__(self, drugs: tuple[Drug, ...]) -> None:
        self._drugs: dict[str, Drug | None] = {words(n): drug for drug in drugs for n in drug.names}
        self._drugs |= {words(n): None for drug in drugs for n in drug.look_alikes}
        longest_first = sorted(self._drugs, key=len, reverse=True)
        self._pattern = re.compile(r"(?<!\S)(?:" + "|".join(map(re.escape, longest_first)) + r")(?!\S)")

    def find(self, text: str) -> Drug | None:
        found = {name: self._drugs[name] for name in self._pattern.findall(words(text))}
        drugs = {drug.id: drug for drug in found.values() if drug is not None}
        return drugs.popitem()[1] if len(drugs) == 1 and None not in found.values() else None


def words(text: str) -> str:
    """Casefolded words with one space between: "Gamunex-C" and "gamunex c" are the same."""
    return " ".join(re.findall(r"[^\W_]+", text.casefold()))
