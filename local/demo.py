"""Demo accounts and keys, and two hundred fictional orders to look at."""

from typing import Any

from chassis.security import TokenSigner
from local.home import Home, Secrets, write_private
from services.intake.main import accounts_of
from services.intake.settings import IntakeSettings

_YEAR_SECONDS = 365 * 24 * 3600.0
PARTNERS = ("clinic", "pharmacorp")


async def prepare_demo(home: Home, secrets: Secrets, intake_environment: dict[str, str]) -> dict[str, Any]:
    """Makes the accounts, signs their tokens and the partners' keys, writes `demo-credentials.json`."""
    signer = TokenSigner.from_json(secrets.token_private_key)
    async with accounts_of(IntakeSettings(**intake_environment)) as accounts:  # type: ignore[arg-type]
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
            for source in PARTNERS
        ],
    }
    write_private(home.credentials_file, credentials)
    return credentials
