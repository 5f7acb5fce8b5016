"""What an operator types beside a running system."""

import asyncio
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import structlog
from typer.testing import CliRunner

from chassis.security import TokenSigner, TokenVerifier, new_signing_key, retired, rotated
from local import operate
from local.__main__ import cli
from local.home import Home
from tests.support.chassis import until
from tests.support.orders import new_order
from tests.support.stack import Stack

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def logs_go_elsewhere() -> Iterator[None]:
    """While a command runs here, the standard output of the whole process is what it prints: the system must not log there."""
    before = structlog.get_config()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.__stderr__), cache_logger_on_first_use=False)
    yield
    structlog.configure(**before)


async def typed(group: str, *arguments: str, environment: dict[str, str], status: int = 0, answers: str = "") -> str:
    """`python -m local GROUP …`, without the second that a process of its own takes to start."""
    run = await asyncio.to_thread(CliRunner().invoke, cli, (group, *arguments), answers, environment)
    assert run.exit_code == status, (run.output, run.exception)
    return run.output


def new_key(output: str) -> tuple[str, str]:
    """The key that was made, and its id."""
    found = re.search(r"^id +(?P<id>\S+)$.*^(?P<key>eyJ\S+)$", output, re.MULTILINE | re.DOTALL)
    assert found, output
    return found["key"], found["id"]


async def test_a_key_made_and_revoked_by_command_line_is_so_in_the_running_system(stack: Stack) -> None:
    there = dict(stack.environments["intake"])
    made = await typed("keys", "create", "--source", "clinic", "--name", "by hand", environment=there)
    key, key_id = new_key(made)
    client = stack._client({"Authorization": f"Bearer {key}"})
    assert (await client.get("/api/session")).json()["source"] == "clinic"
    assert key_id in await typed("keys", "list", environment=there)
    await typed("keys", "revoke", key_id, environment=there)

    async def refused() -> bool:
        return [(await client.get(path)).status_code for path in ("/api/session", "/api/orders")] == [401, 401]

    await until(refused, 60)
    assert key_id not in await typed("keys", "list", environment=there)
    assert "no such source" in await typed("keys", "create", "--source", "nobody", environment=there, status=1)
    rows = (await stack.as_("admin").get("/api/ops/audit", params={"entity": key_id})).json()["items"]
    assert {(row["action"], row["acting_as"], row["address"]) for row in rows} >= {("create_key", "operator", "local")}


async def test_a_key_is_rotated_and_an_account_kept_by_command_line(stack: Stack) -> None:
    there = dict(stack.environments["intake"])

    async def status_of(bearer: str, path: str = "/api/session") -> int:
        return (await stack._client({"Authorization": f"Bearer {bearer}"}).get(path)).status_code

    made = await typed("keys", "create", "--source", "pharmacorp", environment=there)
    old, old_id = new_key(made)
    new, _ = new_key(await typed("keys", "rotate", old_id, "--overlap-hours", "0", environment=there))

    async def replaced() -> bool:
        return [await status_of(old), await status_of(new)] == [401, 200]

    await until(replaced, 60)
    password = "correct horse battery staple\n" * 2
    await typed("accounts", "create", "robin", "--role", "assistant", environment=there, answers=password)
    assert "robin" in await typed("accounts", "list", environment=there)
    token, _ = new_key(await typed("keys", "create", "--username", "robin", environment=there))
    await typed("accounts", "change", "robin", "--role", "analyst", environment=there)

    async def ended() -> bool:
        return await status_of(token) == 401

    await until(ended, 60)
    assert "0 ended" in await typed("accounts", "sign-out", "robin", environment=there)


async def test_the_audit_is_whole_until_somebody_changes_it(stack: Stack) -> None:
    order = (await stack.as_("assistant").post("/api/orders", json=new_order())).json()
    await stack.until(order["order_id"], "completed")
    service_url = stack.environments["intake"]["DATABASE_URL"]
    command = ("audit", "verify", "--url", service_url, "--service", "intake")

    async def sealed() -> bool:
        return " 0 rows" not in await typed(*command, environment={})

    await until(sealed, 120)
    assert "whole" in await typed(*command, environment={})
    owner = await asyncpg.connect(_owner(service_url), server_settings={"search_path": "intake"})
    await owner.execute("ALTER TABLE audit DISABLE TRIGGER ALL; UPDATE audit SET subject = 'nobody'")
    await owner.close()
    assert "broken" in await typed(*command, environment={}, status=1)


def _owner(service_url: str) -> str:
    return "postgresql://postgres@" + service_url.partition("@")[2]


def test_after_a_rotation_the_old_signatures_hold_until_the_key_is_retired() -> None:
    old = TokenSigner(new_signing_key())
    token = old.sign("kim", 60)
    private, public = rotated(old.public_keys())
    new = TokenSigner.from_json(private)
    for one in (token, new.sign("kim", 60)):
        assert TokenVerifier(public).verify(one).subject == "kim"
    left = retired(private, public, old.key_id)
    assert TokenVerifier(left).verify(new.sign("kim", 60))
    with pytest.raises(Exception, match="not one of ours"):
        TokenVerifier(left).verify(token)
    with pytest.raises(ValueError, match="key that signs"):
        retired(private, public, new.key_id)
    with pytest.raises(ValueError, match="no such key"):
        retired(private, public, "x")


async def test_the_signing_key_of_a_home_is_rotated_in_place(tmp_path: Path) -> None:
    home = Home(tmp_path)
    before: Any = home.secrets()
    token = TokenSigner.from_json(before.token_private_key).sign("kim", 60)
    await typed("signing-key", "rotate", environment={"CAREPLAN_HOME": str(tmp_path)})
    after = home.secrets()
    assert after.token_private_key != before.token_private_key
    assert TokenVerifier(after.token_public_keys).verify(token).subject == "kim"
    assert after.encryption_keys == before.encryption_keys


def test_who_typed_it_is_a_number_where_the_user_has_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container: there every command asks this, and each service is started by one."""
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 4_000_010)
    assert operate._my_name() == "4000010"
