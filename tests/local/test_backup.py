"""A backup is written while orders come in, and an empty home made from it goes on as if nothing had happened."""

import os
import stat
import sys
from pathlib import Path

import pytest

from tests.support.all_in_one import all_in_one
from tests.support.commands import Ran, run_command
from tests.support.orders import new_order


def _local(home: Path, *arguments: str) -> Ran:
    environment = {**os.environ, "CAREPLAN_HOME": str(home)}
    return run_command([sys.executable, "-m", "local", *arguments], seconds=100, env=environment)


@pytest.mark.timeout(800)
def test_an_empty_home_is_restored_with_orders_plans_accounts_and_keys(tmp_path: Path) -> None:
    file = tmp_path / "backup.tar"
    with all_in_one(tmp_path / "lost") as system:
        system.start(300)
        with system.as_("assistant") as desk:
            order_id = desk.post("/api/orders", json=new_order()).json()["order_id"]
            before = system.until(desk, order_id, "completed")
            token = desk.headers["authorization"]
        done = _local(system.home, "backup", str(file))
        done.well()
        system.kill_everything()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    done = _local(tmp_path / "new", "restore", str(file))
    done.well()
    with all_in_one(tmp_path / "new") as system:
        system.start(300)
        with system.as_("assistant") as desk:
            desk.headers["authorization"] = token  # signed before: the keys are the same
            after = desk.get(f"/api/orders/{order_id}").json()
            assert after == before
            again = desk.post("/api/orders", json=new_order()).json()["order_id"]
            system.until(desk, again, "completed")


def test_a_home_in_use_is_not_restored_over(tmp_path: Path) -> None:
    (tmp_path / "secrets.json").write_text("{}")
    (tmp_path / "any.tar").write_bytes(b"")
    done = _local(tmp_path, "restore", str(tmp_path / "any.tar"))
    assert done.code != 0
    assert "is not empty" in done.output
    assert (tmp_path / "secrets.json").read_text() == "{}"
