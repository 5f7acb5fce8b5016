"""How a medication string finds its drug."""

from collections import defaultdict

import pytest

from knowledge import load
from knowledge.base import words

KB = load()


@pytest.mark.parametrize(
    ("text", "generic"),
    [
        ("IVIG", "IVIG"),
        ("Gammagard", "IVIG"),
        ("gamunex c 10%", "IVIG"),
        ("Immune globulin intravenous (human) 10 %", "IVIG"),
        ("Humira 40 mg/0.4 mL pen", "adalimumab"),
        ("HUMIRA", "adalimumab"),
        ("adalimumab-adaz 40 mg", "adalimumab"),
        ("OCREVUS (ocrelizumab) 300 mg/10 mL", "ocrelizumab"),
        ("Ocrevus Zunovo", "ocrelizumab"),
        ("rituximab 1000 mg IV, day 1 and day 15", "rituximab"),
        ("Epclusa 400/100", "sofosbuvir/velpatasvir"),
        ("sofosbuvir-velpatasvir", "sofosbuvir/velpatasvir"),
        ("Xeljanz XR 11 mg", "tofacitinib"),
        ("imatinib mesylate 400 mg", "imatinib"),
    ],
)
def test_finds_the_drug_an_order_names(text: str, generic: str) -> None:
    drug = KB.drug_for(text)
    assert drug is not None
    assert drug.generic == generic


@pytest.mark.parametrize("text", ["", "lisinopril 10 mg", "Humirax", "preHumira", "---", "semaglutide"])
def test_an_unknown_drug_is_none(text: str) -> None:
    assert KB.drug_for(text) is None


@pytest.mark.parametrize(
    "text",
    ["Rho(D) immune globulin", "hepatitis B immune globulin", "Hizentra", "immune globulin subcutaneous 20%",
     "Vosevi (sofosbuvir/velpatasvir/voxilaprevir)"],
)  # fmt: skip
def test_a_look_alike_is_not_taken_for_the_drug(text: str) -> None:
    assert KB.drug_for(text) is None


def test_two_drugs_in_one_order_are_not_guessed_between() -> None:
    assert KB.drug_for("switch from Humira to Stelara") is None


@pytest.mark.parametrize("name", sorted({name for drug in KB.drugs for name in drug.names}))
def test_every_name_finds_its_own_drug(name: str) -> None:
    drug = KB.drug_for(f"{name} 10 mg")
    assert drug is not None
    assert drug is KB.drug_by_name[name.casefold()]


def test_a_name_belongs_to_exactly_one_generic() -> None:
    owners: defaultdict[str, set[str]] = defaultdict(set)
    for drug in KB.drugs:
        for name in drug.names:
            owners[words(name)].add(drug.generic)
    assert {name: generics for name, generics in owners.items() if len(generics) > 1} == {}


def test_medication_names_lead_from_brand_and_synonym_to_the_generic() -> None:
    names = KB.medication_names
    assert (names["gammagard"], names["humira"], names["immune globulin intravenous"]) == ("IVIG", "adalimumab", "IVIG")
    assert all(name == name.casefold() for name in names)


def test_rescue_medicines_are_known_names() -> None:
    assert {"acetaminophen", "diphenhydramine", "epinephrine", "normal saline"} <= KB.support_names <= KB.known_names
