"""The pages that people read of the knowledge base are what the files say today."""

from knowledge.loader import load
from knowledge.page import FOLDER, pages


def test_the_pages_are_made_from_the_files_as_they_are() -> None:
    wanted = pages(load())
    assert {path.name for path in FOLDER.glob("*.md")} == set(wanted)
    stale = [name for name, text in wanted.items() if (FOLDER / name).read_text(encoding="utf-8") != text]
    assert stale == [], "run `make knowledge`"


def test_every_fact_stands_on_its_drugs_page_with_its_id_and_source_and_nothing_claims_to_be_verified() -> None:
    knowledge = load()
    written = pages(knowledge)
    for drug in knowledge.drugs:
        page = written[f"{drug.id}.md"]
        for fact in drug.facts:
            assert fact.text in page
            assert f"`{fact.id}`, {fact.source}" in page
        assert ("**Unverified**" in page) == (not drug.reviewed_by)
    assert written["README.md"].count("**unverified**") == sum(not drug.reviewed_by for drug in knowledge.drugs)
