"""A broken file stops the start, and the message says which file and which fact."""

import shutil
from pathlib import Path

import pytest
from pydantic import ValidationError

from knowledge import KnowledgeError, load
from knowledge.loader import FOLDER


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for part in ("drugs", "shared"):
        shutil.copytree(FOLDER / part, tmp_path / part)
    return tmp_path


def edit(folder: Path, file: str, old: str, new: str) -> None:
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1))


def fault(folder: Path) -> str:
    with pytest.raises(KnowledgeError) as caught:
        load(folder)
    return str(caught.value)


def test_a_missing_field_names_file_fact_and_field(folder: Path) -> None:
    edit(folder, "drugs/ivig.toml", 'action = "Hold further infusions and call the prescriber."\n', "")
    message = fault(folder)
    assert "drugs/ivig.toml" in message
    assert "ivig.monitor.renal" in message
    assert "action" in message


def test_an_unknown_field_is_refused(folder: Path) -> None:
    edit(folder, "drugs/ivig.toml", 'action = "Hold further', 'acton = "Hold further')
    assert "ivig.monitor.renal" in fault(folder)


def test_an_unknown_kind_is_refused(folder: Path) -> None:
    edit(folder, "drugs/ivig.toml", 'kind = "boxed_warning"', 'kind = "boxed"')
    assert "drugs/ivig.toml: ivig.boxed.thrombosis" in fault(folder)


def test_a_syntax_error_names_the_file(folder: Path) -> None:
    edit(folder, "drugs/apremilast.toml", "[[fact]]", "[[fact]")
    assert "drugs/apremilast.toml" in fault(folder)


def test_a_fact_id_used_twice_is_refused(folder: Path) -> None:
    edit(folder, "drugs/ivig.toml", "ivig.boxed.renal", "ivig.boxed.thrombosis")
    assert "drugs/ivig.toml: ivig.boxed.thrombosis: this id is used twice" in fault(folder)


def test_a_fact_of_another_drug_is_refused(folder: Path) -> None:
    edit(folder, "drugs/ivig.toml", "ivig.boxed.renal", "rituximab.boxed.renal")
    assert "rituximab.boxed.renal" in fault(folder)


def test_a_brand_of_two_drugs_is_refused(folder: Path) -> None:
    edit(folder, "drugs/ocrelizumab.toml", '"Zunovo"]', '"Zunovo", "HUMIRA"]')
    assert "'HUMIRA' is already a name of adalimumab" in fault(folder)


def test_an_unknown_class_is_refused(folder: Path) -> None:
    edit(folder, "drugs/ivig.toml", '["nephrotoxins"]', '["nefrotoxins"]')
    assert "ivig.interact.nephrotoxins: unknown class 'nefrotoxins'" in fault(folder)


def test_a_rule_about_an_unknown_drug_is_refused(folder: Path) -> None:
    edit(folder, "shared/cross_drug_rules.toml", '"natalizumab", "lenalidomide"', '"natalizumap", "lenalidomide"')
    assert "natalizumap" in fault(folder)


def test_members_that_are_not_a_list_are_refused(folder: Path) -> None:
    edit(folder, "drugs/ivig.toml", 'members = ["GDH-PQQ", "glucose meter"]', 'members = "GDH-PQQ"')
    assert "ivig.interact.glucose_meters: members must be a list" in fault(folder)


def test_verified_without_a_reviewer_is_refused(folder: Path) -> None:
    edit(folder, "drugs/ivig.toml", '\nstatus = "unverified"', '\nstatus = "verified"')
    assert "drugs/ivig.toml" in fault(folder)
    assert "needs reviewed_by" in fault(folder)


def test_a_reviewed_file_may_say_verified(folder: Path) -> None:
    for old, new in [
        ('\nstatus = "unverified"', '\nstatus = "verified"'),
        ('reviewed_by = ""', 'reviewed_by = "A. Pharmacist"'),
        ('reviewed_on = ""', "reviewed_on = 2026-01-05"),
        ('label_setid = ""', 'label_setid = "example"'),
        ('label_date = ""', "label_date = 2025-12-01"),
    ]:
        edit(folder, "drugs/ivig.toml", old, new)
    assert load(folder).drug_by_name["ivig"].status == "verified"


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    assert "shared/drug_classes.toml" in fault(tmp_path)


def test_the_version_follows_the_files_and_nothing_else(folder: Path) -> None:
    before = load(folder).version
    assert before == load().version == load(folder).version
    edit(folder, "drugs/ivig.toml", "Thrombosis may occur", "Thrombosis can occur")
    assert load(folder).version != before


def test_what_was_loaded_cannot_be_changed() -> None:
    fact = load().facts["ivig.boxed.renal"]
    with pytest.raises(ValidationError):
        fact.text = "something else"  # type: ignore[misc]
