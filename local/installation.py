"""`python -m local secrets`: everything secret that an installation needs, one file each, made once and kept."""

from pathlib import Path
from secrets import token_urlsafe

from chassis.postgres_role import role_of
from local.environment import SERVICES, with_role
from local.home import new_secrets


def make_secrets(folder: Path, database: str) -> list[str]:
    """Writes what is missing into `folder`, and never over what is there; returns the names of what it wrote."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = []
    for name, value in _values(folder, database).items():
        if not (folder / name).exists():
            # The folder keeps others out; the container's user, who is nobody here, must read the file.
            (folder / name).write_text(value)
            (folder / name).chmod(0o444)
            made.append(name)
    return made


def _values(folder: Path, database: str) -> dict[str, str]:
    fresh = new_secrets()
    owner, role = (_kept(folder, name) or token_urlsafe(24) for name in ("POSTGRES_PASSWORD", "CAREPLAN_ROLE_PASSWORD"))
    url = f"postgresql://{database}"
    return {
        "POSTGRES_PASSWORD": owner,
        "CAREPLAN_ROLE_PASSWORD": role,
        "GRAFANA_PASSWORD": token_urlsafe(24),
        "CAREPLAN_METRICS_TOKEN": token_urlsafe(24),
        "CAREPLAN_ENCRYPTION_KEYS": fresh["encryption_keys"],
        "CAREPLAN_TOKEN_PRIVATE_KEY": fresh["token_private_key"],
        "CAREPLAN_TOKEN_PUBLIC_KEYS": fresh["token_public_keys"],
        "ANTHROPIC_API_KEY": "",
        "owner_database_url": with_role(url, "postgres", owner),
        **{f"{service}_database_url": with_role(url, role_of(service), role) for service in SERVICES},
    }


def _kept(folder: Path, name: str) -> str | None:
    return (folder / name).read_text() if (folder / name).exists() else None
