"""What a newcomer types, and what a test may rely on: docs in README and `local/up.py`."""

import json
import os
import stat
import sys
import time
from pathlib import Path

import httpx2
import pytest

from local.ports import free_port
from tests.support.all_in_one import AllInOne, all_in_one
from tests.support.commands import run_command
from tests.support.processes import command_of
from tests.support.stack import sample_order


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def submit(system: AllInOne, mrn: str, base_url: str | None = None) -> str:
    with system.as_("assistant", base_url) as client:
        answer = client.post(
            "/api/orders", json=sample_order(patient={"mrn": mrn, "first_name": f"Ana{chr(97 + int(mrn) % 26)}"})
        )
        assert answer.status_code == 202, answer.text
        order_id: str = answer.json()["order_id"]
        return order_id


@pytest.mark.timeout(600)
def test_up_stops_cleanly_and_carries_on_where_it_was(home: Path) -> None:
    with all_in_one(home) as system:
        system.start()
        order_id = submit(system, "000001")
        with system.as_("assistant") as client:
            system.until(client, order_id, "completed")
        family = system.everybody()
        assert system.stop() == 0
        assert not any(process.is_running() for process in family), "Ctrl-C leaves nothing behind"
        assert not (home / "careplan.pid").exists()

        system.start()
        with system.as_("assistant") as client:
            assert system.until(client, order_id, "completed")["order"]["patient"]["mrn"] == "000001"


@pytest.mark.timeout(600)
def test_after_kill_nine_of_everything_it_carries_on_where_it_was(home: Path) -> None:
    with all_in_one(home) as system:
        system.start()
        order_ids = [submit(system, f"{number:06d}") for number in range(10, 30)]
        system.kill_everything()

        system.start()
        with system.as_("assistant") as client:
            for order_id in order_ids:
                system.until(client, order_id, "completed", seconds=60)


@pytest.mark.timeout(600)
def test_a_process_that_dies_is_started_again_and_the_system_goes_on(home: Path) -> None:
    with all_in_one(home) as system:
        system.start()
        submit(system, "000040")
        services = next(p for p in system.everybody() if "services" in command_of(p))
        services.kill()
        died = time.monotonic()
        while not [p for p in system.everybody()[1:] if "services" in command_of(p) and p.pid != services.pid]:
            assert time.monotonic() - died < 60
            time.sleep(0.05)
        deadline = time.monotonic() + 60
        while True:
            try:
                order_id = submit(system, "000041")
                break
            except httpx2.TransportError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
        with system.as_("assistant") as client:
            system.until(client, order_id, "completed")


@pytest.mark.timeout(600)
def test_credentials_are_for_the_owner_only_and_hold_every_role_and_partner(home: Path) -> None:
    with all_in_one(home) as system:
        system.start()
        assert stat.S_IMODE((home / "demo-credentials.json").stat().st_mode) == 0o600
        credentials = system.credentials()
        assert {a["username"] for a in credentials["staff"]} == {"assistant", "pharmacist", "analyst", "admin"}
        assert {p["source"] for p in credentials["partners"]} >= {"clinic", "pharmacorp"}
        with system.as_("assistant") as client:
            assert client.get("/api/session").json()["roles"] == ["assistant"]
            for account in credentials["staff"]:
                signed_in = client.post(
                    "/api/session", json={"username": account["username"], "password": account["password"]}
                )
                assert signed_in.status_code == 204


@pytest.mark.timeout(600)
def test_separate_gives_each_service_a_process_and_a_port_and_nothing_listens_on_the_first(home: Path) -> None:
    with all_in_one(home, CAREPLAN_SEPARATE="1") as system:
        system.start()
        intake, reporting = (f"http://127.0.0.1:{system.port + place}" for place in (1, 4))
        order_id = submit(system, "000050", intake)
        with system.as_("assistant", intake) as client:
            shown = system.until(client, order_id, "completed")
        with system.as_("assistant", reporting) as client:
            deadline = time.monotonic() + 60
            while client.get(f"/api/careplans/{shown['careplan']['careplan_id']}").status_code != 200:
                assert time.monotonic() < deadline
                time.sleep(0.1)
        ports = {c.laddr.port for p in system.everybody() for c in p.net_connections() if c.status == "LISTEN"}
        assert system.port not in ports
        assert {system.port + place for place in range(1, 6)} <= ports


def test_a_demo_of_what_does_not_run_says_so_in_one_line(home: Path) -> None:
    home.mkdir()
    demo = [sys.executable, "-m", "local", "demo"]
    environment = {**os.environ, "CAREPLAN_HOME": str(home), "CAREPLAN_PORT": str(free_port())}
    never_ran = run_command(demo, seconds=60, env=environment)
    assert (never_ran.code, never_ran.output.count("\n")) == (1, 1)
    assert "make up" in never_ran.output

    (home / "demo-credentials.json").write_text(json.dumps({"staff": [{"roles": ["assistant"], "token": "t"}]}))
    stopped = run_command(demo, seconds=60, env=environment)
    assert (stopped.code, "Nobody answers" in stopped.output, "Traceback" in stopped.output) == (1, True, False)
