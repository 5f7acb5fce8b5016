"""Java programs that only tests need: Maven fetches their jars once, into .cache.

Where they cannot be had, one line says so; where they should be there and are not, that is a failure.
"""

import os
import shutil
from pathlib import Path
from xml.etree import ElementTree as ET

from tests.support.commands import run_command

_CACHE = Path(__file__).parents[2] / ".cache"


class JarsUnavailable(RuntimeError):
    """This machine cannot run it; the message is the one line that a skipped test says."""


class JarsBroken(RuntimeError):
    """This machine should be able to run it, and does not: a failure, not a skip."""


def jars(pom: Path) -> Path:
    """The folder of what `pom` asks for, fetched if missing. In CI, whatever keeps them away is a failure."""
    try:
        return _fetched(pom)
    except JarsUnavailable as reason:
        if os.environ.get("CI"):
            raise JarsBroken(reason) from reason
        raise


def _fetched(pom: Path) -> Path:
    program = _asked(pom, "m:name")
    if tool := missing_tool():
        message = f"{program} left out: no `{tool}` here (it needs Java 17 and Maven)"
        raise JarsUnavailable(message)
    folder = _CACHE / pom.name.removesuffix(".pom.xml") / version(pom)
    if not folder.exists():
        half = folder.with_name(f"{folder.name}.{os.getpid()}.half")
        _copy_dependencies(pom, program, half)
        try:
            half.rename(folder)
        except OSError:  # somebody else was first, with the same jars
            shutil.rmtree(half)
    return folder


def missing_tool() -> str | None:
    return next((tool for tool in ("java", "mvn") if shutil.which(tool) is None), None)


def version(pom: Path) -> str:
    return _asked(pom, ".//m:dependency/m:version")


def _asked(pom: Path, path: str) -> str:
    place = {"m": "http://maven.apache.org/POM/4.0.0"}
    return ET.parse(pom).findtext(path, namespaces=place) or ""


def _copy_dependencies(pom: Path, program: str, folder: Path) -> None:
    command = ["mvn", "--batch-mode", "--quiet", "--file", str(pom), "dependency:copy-dependencies"]
    command += ["-DincludeScope=runtime", f"-DoutputDirectory={folder}"]
    run = run_command(command, seconds=600)
    if run.code == 0:
        return
    shutil.rmtree(folder, ignore_errors=True)
    said = next((line for line in run.output.splitlines() if "ERROR" in line), run.output)[:400]
    if any(sign in run.output for sign in _REGISTRY_AWAY):
        message = f"{program} left out: Maven reaches no registry ({said})"
        raise JarsUnavailable(message)
    message = f"Maven could not fetch {program}: {said}"
    raise JarsBroken(message)


# What Maven says when it got no answer; any other fault had one.
_REGISTRY_AWAY = (
    "Unknown host",
    "UnknownHostException",
    "No address associated",
    "Name or service not known",
    "Temporary failure in name resolution",
    "Connection refused",
    "Connect to ",
    "timed out",
    "Network is unreachable",
    "offline mode",
)
