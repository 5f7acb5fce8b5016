"""Demo accounts and keys, and two hundred fictional orders to look at."""

import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import httpx2
from rich.console import Console
from rich.progress import Progress

from chassis.strict_form import read_form
from local.demo_orders import demo_orders
from local.environment import Addresses, environment_of
from local.home import Home, write_private
from services.intake.adapters.sources import SOURCES
from services.intake.domain.access import KeyForm
from services.intake.keys import Keys
from services.intake.main import access_of
from services.intake.settings import IntakeSettings

_MONTH_SECONDS = 30 * 24 * 3600.0


async def prepare_demo(home: Home, database_url: str) -> None:
    """Accounts, their tokens and the partners' keys, in `demo-credentials.json`. What is there and good stays as it is:
    a start undoes nothing that an admin has changed or revoked.
    """
    secrets = home.secrets()
    environment = environment_of("intake", Addresses(database_url, "", embedded_broker=True), secrets, {})
    before = json.loads(home.credentials_file.read_text()) if home.credentials_file.exists() else {}
    async with access_of(IntakeSettings(**environment)) as (accounts, keys):  # type: ignore[arg-type]
        known = {account["username"] for account in await accounts.listed()} if before else set()
        for username, password in secrets.staff_passwords.items():
            if username not in known:
                await accounts.add(username, password, [username])
        tokens = {account["username"]: account["token"] for account in before.get("staff", ())}
        partners = {partner["source"]: partner["key"] for partner in before.get("partners", ())}
        credentials = {
            "staff": [
                {
                    "username": role,
                    "password": password,
                    "roles": [role],
                    "token": await _good(keys, tokens.get(role), read_form(KeyForm, _staff_form(role))),
                }
                for role, password in secrets.staff_passwords.items()
            ],
            "partners": [
                {"source": source, "key": await _good(keys, partners.get(source), KeyForm(source=source, name="demo"))}
                for source in SOURCES
            ],
        }
    write_private(home.credentials_file, credentials)


def _staff_form(role: str) -> bytes:
    return json.dumps({"username": role, "roles": [role], "name": "demo"}).encode()


async def _good(keys: Keys, before: str | None, form: KeyForm) -> str:
    """The token of the last start, or a new one where that has ended, nearly so, or is of another database."""
    if before is not None and await keys.is_good(before, _MONTH_SECONDS):
        return before
    key: str = json.loads((await keys.create(None, "demo", form)).body)["key"]
    return key


async def post_demo_orders(home: Home, base_url: str, console: Console) -> dict[str, int]:
    """Posts them as the assistant, each with the decision waited for; returns how many came to what."""
    token = next(
        a["token"] for a in json.loads(home.credentials_file.read_text())["staff"] if "assistant" in a["roles"]
    )
    headers = {"Authorization": f"Bearer {token}", "Prefer": "wait=10"}
    outcomes: Counter[str] = Counter()
    orders = list(demo_orders(_yesterday()))
    async with httpx2.AsyncClient(base_url=base_url, headers=headers, timeout=30) as client:
        with Progress(console=console) as progress:
            task = progress.add_task("Orders", total=len(orders))
            for order in orders:
                answer = (await client.post("/api/orders", json=order)).json()
                outcomes[answer.get("status") or answer.get("code") or "?"] += 1
                progress.advance(task)
    return dict(outcomes)


def _yesterday() -> date:
    """No pharmacy's calendar is behind it, so that no order lies in the future."""
    return (datetime.now(UTC) - timedelta(days=1)).date()
