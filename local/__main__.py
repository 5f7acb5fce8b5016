"""`python -m local …`: the all-in-one, and what an operator does by hand."""

import asyncio
import json
import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from local import operate
from local.environment import SERVICES

cli = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
cli.add_typer(operate.keys, name="keys")
cli.add_typer(operate.accounts, name="accounts")
cli.add_typer(operate.signing_key, name="signing-key")
cli.add_typer(operate.audit, name="audit")
Port = Annotated[int, typer.Option(help="The port on 127.0.0.1.")]


def _port() -> int:
    return int(os.environ.get("CAREPLAN_PORT", "8080"))


@cli.command()
def up() -> None:
    """Start everything, and keep it running until Ctrl-C."""
    from local.home import Home, HomeIsTaken
    from local.up import AllInOne

    separate = os.environ.get("CAREPLAN_SEPARATE") == "1"
    home = Home.from_environment()
    try:
        with home.alone():
            asyncio.run(AllInOne(home, _port(), separate=separate, console=Console()).run())
    except HomeIsTaken as taken:
        raise SystemExit(str(taken)) from None


@cli.command()
def service(name: str, port: Port, host: Annotated[str, typer.Option(help="Where it listens.")] = "127.0.0.1") -> None:
    """Run one service, set by its environment variables, or by files called as they are in CAREPLAN_SECRETS."""
    from local.serve import serve_one

    if name not in SERVICES:
        raise typer.BadParameter(f"one of {', '.join(SERVICES)}")
    serve_one(name, port, host)


@cli.command()
def migrate() -> None:
    """Bring every service's schema up to date: DATABASE_URL is the owner's, CAREPLAN_ROLE_PASSWORD the services'."""
    asyncio.run(_migrate_all())


async def _migrate_all() -> None:
    from chassis.migrate import MigrationSettings
    from chassis.migrate import migrate as migrate_one

    settings = MigrationSettings(_secrets_dir=os.environ.get("CAREPLAN_SECRETS"))
    for name in SERVICES:
        await migrate_one(name, settings.database_url, settings.role_password)


@cli.command()
def secrets(folder: Path, database: str = "postgres:5432/careplan") -> None:
    """Write the secrets of an installation into FOLDER, one file each; what is there already stays as it is."""
    from local.installation import make_secrets

    made = make_secrets(folder, database)
    print(f"Made: {', '.join(made)}." if made else "Everything was there already.")


@cli.command()
def backup(file: Path) -> None:
    """Write everything that CAREPLAN_HOME keeps into FILE, while the system runs or not. FILE holds the keys too."""
    from local.backup import backup as write_backup
    from local.home import Home

    asyncio.run(write_backup(Home.from_environment(), file.resolve()))
    print(f"{file}: {file.stat().st_size / 1e6:.1f} MB. Who has this file has the patients: keep it as you keep them.")


@cli.command()
def restore(file: Path) -> None:
    """Make an empty CAREPLAN_HOME from FILE; `up` then carries on from there."""
    from local.backup import CannotRestore
    from local.backup import restore as read_backup
    from local.home import Home

    try:
        asyncio.run(read_backup(Home.from_environment(), file.resolve()))
    except CannotRestore as reason:
        raise SystemExit(str(reason)) from None
    print("Restored. `make up` carries on from there.")


@cli.command(hidden=True)
def prepare() -> None:
    """Migrations, demo accounts and their credentials: `up` runs this before the services."""
    from local.demo import prepare_demo
    from local.home import Home

    async def migrate_then_prepare() -> None:
        await _migrate_all()
        await prepare_demo(Home.from_environment(), os.environ["DATABASE_URL"])

    asyncio.run(migrate_then_prepare())


@cli.command(hidden=True)
def services(port: Port, events_port: Port) -> None:
    """Run all services behind one address: `up` starts this."""
    from local.serve import Pair, serve_requests

    serve_requests(json.loads(os.environ.pop("CAREPLAN_ENVIRONMENTS")), Pair(port, events_port))


@cli.command(hidden=True)
def events(port: Port, events_port: Port) -> None:
    """Run the events that `services` leaves to this process: `up` starts this."""
    from local.serve import Pair, serve_events

    serve_events(json.loads(os.environ.pop("CAREPLAN_ENVIRONMENTS")), Pair(port, events_port))


@cli.command()
def demo() -> None:
    """Post 200 fictional orders to the running all-in-one."""
    import httpx2

    from local.demo import post_demo_orders
    from local.home import Home

    console, home = Console(), Home.from_environment()
    if not home.credentials_file.exists():
        console.print("Nothing is running here yet: type `make up` in another terminal first.")
        raise typer.Exit(1)
    address = f"http://127.0.0.1:{_port()}"
    try:
        outcomes = asyncio.run(post_demo_orders(home, address, console))
    except httpx2.ConnectError:
        console.print(f"Nobody answers at {address}: type `make up` first. CAREPLAN_PORT names another port.")
        raise typer.Exit(1) from None
    for outcome, orders in sorted(outcomes.items(), key=lambda item: -item[1]):
        console.print(f"  {orders:>4}  {outcome}")


if __name__ == "__main__":
    cli()
