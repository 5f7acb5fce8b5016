"""`python -m evals`: grades the plans of a provider. Exit code 1 where the pass gate fails, 2 where it cannot run."""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from evals.cases import DATASET, Case, load
from evals.dimensions import DIMENSIONS
from evals.providers import Provider, Recorded, provider
from evals.report import markdown
from evals.runner import Result, as_json, run

console = Console()


def main(
    provider_name: Annotated[
        str, typer.Option("--provider", help="scripted, recorded:FILE or anthropic:MODEL")
    ] = "scripted",
    cases: Annotated[str, typer.Option(help="Ids or tags, with commas between; all where it is empty.")] = "",
    dataset: Annotated[Path, typer.Option(help="The cases.")] = DATASET,
    runs: Annotated[int, typer.Option(help="How often a model is asked about each case; the worst run counts.")] = 1,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the result as JSON.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write the report as Markdown.")] = None,
    record: Annotated[Path | None, typer.Option(help="Write the answers, to be graded again as recorded:FILE.")] = None,
    baseline: Annotated[Path | None, typer.Option(help="An earlier --json: fail where this run is worse.")] = None,
) -> None:
    """Grade care plans by the hard gates G1-G12 and the dimensions B1-B8, and test the grading on planted faults."""
    chosen = _chosen(load(dataset), cases)
    try:
        who = provider(provider_name, runs)
    except (ValueError, OSError) as error:
        console.print(f"[red]{error}[/]")
        raise typer.Exit(2) from None
    if not chosen:
        console.print(f"[red]no case has the id or the tag '{cases}'[/]")
        raise typer.Exit(2)
    result = _run(who, chosen, json.loads(baseline.read_text(encoding="utf-8")) if baseline else None)
    _show(result)
    if json_file:
        json_file.write_text(json.dumps(as_json(result), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if report:
        report.write_text(markdown(result), encoding="utf-8")
    if record:
        record.write_text("".join(f"{line}\n" for line in _recorded(result)), encoding="utf-8")
    raise typer.Exit(0 if result.passed else 1)


def _chosen(every: tuple[Case, ...], wanted: str) -> tuple[Case, ...]:
    names = {name.strip() for name in wanted.split(",") if name.strip()}
    return tuple(c for c in every if not names or c.id in names or c.split in names or names.intersection(c.tags))


def _run(who: Provider, chosen: tuple[Case, ...], earlier: dict[str, list[dict[str, float]]] | None) -> Result:
    before = {str(case["id"]): case["score"] for case in earlier["cases"]} if earlier else None
    columns = (TextColumn("[bold]{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(who.name, total=len(chosen) + 2)

        def done(what: str) -> None:
            progress.update(task, advance=1, description=f"{who.name}: {what}")

        return asyncio.run(run(who, chosen, before, done))


def _show(result: Result) -> None:
    for line in result.written_by:
        console.print(f"Written by {line}")
    console.print("No jury (C) ran: there is no API key. Shares are of the 85 points that code can give.")
    table = Table("case", "score", "gates failed", *DIMENSIONS)
    for one in result.grades:
        marks = (f"{mark.score:.2f}" for mark in one.marks.values())
        table.add_row(one.case_id, f"{one.score:.3f}", ", ".join(one.failed) or "-", *marks)
    console.print(table)
    for check in result.checks:
        console.print(f"{'[green]passed[/]' if check.passed else '[red]FAILED[/]'}  {check.name}: {check.said}")
    console.print(f"False alarms: {len(result.alarms)} of {result.harmless} harmlessly changed plans")


def _recorded(result: Result) -> list[str]:
    """Answers where a model gave text; whole plans where it did not."""
    return [
        Recorded(case=case_id, produced_by=one.produced_by, answer=one.text or None, plan=None if one.text else one.plan)
        .model_dump_json(exclude_none=True)
        for case_id, runs in result.runs.items()
        for one in runs
        if one.text or one.plan
    ]  # fmt: skip


if __name__ == "__main__":
    typer.run(main)
