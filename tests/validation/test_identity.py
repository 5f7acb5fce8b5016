"""What a careful person at the counter would call the same: examples of the rules, and what real orders hold."""

from datetime import date

import pytest

import knowledge
from services.validation.domain.identity import DrugNames, Titles, same_drug, same_name, same_person, same_provider
from services.validation.settings import _CREDENTIALS, _HONORIFICS, _words

TITLES = Titles(_words(_HONORIFICS), _words(_CREDENTIALS))
DRUGS = DrugNames.of(knowledge.load().medication_names)

SAME_NAMES = [
    ("Ana", "ANA"),
    ("Ana", " Ana "),
    ("Mary Ann", "Mary   Ann"),
    ("Mary Ann", "Mary\u00a0Ann"),
    ("José", "Jose\u0301"),
    ("José", "Jose"),
    ("JOSÉ", "jose"),
    ("O'Brien", "O\u2019Brien"),
    ("O'Brien", "O\u2018Brien"),
    ("O'Brien", "O\u02bcBrien"),
    ("Anne-Marie", "Anne\u2010Marie"),
    ("Anne-Marie", "Anne\u2011Marie"),
    ("Anne-Marie", "Anne\u2013Marie"),
    ("Sørensen", "Sorensen"),
    ("Łukasz", "Lukasz"),
    ("Đặng", "Dang"),
    ("Nguyễn", "Nguyen"),
    ("Müller", "Muller"),
    ("Weiß", "WEISS"),
    ("Çelik", "celik"),
    ("İpek", "ipek"),
    ("Žižek", "Zizek"),
    ("Γιώργος", "ΓΙΩΡΓΟΣ"),
    ("Алёна", "АЛЕНА"),
    ("ВЛАДИМИР", "Владимир"),
    ("Nakagawa-Reyes Jr.", "Nakagawa-Reyes Jr"),
    ("Bell, Jr.", "Bell Jr."),
    ("J.", "J"),
]
DIFFERENT_NAMES = [
    ("Ana", "Anna"),
    ("Anne-Marie", "Anne Marie"),
    ("Anne-Marie", "AnneMarie"),
    ("O'Brien", "OBrien"),
    ("Bell", "Bell Jr."),
    ("Bell Jr.", "Bell Sr."),
    ("Bell II", "Bell III"),
    ("李", "利"),
    ("Сергей", "Сергеи"),
    ("मीना", "मिना"),
    ("Jane", "Jane Do"),
]


@pytest.mark.parametrize(("one", "two"), SAME_NAMES)
def test_the_same_name(one: str, two: str) -> None:
    assert same_name(one) == same_name(two)


@pytest.mark.parametrize(("one", "two"), DIFFERENT_NAMES)
def test_another_name(one: str, two: str) -> None:
    assert same_name(one) != same_name(two)


def test_a_person_is_both_names_and_the_date_of_birth() -> None:
    born = date(1979, 6, 8)
    assert same_person("José", "O\u2019Brien", born) == same_person(" JOSE", "o'brien", born)
    assert same_person("Ana", "Bell", born) != same_person("Bell", "Ana", born)
    assert same_person("Ana", "Bell", born) != same_person("Ana", "Bell", date(1979, 8, 6))
    assert same_person("Ana Maria", "Bell", born) != same_person("Ana", "Maria Bell", born)


SAME_PROVIDERS = [
    ("Dr. Jane Lee", "Jane Lee, MD"),
    ("Dr. Jane Lee", "Jane Lee"),
    ("Dr Jane Lee", "JANE LEE"),
    ("Jane Lee", "Lee, Jane"),
    ("Jane Lee", "Lee,Jane"),
    ("Jane Lee", "LEE, JANE MD"),
    ("Jane Lee", "Lee, Jane, MD"),
    ("Jane Lee", "Lee, Dr. Jane"),
    ("Jane Lee", "Jane Lee M.D."),
    ("Jane Lee", "Jane Lee, M.D., Ph.D."),
    ("Jane Lee", "Prof. Dr. Jane Lee"),
    ("Jane Lee", "Jane Lee, PharmD"),
    ("Jane Lee", "Jane Lee, FNP-C"),
    ("Jane Lee", "Jane Lee, FNP\u2011C"),
    ("Jane Lee", "Jane Lee DO"),
    ("Jane Lee", "Lee, Jane, MD, FAAAAI"),
    ("Jane Lee", "Dr. Jane Lee, DO"),
    ("Jane Q. Lee", "Jane Q Lee, MD"),
    ("María de la Cruz", "de la Cruz, Maria"),
    ("María de la Cruz", "Dr. Maria De La Cruz, MD"),
    ("Jane Do", "Dr. Jane Do"),
    ("Jane Do", "Do, Jane"),
    ("Jane Do", "Do, Jane, MD"),
    ("Jane Do", "Jane Do, DO"),
    ("Jane Lee Jr.", "Jane Lee, Jr."),
    ("Jane Lee Jr.", "Lee Jr., Jane"),
    ("Jane Lee Jr.", "Lee, Jane, Jr."),
    ("Jane Lee Jr.", "Jane Lee, Jr., MD"),
    ("Jane Lee Jr.", "Dr. Jane Lee Jr. MD"),
    ("Siobhán O\u2019Neil", "O'NEIL, SIOBHAN MD"),
    ("Anne-Marie Lee", "Lee, Anne\u2011Marie"),
    ("Dr. 李 明", "李 明"),
]
DIFFERENT_PROVIDERS = [
    ("Jane Do", "Jane"),
    ("Jane Lee", "John Lee"),
    ("Jane Lee", "Lee Jane"),
    ("Jane Lee", "Jane Q. Lee"),
    ("Jane Lee", "Jane Lee Jr."),
    ("Jane Lee Jr.", "Jane Lee Sr."),
    ("Jane Lee II", "Jane Lee III"),
    ("Anne-Marie Lee", "Anne Marie Lee"),
    ("Jane Lee", "Jane Leigh"),
    ("Jane Md", "Jane"),
]


@pytest.mark.parametrize(("one", "two"), SAME_PROVIDERS)
def test_the_same_provider(one: str, two: str) -> None:
    assert same_provider(one, TITLES) == same_provider(two, TITLES)


@pytest.mark.parametrize(("one", "two"), DIFFERENT_PROVIDERS)
def test_another_provider(one: str, two: str) -> None:
    assert same_provider(one, TITLES) != same_provider(two, TITLES)


def test_titles_are_a_setting() -> None:
    titles = Titles(frozenset({"lic"}), frozenset({"qfb"}))
    assert same_provider("Lic. Jane Lee, QFB", titles) == same_provider("Jane Lee", titles)
    assert same_provider("Dr. Jane Lee", titles) != same_provider("Jane Lee", titles)


SAME_DRUGS = [
    ("IVIG", "ivig"),
    ("IVIG", "Gammagard"),
    ("IVIG", "GAMMAGARD LIQUID"),
    ("IVIG", "Gamunex-C"),
    ("IVIG", "Gamunex C"),
    ("IVIG", "GamunexC"),
    ("IVIG", "Gamma gard"),
    ("IVIG", "Immune Globulin, Intravenous (Human)"),
    ("IVIG", "I.V.I.G."),
    ("IVIG", "Gammagard (IVIG)"),
    ("IVIG 10%", "Privigen 10 %"),
    ("Humira 40 mg", "adalimumab 40 mg"),
    ("Humira 40 mg", "HUMIRA 40MG"),
    ("Humira 40 mg", "Humira40mg"),
    ("Humira 40 mg", "Humira, 40-mg"),
    ("Humira 40 mg", "Humira (adalimumab) 40 mg"),
    ("Humira 40 mg", "Humira 40 mg (adalimumab)"),
    ("Humira 40 mg/0.8 mL pen", "adalimumab 40mg / 0.8mL Pen"),
    ("Ocrevus (ocrelizumab)", "ocrelizumab"),
    ("Rituxan", "Truxima"),
    ("Epclusa", "sofosbuvir and velpatasvir"),
    ("Methotrexate 1.5 mg", "methotrexate 1.5mg."),
    ("Methotrexate .5 mg", "Methotrexate 0.5 mg"),
    ("Heparin 1,000 units", "heparin 1000 units"),
    ("Cañamo", "canamo"),
    ("Fentanyl 25 \u00b5g", "fentanyl 25 \u03bcg"),
]
DIFFERENT_DRUGS = [
    ("Humira 40 mg", "Humira 80 mg"),
    ("adalimumab 40 mg", "Humira 80 mg"),
    ("Humira 40 mg", "Humira"),
    ("Humira 40 mg pen", "Humira 40 mg syringe"),
    ("Methotrexate 1.5 mg", "Methotrexate 15 mg"),
    ("Methotrexate 0.5 mg", "Methotrexate 5 mg"),
    ("IVIG", "Rho(D) immune globulin"),
    ("IVIG 10%", "IVIG 5%"),
    ("Humira", "Enbrel"),
    ("Enbrel", "Enbrelix"),
]


@pytest.mark.parametrize(("one", "two"), SAME_DRUGS)
def test_the_same_drug(one: str, two: str) -> None:
    assert same_drug(one, DRUGS) == same_drug(two, DRUGS)


@pytest.mark.parametrize(("one", "two"), DIFFERENT_DRUGS)
def test_another_drug(one: str, two: str) -> None:
    assert same_drug(one, DRUGS) != same_drug(two, DRUGS)


def test_every_name_of_the_knowledge_base_is_its_generic() -> None:
    for name, generic in knowledge.load().medication_names.items():
        assert same_drug(f"{name.upper()} 40 mg", DRUGS) == same_drug(f"{generic} 40 mg", DRUGS), name


def test_a_knowledge_base_without_drugs_compares_what_is_written() -> None:
    assert same_drug("Humira 40 mg", DrugNames.of({})) == "humira40mg"
