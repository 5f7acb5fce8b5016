"""`make bench-compare`: ours and the peer in turns on this machine, three pairs; the worst pair counts.

Shows each figure of each run, and writes them to a JSON file for docs/performance.md.
"""

import argparse
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from figures import TARGETS, figures, table
from rich.console import Console
from rich.table import Table
from systems import System, ours, peer


def measured(start: Callable[[], AbstractContextManager[System]]) -> dict[str, float]:
    with start() as system:
        return figures(system.load("all"), system.idle_millicores())


def verdict(pairs: list[dict[str, dict[str, float]]]) -> Table:
    shown = Table("figure", "target", "worst pair", "reached", title=f"{len(pairs)} pairs, the worst counts")
    for name, (words, ratio, wanted, _) in TARGETS.items():
        worst = min(ratio(pair["ours"][name], pair["peer"][name]) for pair in pairs)
        shown.add_row(name, words, f"{worst:.2f} times as good", "yes" if worst >= wanted else "NO")
    idle = max(pair["ours"]["idle millicores"] for pair in pairs)
    shown.add_row("idle", "at most 50 millicores", f"{idle:.0f} millicores", "yes" if idle <= 50 else "NO")
    return shown


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--json", type=Path, default=Path("var/bench-compare.json"))
    arguments = parser.parse_args()
    console, pairs = Console(), []
    for number in range(1, arguments.pairs + 1):
        with console.status(f"Pair {number} of {arguments.pairs} …"):
            pairs.append({"ours": measured(ours), "peer": measured(peer)})
        console.print(table(f"Pair {number}", pairs[-1]))
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(pairs, indent=1))
    console.print(verdict(pairs))
