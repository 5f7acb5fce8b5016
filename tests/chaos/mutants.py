"""`python -m tests.chaos.mutants`: copies of this code with one promise broken in each. Chaos must catch every one.

A patch says above its first line what it breaks, which run catches it, and what the verdict must then say. One that no longer
fits the code is a failure too: a mutant that is not one proves nothing.
"""

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from tests.support.commands import run_command

_PROJECT = Path(__file__).parents[2]
_PATCHES = Path(__file__).with_name("patches")
_NOT_COPIED = shutil.ignore_patterns(
    ".venv",
    ".cache",
    ".git",
    "var",
    "node_modules",
    "__pycache__",
    ".mypy_cache",
    ".ruff_cache",
    ".pytest_cache",
    "dist",
)
_HEAL_WITHIN = "45"
_SECONDS = 1200
"""Some minutes of harm, and then the healing: a run that takes longer hangs."""
"""Seconds: the mutants that never heal need not be waited for."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A patch, the runs of which one must catch it, and the charges of which the verdict must bring one."""

    patch: Path
    seeds: tuple[str, ...]
    minutes: str
    broker: str
    charges: frozenset[str]

    @property
    def name(self) -> str:
        return self.patch.stem


class MutantFailed(AssertionError):
    """The patch does not fit, or chaos found nothing where something was broken."""


def mutants() -> list[Mutant]:
    return [_read(patch) for patch in sorted(_PATCHES.glob("*.patch"))]


def _read(patch: Path) -> Mutant:
    head = patch.read_text().partition("diff --git")[0]
    said = dict(line.split(": ", 1) for line in head.splitlines() if ": " in line and line.split(": ")[0].isalpha())
    charges = frozenset(said["Charges"].split(", "))
    return Mutant(patch, tuple(said["Seeds"].split(", ")), said["Minutes"], said["Broker"], charges)


@contextmanager
def mutated(mutant: Mutant) -> Iterator[Path]:
    """A copy of the code with the patch in it."""
    with tempfile.TemporaryDirectory(prefix="careplan-mutant-") as place:
        copy = Path(place) / "code"
        shutil.copytree(_PROJECT, copy, ignore=_NOT_COPIED)
        for shared in (".venv", ".cache"):
            if (_PROJECT / shared).exists():
                (copy / shared).symlink_to((_PROJECT / shared).resolve())
        applied = run_command(["git", "apply", str(mutant.patch)], seconds=60, cwd=copy)
        if applied.code:
            raise MutantFailed(f"{mutant.name} does not fit the code any more: mend the patch.\n{applied.output}")
        yield copy


def catch(mutant: Mutant) -> tuple[str, dict[str, int]]:
    """Runs chaos on the mutant, seed after seed until one brings a charge that is expected; returns that seed, and how often
    each charge was brought. MutantFailed where none did: chaos is a matter of chance, and what few moments can do harm in
    takes more than one run to be seen.
    """
    with mutated(mutant) as copy:
        for seed in mutant.seeds:
            charges = _charges(mutant, seed, copy)
            if any(charges[charge] for charge in mutant.charges):
                return seed, charges
    raise MutantFailed(f"{mutant.name} was not caught by any of {len(mutant.seeds)} runs, the last: {charges}")


def _charges(mutant: Mutant, seed: str, copy: Path) -> dict[str, int]:
    report = copy / "report"
    command = [sys.executable, "-m", "tests.chaos", "--seed", seed, "--minutes", mutant.minutes]
    command += ["--broker", mutant.broker, "--report", str(report), "--heal-within", _HEAL_WITHIN]
    run = run_command(command, seconds=_SECONDS, cwd=copy, env={**os.environ, "PYTHONPATH": str(copy)})
    written = report / f"{mutant.broker}-seed-{seed}" / "report.json"
    if not written.exists():
        raise MutantFailed(f"{mutant.name}: the run came to no verdict.\n{run.output[-4000:]}")
    charges: dict[str, int] = json.loads(written.read_text())["charges"]
    return charges


def main() -> None:
    console, missed = Console(), 0
    for mutant in mutants():
        with console.status(
            f"{mutant.name} (seeds {', '.join(mutant.seeds)}, {mutant.minutes} minutes, {mutant.broker})"
        ):
            try:
                seed, charges = catch(mutant)
            except MutantFailed as failed:
                missed += 1
                console.print(f"[red]✗[/] {failed}", highlight=False)
                continue
        brought = ", ".join(f"{charge} {count}" for charge, count in charges.items() if count)
        console.print(f"[green]✓[/] {mutant.name} caught by seed {seed}: {brought}", highlight=False)
    raise SystemExit(1 if missed else 0)


if __name__ == "__main__":
    main()
