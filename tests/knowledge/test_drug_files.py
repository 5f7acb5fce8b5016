"""What the bundled drug files promise: complete, traceable, and never claiming a review that did not happen."""

from collections import Counter
from decimal import Decimal

import pytest

from knowledge import Drug, KnowledgeBase, load
from knowledge.facts import Baseline, BoxedWarning, Counselling, DoseRule, Interaction, Monitoring, Premedication, Rems

KB: KnowledgeBase = load()
DRUGS = {drug.id: drug for drug in KB.drugs}
every_drug = pytest.mark.parametrize("drug", KB.drugs, ids=lambda drug: drug.id)

THE_25 = {
    "ivig", "infliximab", "adalimumab", "etanercept", "ustekinumab", "rituximab", "ocrelizumab", "natalizumab",
    "vedolizumab", "tocilizumab", "omalizumab", "dupilumab", "secukinumab", "risankizumab", "apremilast",
    "tofacitinib", "ibrutinib", "imatinib", "lenalidomide", "teriflunomide", "fingolimod", "glatiramer",
    "sofosbuvir_velpatasvir", "emicizumab", "eculizumab",
}  # fmt: skip

BOXED_WARNINGS = {
    "ivig.boxed.thrombosis", "ivig.boxed.renal",
    "infliximab.boxed.serious_infection", "infliximab.boxed.malignancy",
    "adalimumab.boxed.serious_infection", "adalimumab.boxed.malignancy",
    "etanercept.boxed.serious_infection", "etanercept.boxed.malignancy",
    "rituximab.boxed.infusion_reaction", "rituximab.boxed.mucocutaneous", "rituximab.boxed.hbv", "rituximab.boxed.pml",
    "natalizumab.boxed.pml",
    "tocilizumab.boxed.serious_infection",
    "omalizumab.boxed.anaphylaxis",
    "tofacitinib.boxed.serious_infection", "tofacitinib.boxed.mortality", "tofacitinib.boxed.malignancy",
    "tofacitinib.boxed.mace", "tofacitinib.boxed.thrombosis",
    "lenalidomide.boxed.embryo_fetal", "lenalidomide.boxed.hematologic", "lenalidomide.boxed.thromboembolism",
    "teriflunomide.boxed.hepatotoxicity", "teriflunomide.boxed.embryofetal",
    "glatiramer.boxed.anaphylaxis",
    "sofosbuvir_velpatasvir.boxed.hbv",
    "emicizumab.boxed.tma_thrombosis",
    "eculizumab.boxed.meningococcal",
}  # fmt: skip

SEGMENT_OF_KIND = {
    "boxed_warning": "boxed", "contraindication": "contra", "excipient": "excipient", "baseline": "baseline",
    "monitoring": "monitor", "interaction": "interact", "dose_rule": "dose", "counselling": "counsel",
    "premedication": "premed", "vaccine": "vaccine", "pregnancy": "pregnancy", "rems": "rems",
}  # fmt: skip


def test_each_of_the_25_drugs_has_a_file() -> None:
    assert set(DRUGS) == THE_25


def test_fact_ids_are_unique_across_all_drugs() -> None:
    counts = Counter(fact.id for drug in KB.drugs for fact in drug.facts)
    assert [fact_id for fact_id, times in counts.items() if times > 1] == []
    assert len(KB.facts) == sum(counts.values())


@every_drug
def test_a_fact_id_says_drug_and_kind(drug: Drug) -> None:
    wrong = [f.id for f in drug.facts if not f.id.startswith(f"{drug.id}.{SEGMENT_OF_KIND[f.kind]}.")]
    assert wrong == []


def test_every_boxed_warning_has_a_fact_and_no_other_is_claimed() -> None:
    assert {fact.id for fact in KB.facts.values() if isinstance(fact, BoxedWarning)} == BOXED_WARNINGS


@every_drug
def test_no_file_says_verified_without_a_reviewer(drug: Drug) -> None:
    assert drug.status == "unverified" or (drug.reviewed_by and drug.reviewed_on)


def test_a_rems_drug_has_a_gate() -> None:
    assert {drug.id for drug in KB.drugs if drug.facts_of(Rems)} == {"natalizumab", "lenalidomide", "eculizumab"}


@every_drug
def test_a_drug_has_baseline_monitoring_and_counselling(drug: Drug) -> None:
    assert drug.facts_of(Baseline)
    assert drug.facts_of(Monitoring)
    assert len(drug.facts_of(Counselling)) >= 4
    assert drug.facts_of(DoseRule)


@every_drug
def test_monitoring_says_what_when_how_often_what_then_and_who(drug: Drug) -> None:
    for fact in drug.facts_of(Monitoring):
        assert all((fact.test, fact.first, fact.interval, fact.threshold, fact.action, fact.responsible)), fact.id


@every_drug
def test_a_drug_does_not_interact_with_itself(drug: Drug) -> None:
    own = {name.casefold() for name in drug.names}
    for fact in drug.facts_of(Interaction):
        assert own.isdisjoint(member.casefold() for member in fact.members), fact.id


@every_drug
def test_premedication_names_only_medicines_that_any_plan_may_name(drug: Drug) -> None:
    for fact in drug.facts_of(Premedication):
        assert {name.casefold() for name in fact.drugs} <= KB.support_names, fact.id


@pytest.mark.parametrize("drug_id", ["ivig", "infliximab", "ustekinumab", "tocilizumab", "emicizumab"])
def test_a_weight_based_dose_is_computable(drug_id: str) -> None:
    steps = [s for f in DRUGS[drug_id].facts_of(DoseRule) if f.weight_based for s in f.steps if s.needs_weight]
    assert steps
    for step in steps:
        assert step.amount_for(Decimal(70)) is not None
        assert step.amount_for(None) is None


@every_drug
def test_a_dose_by_weight_is_computed_or_names_the_table_of_the_label(drug: Drug) -> None:
    for fact in drug.facts_of(DoseRule):
        assert not fact.weight_based or fact.steps or (fact.lookup and "weight_kg" in fact.inputs), fact.id


def test_the_weight_rule_lists_the_drugs_whose_adult_dose_needs_a_weight() -> None:
    listed = {drug for rule in KB.rules if rule.finding == "weight_required" for drug in rule.drugs}
    assert listed == {drug.id for drug in KB.drugs if drug.dosed_by_weight}


def test_interaction_members_hold_the_spelled_out_class() -> None:
    fact = KB.facts["adalimumab.interact.live_vaccines"]
    assert isinstance(fact, Interaction)
    assert "BCG" in fact.members
    assert "Zostavax" in fact.members


def test_a_biosimilar_counts_as_a_member_of_its_class() -> None:
    assert "Cyltezo" in KB.classes["anti_tnf"].brands


def _syllables(word: str) -> int:
    vowels = "".join(letter if letter in "aeiouy" else " " for letter in word.casefold()).split()
    return max(1, len(vowels) - (word.casefold().endswith("e") and not word.casefold().endswith("le")))


@every_drug
def test_counselling_reads_at_grade_8_or_below_and_shows_no_ids(drug: Drug) -> None:
    text = " ".join(fact.text for fact in drug.facts_of(Counselling))
    words = [word.strip(".,:;!?()") for word in text.split()]
    sentences = text.count(". ") + text.count(": ") + 1
    grade = 0.39 * len(words) / sentences + 11.8 * sum(map(_syllables, words)) / len(words) - 15.59
    assert grade <= 8
    assert f"{drug.id}." not in text
