"""Brings one service's schema up to date, and lets the service's own role use it, and nothing else.

Migrations run as the database's owner; the service's role reads and writes rows but cannot change a table.
"""

import re
from pathlib import Path
from typing import Any

from alembic import command, op
from alembic.config import Config
from pydantic import Field
from pydantic_settings import BaseSettings
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from chassis.audit.table import APPEND_ONLY
from chassis.postgres_role import role_of

_ENVIRONMENT = Path(__file__).parent / "migrations"
_SERVICES = Path(__file__).parent.parent / "services"
_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]*")

_GRANTS = (
    "GRANT USAGE ON SCHEMA {schema} TO {role}",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}",
    *(f"REVOKE UPDATE, DELETE, TRUNCATE ON {{schema}}.{table} FROM {{role}}" for table in APPEND_ONLY),
)


class MigrationSettings(BaseSettings):
    """What `python -m local migrate` needs: the owner's database, and the password that the services' roles get."""

    database_url: str = Field(alias="DATABASE_URL", repr=False)
    role_password: str | None = Field(default=None, alias="CAREPLAN_ROLE_PASSWORD", repr=False)


async def migrate(service: str, owner_url: str, role_password: str | None = None) -> None:
    """Creates schema and role where missing, upgrades to the newest version, grants. Safe to repeat and to run twice at once."""
    if not _IDENTIFIER.fullmatch(service):
        raise ValueError(f"{service!r} is not a service name")
    engine = create_async_engine(owner_url.replace("postgresql://", "postgresql+asyncpg://", 1))
    try:
        async with engine.begin() as connection:
            # One migration at a time in a database: two replicas of a release may start together.
            await connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('careplan.migrations'))"))
            await connection.execute(text("SET LOCAL lock_timeout = '10s'"))
            await _ensure_role(connection, role_of(service), role_password)
            await connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {service}"))
            await connection.execute(text(f"SET LOCAL search_path = {service}, public"))
            await connection.run_sync(_upgrade, service)
            for grant in _GRANTS:
                await connection.execute(text(grant.format(schema=service, role=role_of(service))))
    finally:
        await engine.dispose()


async def _ensure_role(connection: Any, role: str, password: str | None) -> None:
    known = await connection.scalar(text("SELECT true FROM pg_roles WHERE rolname = :role"), {"role": role})
    if not known:
        await connection.execute(text(f"CREATE ROLE {role} LOGIN"))
    if password is not None:
        quoted = password.replace("'", "''")
        # Not text(): a colon in a password is no parameter.
        await connection.exec_driver_sql(f"ALTER ROLE {role} LOGIN PASSWORD '{quoted}'")


def history_of(service: str) -> Config:
    """Where Alembic finds a service's migrations."""
    config = Config()
    config.set_main_option("script_location", str(_ENVIRONMENT))
    config.set_main_option("version_locations", str(_SERVICES / service / "migrations"))
    config.set_main_option("path_separator", "os")
    return config


def _upgrade(connection: Any, service: str) -> None:
    config = history_of(service)
    config.attributes.update(connection=connection, schema=service)
    command.upgrade(config, "head")


def run(*scripts: str) -> None:
    """For migration files: executes SQL scripts, statement by statement (`;` at the end of a line ends one)."""
    for script in scripts:
        for statement in re.split(r";\s*\n", script.strip().rstrip(";") + ";\n"):
            if statement.strip():
                op.execute(text(statement.replace(":", r"\:")))
