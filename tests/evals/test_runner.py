"""The whole run: the gate at 80 % on `scripted`, the planted faults, recorded answers and the report."""

import asyncio
import json
from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner

from evals.__main__ import main
from evals.controls import CONTROLS
from evals.grade import grade
from evals.passing import checks, interval
from evals.providers import Asked, Replayed, provider
from evals.report import markdown
from evals.runner import Result, as_json, run
from services.generator.adapters.scripted import Scripted
from tests.support.evals import cases, small_plan

EXAMPLE = Path(__file__).parents[2] / "evals/examples/recorded.jsonl"
RUBRIC = (
    "daily for weekly methotrexate", "ten times the dose", "mg/kg with pounds", "another patient's lab", "allergy ignored",
    "contraindication called safe", "hepatitis B and rituximab without an action", "invented citation",
    "goal without a number", "monitoring without a time", "G70.01 for G70.00", "SNOMED code made up",
)  # fmt: skip


@pytest.fixture(scope="module")
def result() -> Result:
    return asyncio.run(run(Asked(Scripted()), tuple(cases().values())))


def test_scripted_passes_the_gate_on_all_cases(result: Result) -> None:
    assert [(check.name, check.said) for check in result.checks if not check.passed] == []
    assert len(result.grades) == 30
    assert result.mean >= 0.85


def test_every_planted_fault_is_caught_and_the_rubrics_are_among_them(result: Result) -> None:
    assert [one.control.id for one in result.controls if not one.caught] == []
    assert len(result.controls) == len(CONTROLS)
    assert {control.id for control in CONTROLS} >= set(RUBRIC)


def test_harmless_changes_raise_no_alarm(result: Result) -> None:
    assert (result.harmless, result.alarms) == (210, [])


def test_the_report_says_who_wrote_and_that_no_jury_sat(result: Result) -> None:
    report = markdown(result)
    assert "scripted.v1" in report
    assert "no API key" in report
    assert "The worst five" in report
    assert "synthetic, written without a clinician, not validated" in report
    assert len(json.loads(json.dumps(as_json(result)))["cases"]) == 30


async def test_recorded_answers_are_graded_as_if_given_now() -> None:
    found = await run(Replayed(EXAMPLE), [cases()["risankizumab-psoriasis"]])
    assert found.passed
    assert found.written_by == ["example, model made-from-scripted, prompt scripted.v1, knowledge example: 1 plans"]


async def test_a_case_without_an_answer_fails_the_gate() -> None:
    found = await run(Replayed(EXAMPLE), [cases()["risankizumab-psoriasis"], cases()["ivig-gmg"]])
    assert not found.passed


async def test_an_answer_that_is_no_plan_fails_every_gate(tmp_path: Path) -> None:
    by = {"provider": "x", "model": "m", "prompt_version": "1", "knowledge_version": "1"}
    line = json.dumps({"case": "ivig-gmg", "produced_by": by, "answer": {"problem_list": []}})
    (tmp_path / "bad.jsonl").write_text(f"{EXAMPLE.read_text()}{line}\n")
    found = await run(Replayed(tmp_path / "bad.jsonl"), [cases()["ivig-gmg"]])
    assert len(found.grades[0].failed) == 12


def test_a_worse_run_than_the_baseline_fails() -> None:
    case = cases()["apremilast-psa"]
    grades = [grade(small_plan(case), case)]
    against = checks(grades, 1, [], {case.id: 0.99})[-1]
    assert not against.passed
    assert interval([0.1, 0.1]) == (0.1, 0.1)


def test_no_provider_of_that_name_and_no_key() -> None:
    with pytest.raises(ValueError, match="no provider"):
        provider("oracle")


def test_the_command_writes_its_files_and_exits_by_the_gate(tmp_path: Path) -> None:
    cli = Typer()
    cli.command()(main)
    paths = {"--json": tmp_path / "out.json", "--report": tmp_path / "out.md", "--record": tmp_path / "rec.jsonl"}
    files = [part for name, path in paths.items() for part in (name, str(path))]
    assert CliRunner().invoke(cli, ["--cases", "no-weight", *files]).exit_code == 0
    assert all(path.stat().st_size > 500 for path in paths.values())
    again = ["--provider", f"recorded:{paths['--record']}", "--cases", "no-weight", "--baseline", str(paths["--json"])]
    assert CliRunner().invoke(cli, again).exit_code == 0
    assert CliRunner().invoke(cli, ["--provider", "oracle"]).exit_code == 2
    assert CliRunner().invoke(cli, ["--provider", f"recorded:{EXAMPLE}", "--cases", "rems"]).exit_code == 1
