"""What an operator does by hand: keys, accounts, the signing key, and whether the audit is whole.

Beside a running all-in-one this finds its database through CAREPLAN_HOME. Elsewhere it is given what intake is given: run it
in intake's own environment (`kubectl exec`, `docker compose exec`), and it needs nothing more.
"""

import asyncio
import getpass
import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.console import Console

keys = typer.Typer(no_args_is_help=True, help="Partner keys and staff tokens.")
accounts = typer.Typer(no_args_is_help=True, help="Accounts that sign in with a password.")
signing_key = typer.Typer(no_args_is_help=True, help="The key that signs sessions, tokens and partner keys.")
audit = typer.Typer(no_args_is_help=True, help="Who did or saw what.")

_say = Console(highlight=False)


def _my_name() -> str:
    """In a container the user is a number that has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


_ME = f"command line, {_my_name()}"
Roles = Annotated[list[str], typer.Option("--role", help="assistant, pharmacist, analyst or admin; may be repeated.")]
Source = Annotated[str | None, typer.Option(help="A partner's source.")]
Username = Annotated[str | None, typer.Option(help="A staff member.")]


def intake_settings() -> Any:
    """From intake's own environment, or of the all-in-one in CAREPLAN_HOME."""
    from local.environment import Addresses, environment_of
    from local.home import Home
    from services.intake.settings import IntakeSettings

    if {"CAREPLAN_TOKEN_PRIVATE_KEY", "CAREPLAN_SECRETS"} & os.environ.keys():
        return IntakeSettings(_secrets_dir=os.environ.get("CAREPLAN_SECRETS"))
    home = Home.from_environment()
    if not home.credentials_file.exists():
        raise SystemExit(f"There is no all-in-one in {home.folder}: set CAREPLAN_HOME, or run this where intake runs.")
    addresses = Addresses(_owner_url(), "", embedded_broker=True)
    return IntakeSettings(**environment_of("intake", addresses, home.secrets(), os.environ))  # type: ignore[arg-type]


def _owner_url() -> str:
    """Of the database that the all-in-one uses."""
    from local.home import Home
    from local.postgres import DATABASE

    if url := os.environ.get("DATABASE_URL"):
        return url
    port_file = Home.from_environment().folder / "postgres.port"
    if not port_file.exists():
        raise SystemExit(f"There is no all-in-one in {port_file.parent}: set CAREPLAN_HOME or DATABASE_URL.")
    return f"postgresql://postgres@127.0.0.1:{port_file.read_text().strip()}/{DATABASE}"


@asynccontextmanager
async def _access(action: str) -> AsyncIterator[tuple[Any, Any]]:
    """Intake's accounts and keys, with what is done noted in its audit."""
    from chassis.audit.entry import Entry, noting
    from chassis.database import OUTAGES
    from chassis.errors import ApplicationError
    from services.intake.main import access_of

    entry = Entry({"action": action})
    entry.who(_ME, "operator")
    try:
        async with access_of(intake_settings()) as access:
            with noting(entry):
                yield access
    except ApplicationError as refused:
        faults = "; ".join(f"{e['field']}: {e['message']}" for e in refused.detail.get("errors", ()))
        raise SystemExit(faults or refused.message) from None
    except OUTAGES:
        raise SystemExit("The database does not answer: is the system running?") from None


def _table(rows: list[dict[str, Any]], *columns: str) -> None:
    """Plain columns, never cut: an id is there to be copied."""
    lines = [list(columns), *([_cell(row[column]) for column in columns] for row in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(columns))]
    for line in lines:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _cell(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else "" if value is None else str(value)


# ── keys ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@keys.command("list")
def list_keys(source: Source = None, username: Username = None, *, ended: bool = False, sessions: bool = False) -> None:
    """Those that are good; `--ended` the others too, `--sessions` who is signed in."""

    async def run() -> None:
        async with _access("list_keys") as (_, of):
            kinds = ("session",) if sessions else ("key", "token")
            rows = await of.listed(kinds, source, username, limit=1000, live=not ended)
        _table(rows, "id", "kind", "source", "username", "roles", "name", "expires_at", "revoked_at")

    asyncio.run(run())


@keys.command("create")
def create_key(
    source: Source = None,
    username: Username = None,
    role: Roles = [],  # noqa: B006 (typer's way of "none given")
    name: str = "",
    days: int = 365,
) -> None:
    """A key for a partner's source, or a bearer token for a staff member; printed this once."""
    from chassis.strict_form import read_form
    from services.intake.domain.access import KeyForm

    async def run() -> None:
        async with _access("create_key") as (_, of):
            form = {"source": source, "username": username, "roles": role or None, "name": name, "days": days}
            made = await of.create(None, _ME, read_form(KeyForm, json.dumps(form).encode()))
            _show_new(made)

    asyncio.run(run())


@keys.command("rotate")
def rotate_key(key_id: UUID, overlap_hours: int = 24) -> None:
    """A successor, printed this once; the old one is good for the overlap."""
    from services.intake.domain.access import RotationForm

    async def run() -> None:
        async with _access("rotate_key") as (_, of):
            _show_new(await of.rotate(None, _ME, key_id, RotationForm(overlap_hours=overlap_hours)))

    asyncio.run(run())


def _show_new(answer: Any) -> None:
    shown = json.loads(answer.body)
    if answer.status != 201:
        faults = "; ".join(f"{e['field']}: {e['message']}" for e in shown["detail"].get("errors", ()))
        raise SystemExit(faults or shown["message"])
    _say.print(f"id       {shown['id']}\nexpires  {shown['expires_at']}\nkey, shown this once:")
    typer.echo(shown["key"])


@keys.command("revoke")
def revoke_key(key_id: UUID) -> None:
    """Ends a key, a token or a session: refused everywhere within seconds."""

    async def run() -> None:
        async with _access("revoke_key") as (_, of):
            await of.revoke(_ME, key_id)

    asyncio.run(run())


# ── accounts ───────────────────────────────────────────────────────────────────────────────────────────────────────


@accounts.command("list")
def list_accounts() -> None:
    async def run() -> None:
        async with _access("list_accounts") as (of, _):
            _table(await of.listed(), "username", "roles", "created_at", "disabled_at")

    asyncio.run(run())


@accounts.command("create")
def create_account(username: str, role: Roles) -> None:
    """Asks for the password."""
    from chassis.strict_form import read_form
    from services.intake.domain.access import AccountForm

    password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)

    async def run() -> None:
        async with _access("create_account") as (of, _):
            form = {"username": username, "password": password, "roles": role}
            answer = await of.create(None, read_form(AccountForm, json.dumps(form).encode()))
        if answer.status != 201:
            raise SystemExit(json.loads(answer.body)["message"])

    asyncio.run(run())


@accounts.command("change")
def change_account(
    username: str,
    role: Roles = [],  # noqa: B006 (typer's way of "none given")
    *,
    disable: bool = False,
    enable: bool = False,
    new_password: bool = False,
) -> None:
    """Roles, password, disabled or not; ends its sessions and tokens."""
    from chassis.strict_form import read_form
    from services.intake.domain.access import AccountChange

    password = typer.prompt("Password", hide_input=True, confirmation_prompt=True) if new_password else None
    change: Mapping[str, Any] = {
        "roles": role or None,
        "password": password,
        "disabled": True if disable else False if enable else None,
    }

    async def run() -> None:
        async with _access("change_account") as (of, _):
            named = {name: value for name, value in change.items() if value is not None}
            await of.change(_ME, username, read_form(AccountChange, json.dumps(named).encode()))

    asyncio.run(run())


@accounts.command("sign-out")
def sign_out(username: str) -> None:
    """Ends every session and token of a staff member, whoever signed it in."""

    async def run() -> None:
        async with _access("sign_out_everywhere") as (_, of):
            _, ended = await of.sign_out_everywhere(None, _ME, username)
            _say.print(f"{ended} ended")

    asyncio.run(run())


# ── the signing key ────────────────────────────────────────────────────────────────────────────────────────────────


@signing_key.command("rotate")
def rotate_signing_key() -> None:
    """A new key signs from the next start on; what the old one signed stays good until it ends."""
    from chassis.security import rotated

    _change_signing_keys(lambda _, public: rotated(public))


@signing_key.command("retire")
def retire_signing_key(key_id: str) -> None:
    """Refuses everything that an old key has signed, from the next start on: when it was stolen, or its last token is over."""
    from chassis.security import retired

    _change_signing_keys(lambda private, public: (private, retired(private, public, key_id)))


def _change_signing_keys(change: Any) -> None:
    """In the all-in-one's own secrets; elsewhere printed, to be put where secrets are kept."""
    from local.home import Home, write_private

    variables = ("CAREPLAN_TOKEN_PRIVATE_KEY", "CAREPLAN_TOKEN_PUBLIC_KEYS")
    home = Home.from_environment()
    try:
        if variables[0] in os.environ:
            values = change(*(os.environ[name] for name in variables))
            for name, value in zip(variables, values, strict=True):
                typer.echo(f"{name}={value}")
            _say.print("Give the public keys to every service first, then the private one to intake.", style="dim")
            return
        file = home.folder / "secrets.json"
        if not file.exists():
            raise SystemExit(f"There is no all-in-one in {home.folder}.")
        secrets = json.loads(file.read_text())
        private, public = change(secrets["token_private_key"], secrets["token_public_keys"])
    except ValueError as wrong:
        raise SystemExit(str(wrong)) from None
    write_private(file, {**secrets, "token_private_key": private, "token_public_keys": public})
    _say.print("Done: it holds from the next start on.")


# ── the audit ──────────────────────────────────────────────────────────────────────────────────────────────────────


@audit.command("verify")
def verify_audit(
    url: Annotated[str | None, typer.Option(help="A database; the all-in-one's unless given.")] = None,
    service: Annotated[list[str], typer.Option(help="One service; all unless given.")] = [],  # noqa: B006 (as above)
    known: Annotated[list[str], typer.Option(help="service:number:digest, as it was printed before.")] = [],  # noqa: B006 (as above)
) -> None:
    """Recomputes the chain, and says which seal does not hold. Keep the digests that it prints somewhere else."""
    from local.environment import SERVICES

    database_url = url or _owner_url()
    broken = [asyncio.run(_verify(database_url, name, known)) for name in service or SERVICES]
    if any(broken):
        raise SystemExit(1)


async def _verify(url: str, service: str, known: list[str]) -> bool:
    import asyncpg

    from chassis.audit.seals import verify

    if not service.isidentifier():
        raise SystemExit(f"{service!r} is not a service.")
    kept = {int(number): digest for name, number, digest in (each.split(":") for each in known) if name == service}
    try:
        connection = await asyncpg.connect(url, server_settings={"search_path": service})
        found = await verify(connection, kept)
        await connection.close()
    except (OSError, asyncpg.PostgresError) as error:
        raise SystemExit(f"{service}: {type(error).__name__}: the audit could not be read") from None
    state = "[red]broken[/]" if found.broken else "[green]whole[/]"
    counted = f"{found.rows} rows in {found.seals} seals, {found.unsealed} not sealed yet"
    _say.print(f"{service:<13} {state}  {counted}", soft_wrap=True)
    for what in found.broken:
        _say.print(f"  {what}", soft_wrap=True, markup=False)
    if found.seals:
        _say.print(f"  {service}:{found.last_number}:{found.last_digest}", style="dim", soft_wrap=True)
    return bool(found.broken)
