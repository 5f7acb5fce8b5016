"""Demo accounts and keys, and two hundred fictional orders to look at."""

import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import httpx2
from rich.console import Console
from rich.progress import Progress

from chassis.security import TokenSigner
from local.demo_orders import demo_orders
from local.environment import Addresses, environment_of
from local.home import Home, write_private
from services.intake.adapters.sources import SOURCES
from services.intake.main import access_of
from services.intake.settings import IntakeSettings

_YEAR_SECONDS = 365 * 24 * 3600.0


async def prepare_demo(home: Home, database_url: str) -> None:
    """Makes the accounts, signs their tokens and the partners' keys, writes `demo-credentials.json`."""
    secrets = home.secrets()
    signer = TokenSigner.from_json(secrets.token_private_key)
    environment = environment_of("intake", Addresses(database_url, "", embedded_broker=True), secrets, {})
    async with access_of(IntakeSettings(**environment)) as (accounts, _):  # type: ignore[arg-type]
        for username, password in secrets.staff_passwords.items():
            await accounts.add(username, password, [username])
    credentials = {
        "staff": [
            {
                "username": role,
                "password": password,
                "roles": [role],
                "token": signer.sign(role, _YEAR_SECONDS, roles=frozenset({role})),
            }
            for role, password in secrets.staff_passwords.items()
        ],
        "partners": [
            {"source": source, "key": signer.sign(f"partner {source}", _YEAR_SECONDS, source=source)}
            for source in SOURCES
        ],
    }
    write_private(home.credentials_file, credentials)


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
