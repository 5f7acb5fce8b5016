"""Where the jars of a program cannot be had, one line says so; where it should be there and is not, that is a failure."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import maven
from tests.support.kafka import kafka_jars
from tests.support.maven import JarsBroken, JarsUnavailable

Machine = Callable[..., None]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A PATH with these tools alone, an empty cache, in CI or not. A tool is a shell script."""

    def make(*, ci: bool = False, **tools: str) -> None:
        folder = tmp_path / "bin"
        folder.mkdir()
        for name, script in tools.items():
            (folder / name).write_text(f"#!/bin/sh\n{script}\n")
            (folder / name).chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}")
        monkeypatch.setattr(maven, "_CACHE", tmp_path / "cache")
        monkeypatch.delenv("CI", raising=False)
        if ci:
            monkeypatch.setenv("CI", "1")

    return make


_NO_NETWORK = "echo '[ERROR] Could not transfer artifact: Unknown host repo.example'; exit 1"
_NO_SUCH_VERSION = "echo '[ERROR] Could not find artifact org.apache.kafka:kafka_2.13'; exit 1"


@pytest.mark.parametrize("tools", [{}, {"java": ""}, {"mvn": ""}, {"java": "", "mvn": _NO_NETWORK}], ids=str)
def test_a_machine_without_the_tools_or_the_registry_says_so_in_one_line(
    machine: Machine, tools: dict[str, str]
) -> None:
    machine(**tools)
    with pytest.raises(JarsUnavailable) as reason:
        kafka_jars()
    assert str(reason.value).startswith("Apache Kafka left out: ")
    assert "\n" not in str(reason.value)


@pytest.mark.parametrize("tools", [{}, {"java": "", "mvn": _NO_NETWORK}], ids=str)
def test_in_ci_that_is_a_failure(machine: Machine, tools: dict[str, str]) -> None:
    machine(ci=True, **tools)
    with pytest.raises(JarsBroken):
        kafka_jars()


def test_a_registry_that_answers_and_jars_that_do_not_come_are_a_failure_everywhere(machine: Machine) -> None:
    machine(java="", mvn=_NO_SUCH_VERSION)
    with pytest.raises(JarsBroken):
        kafka_jars()
