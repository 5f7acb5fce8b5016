"""`python -m tests.chaos --seed 7 --minutes 2 --broker kafka`: one run, shown as it goes, judged at its end."""

import asyncio
from pathlib import Path
from typing import Annotated, cast

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from tests.chaos import run as chaos
from tests.chaos.model import FakeModel
from tests.chaos.report import readable, write_report
from tests.chaos.system import BrokerName
from tests.chaos.traffic import Traffic
from tests.support.maven import JarsUnavailable

cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@cli.command()
def main(
    seed: Annotated[int, typer.Option(help="Decides faults, orders and the model's moods.")] = 1,
    minutes: Annotated[float, typer.Option(help="How long orders come and faults happen.")] = 2,
    broker: Annotated[str, typer.Option(help="kafka or embedded.")] = "embedded",
    report: Annotated[Path, typer.Option(help="The folder of reports.")] = Path("var/chaos"),
    heal_within: Annotated[float, typer.Option(help="Seconds until everything must be at rest.")] = 180,
) -> None:
    """Harm the whole system by a seeded schedule, and judge it by its public API."""
    if broker not in ("kafka", "embedded"):
        raise typer.BadParameter("kafka or embedded")
    plan = chaos.Plan(seed, minutes, cast("BrokerName", broker), heal_within)
    folder = report / f"{broker}-seed-{seed}"
    console = Console()
    for fault in plan.faults:
        console.print(str(fault), highlight=False, style="dim")
    try:
        outcome = asyncio.run(_shown(plan, folder, console))
    except JarsUnavailable as reason:
        raise SystemExit(str(reason)) from None
    write_report(outcome, folder)
    console.print(readable(outcome), highlight=False)
    console.print(f"Report: {folder}")
    raise SystemExit(1 if outcome.violations else 0)


async def _shown(plan: chaos.Plan, folder: Path, console: Console) -> chaos.Outcome:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TextColumn("{task.fields[state]}"))
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("starting", total=plan.minutes * 60, state="")

        def step(seconds: float, traffic: Traffic, model: FakeModel) -> None:
            rested = sum(submission.at_rest for submission in traffic.submissions)
            state = f"{len(traffic.submissions)} orders sent, {rested} at rest, {len(model.calls)} calls of the model"
            phase = "harming" if seconds < plan.minutes * 60 else "healing"
            bar.update(task, completed=seconds, description=phase, state=state)

        progress = chaos.Progress(say=lambda line: console.print(line, highlight=False), step=step)
        return await chaos.in_new_home(lambda home: chaos.run(plan, home, progress), folder / "logs")


cli()
