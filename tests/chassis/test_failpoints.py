"""Failpoints break a system only where both of their variables say so."""

from collections.abc import Iterator

import pytest

from chassis import failpoints


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    yield
    failpoints.armed.clear()


def test_without_the_variable_nothing_is_armed() -> None:
    failpoints.arm({})
    assert not failpoints.armed


@pytest.mark.parametrize("permission", [None, "", "yes"])
def test_a_process_that_was_not_permitted_to_break_does_not_start(permission: str | None) -> None:
    environment = {"CAREPLAN_FAILPOINTS": "commit:kill:1"}
    if permission is not None:
        environment["CAREPLAN_FAILPOINTS_PERMISSION"] = permission
    with pytest.raises(SystemExit, match="CAREPLAN_FAILPOINTS"):
        failpoints.arm(environment)
    assert not failpoints.armed


@pytest.mark.parametrize("wanted", ["commit:explode:1", "lunch:kill:1"])
def test_what_does_not_exist_is_said(wanted: str) -> None:
    with pytest.raises(SystemExit, match="there is no"):
        failpoints.arm({"CAREPLAN_FAILPOINTS": wanted, "CAREPLAN_FAILPOINTS_PERMISSION": failpoints.PERMISSION})


async def test_a_failpoint_strikes_at_its_pass_and_once() -> None:
    failpoints.arm({"CAREPLAN_FAILPOINTS": "commit:raise:3", "CAREPLAN_FAILPOINTS_PERMISSION": failpoints.PERMISSION})
    for _ in range(2):
        await failpoints.reach("commit")
        await failpoints.reach("publish")
    with pytest.raises(ConnectionResetError):
        await failpoints.reach("commit")
    await failpoints.reach("commit")
    assert not failpoints.armed
