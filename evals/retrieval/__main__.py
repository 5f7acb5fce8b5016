"""`python -m evals.retrieval`: recall of the search, on a PostgreSQL of its own. Exit code 1 where it is too low."""

import asyncio
import tempfile
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from chassis.crypto import Keyring, new_key
from chassis.database import Database
from chassis.messaging.codec import Codec
from chassis.migrate import migrate
from evals.retrieval.measure import OF_FACTS, OF_RECORDS, Recall, Way, measure
from local.environment import with_role
from local.postgres import EmbeddedPostgres

LEAST_OF_FACTS, LEAST_OF_RECORDS = 0.85, 0.65
_PASSWORD = "only-on-loopback"  # noqa: S105 (of a database that lives for this run, on this machine)
console = Console()


def main() -> None:
    """Measure how often a right fact or passage is among the first few, by words, by meaning and by both."""
    with console.status("embedding a thousand facts (half a minute)"):
        found = asyncio.run(_measured())
    _show(found)
    raise typer.Exit(0 if passes(found) else 1)


def passes(found: dict[Way, Recall]) -> bool:
    both = found["both"]
    return both.of_the_drug >= LEAST_OF_FACTS and both.records >= LEAST_OF_RECORDS


async def _measured() -> dict[Way, Recall]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        async with EmbeddedPostgres(Path(home)) as server:
            await migrate("generator", server.url, _PASSWORD)
            url = with_role(server.url, "careplan_generator", _PASSWORD)
            database = Database(url, Codec("generator", Keyring.parse(f"eval:{new_key()}")))
            try:
                return await measure(database)
            finally:
                await database.close()


def _show(found: dict[Way, Recall]) -> None:
    table = Table(
        "recall", f"facts, all drugs @{OF_FACTS}", f"facts, of the drug @{OF_FACTS}", f"long records @{OF_RECORDS}"
    )
    for way, recall in found.items():
        table.add_row(way, *(f"{share:.2f}" for share in (recall.all_drugs, recall.of_the_drug, recall.records)))
    console.print(table)
    console.print(f"Not found by both: {'; '.join(found['both'].missed) or '-'}")
    console.print(
        f"{'[green]passed[/]' if passes(found) else '[red]FAILED[/]'}  by both at least {LEAST_OF_FACTS} of the drug, {LEAST_OF_RECORDS} in records"
    )


if __name__ == "__main__":
    typer.run(main)
