"""What the knowledge base says of one drug for one set of diagnoses, sorted and ready to look things up.

Made once for each drug and combination of diagnoses that its facts distinguish, then shared by every order for it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, TypeVar

from knowledge.base import KnowledgeBase
from knowledge.facts import (
    Baseline,
    BoxedWarning,
    Contraindication,
    Counselling,
    DoseRule,
    Excipient,
    Fact,
    FactBase,
    Interaction,
    Monitoring,
    Pregnancy,
    Premedication,
    Rems,
    Vaccine,
)
from knowledge.models import CrossDrugRule, Drug
from schemas.careplan import Citation
from services.generator.domain.evidence import FactRef
from services.generator.domain.lexicon import Lexicon, NameIndex
from services.generator.domain.numbers import Number, numbers_in
from services.generator.domain.reading import Term, fold, term

if TYPE_CHECKING:
    from services.generator.domain.checklist.item import ChecklistItem

F = TypeVar("F", bound=FactBase)


class Guide:
    """One drug's facts that hold for these diagnoses. Nothing in it depends on a patient."""

    def __init__(self, drug: Drug, facts: tuple[Fact, ...], rules: tuple[CrossDrugRule, ...], lexicon: Lexicon) -> None:
        self.drug = drug
        self.facts = facts
        self.by_id: Mapping[str, Fact] = {fact.id: fact for fact in facts}
        self.rules = rules
        self.own_names = frozenset(fold(name) for name in drug.names)
        self.dosed_by_weight = drug.dosed_by_weight
        self.own_index = NameIndex(self.own_names)
        self.boxed = _of(facts, BoxedWarning)
        self.contraindications = _of(facts, Contraindication)
        self.excipients = _of(facts, Excipient)
        self.on_allergies: tuple[Contraindication | Excipient, ...] = (
            *(fact for fact in self.contraindications if fact.matches == "allergy"), *self.excipients,
        )  # fmt: skip
        self.baselines = _of(facts, Baseline)
        self.monitoring = _of(facts, Monitoring)
        self.interactions = _of(facts, Interaction)
        self.doses = _of(facts, DoseRule)
        self.counselling = _of(facts, Counselling)
        self.premedications = _of(facts, Premedication)
        self.vaccines = _of(facts, Vaccine)
        self.pregnancy = _of(facts, Pregnancy)
        self.rems = _of(facts, Rems)
        self.terms: Mapping[str, tuple[Term, ...]] = {
            fact.id: _terms(fact) for fact in facts if isinstance(fact, Baseline | Contraindication | Excipient)
        }
        self.first_dose_waits: Mapping[str, CrossDrugRule] = self._first_dose_waits()
        """Baseline tests without which, by a rule, nothing starts."""
        self.interacting: Mapping[str, tuple[Interaction, ...]] = _by_member(self.interactions, self.own_names)
        self.interacting_names = NameIndex(self.interacting)
        self.premedication_names = frozenset(fold(name) for fact in self.premedications for name in fact.drugs)
        self.premedication_terms = tuple(term(name) for name in sorted(self.premedication_names))
        self.own_terms = tuple(term(name) for name in dict.fromkeys(fold(name) for name in drug.names))
        self.on_hepatitis_b = tuple(
            fact.id for fact in facts
            if isinstance(fact, BoxedWarning | Contraindication | Baseline | Monitoring)
            and ("hepatitis b" in fold(fact.text) or "hbsag" in fold(fact.text))
        )  # fmt: skip
        self.need_a_positive = tuple(fact for fact in self.baselines if fact.do_not_start.startswith("a negative"))
        """Baseline tests that forbid the first dose where they are negative."""
        self.tuberculosis = next((fact for fact in self.baselines if "tuberculosis" in fact.test), None)
        self.refs: Mapping[str, FactRef] = {fact.id: FactRef(fact_id=fact.id) for fact in facts}
        self.numbers: Mapping[str, frozenset[Number]] = {
            fact.id: frozenset(n for text in _strings(fact) for n in numbers_in(fold(text))) for fact in facts
        }
        self.verbatim = frozenset(text for fact in facts for text in _strings(fact)) | {drug.generic}
        """Every text of the facts: where a plan repeats one, it needs no second look."""
        self.names = self.own_names | lexicon.names_in("\n".join(self.verbatim))
        self.citations: dict[tuple[str, int], Citation] = {}
        """Each fact under each number that it had in a plan."""
        self.missing: dict[tuple[str, ...], ChecklistItem] = {}
        """What is said where these baseline tests have no result."""
        self.memo: dict[object, object] = {}
        """What others have derived from this guide alone, or with a date; they bound it themselves."""

    def _first_dose_waits(self) -> dict[str, CrossDrugRule]:
        rules = [(rule, {fold(t) for t in rule.terms}) for rule in self.rule("missing_result")]
        return {
            fact.id: rule
            for fact in self.baselines
            for rule, terms in rules
            if len(terms & {fold(t) for t in fact.terms}) > 1
        }

    def rule(self, finding: str) -> Iterable[CrossDrugRule]:
        """The rules of this finding that name this drug or none."""
        return (rule for rule in self.rules if rule.finding == finding)


class Library:
    """One knowledge base, indexed. `library` keeps one for each, since loading gives a new object each time."""

    def __init__(self, knowledge: KnowledgeBase) -> None:
        self.knowledge = knowledge
        self.lexicon = Lexicon(knowledge)
        self.classes: Mapping[str, frozenset[str]] = {
            c.id: frozenset(fold(n) for n in (*c.members, *c.brands)) for c in knowledge.classes.values()
        }
        self.rules: Mapping[str, CrossDrugRule] = {rule.id: rule for rule in knowledge.rules}
        rule = self.rules.get("mg_worsening_drug")
        self.worsens_myasthenia = NameIndex(name for c in (rule.classes if rule else ()) for name in self.classes[c])
        self.indexes = {name: NameIndex(names) for name, names in self.classes.items()}
        self._prefixes = {
            drug.id: tuple(sorted({prefix for fact in drug.facts for prefix in fact.icd10})) for drug in knowledge.drugs
        }
        self._guides: dict[tuple[str, frozenset[str]], Guide] = {}

    def guide(self, drug: Drug, codes: tuple[str, ...]) -> Guide:
        matched = frozenset(p for p in self._prefixes[drug.id] if any(code.startswith(p) for code in codes))
        guide = self._guides.get((drug.id, matched))
        if guide is None:
            facts = tuple(f for f in drug.facts if not f.icd10 or not matched.isdisjoint(f.icd10))
            rules = tuple(r for r in self.knowledge.rules if not r.drugs or drug.id in r.drugs)
            # As many as there are combinations of a drug's own prefixes: a few each.
            guide = self._guides[drug.id, matched] = Guide(drug, facts, rules, self.lexicon)
        return guide


_libraries: list[Library] = []
_MOST_LIBRARIES = 4


def library(knowledge: KnowledgeBase) -> Library:
    for known in _libraries:
        if known.knowledge is knowledge:
            return known
    new = Library(knowledge)
    del _libraries[: -_MOST_LIBRARIES + 1]
    _libraries.append(new)
    return new


def _strings(fact: Fact) -> Iterable[str]:
    for value in fact.model_dump(exclude={"id", "kind", "terms", "members", "icd10", "loinc", "classes"}).values():
        if isinstance(value, str):
            yield value
        elif isinstance(value, tuple):
            yield from (part for part in value if isinstance(part, str))


def _terms(fact: Baseline | Contraindication | Excipient) -> tuple[Term, ...]:
    """With plurals for tests: a record says "Vaccines: up to date"."""
    plurals = [f"{t}s" for t in fact.terms if t.islower() and not t.endswith("s")] if isinstance(fact, Baseline) else []
    return tuple(term(t) for t in (*fact.terms, *plurals))


def _of(facts: Iterable[Fact], kind: type[F]) -> tuple[F, ...]:
    return tuple(fact for fact in facts if isinstance(fact, kind))


def _by_member(interactions: Iterable[Interaction], own: frozenset[str]) -> dict[str, tuple[Interaction, ...]]:
    found: dict[str, list[Interaction]] = defaultdict(list)
    for fact in interactions:
        for member in dict.fromkeys(fold(name) for name in fact.members):
            if member not in own:
                found[member].append(fact)
    return {name: tuple(facts) for name, facts in found.items()}
