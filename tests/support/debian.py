"""Programs that Debian packages: where they are not installed they are fetched, without root, into .cache/debian.

As with Apache Kafka: a machine that cannot have one leaves its tests out and says so in one line; in CI that is a failure.
"""

import os
import shutil
from pathlib import Path

from tests.support.commands import Ran, run_command

_CACHE = Path(__file__).parents[2] / ".cache" / "debian"
_PACKAGE = {"promtool": "prometheus", "prometheus": "prometheus", "caddy": "caddy"}


class ProgramUnavailable(RuntimeError):
    """This machine cannot have it; the message is the one line that a skipped test says."""


class ProgramBroken(RuntimeError):
    """This machine should be able to have it, and does not: a failure, not a skip."""


def program(name: str) -> str:
    """Its path. ProgramUnavailable where it cannot be had; in CI, ProgramBroken."""
    try:
        return shutil.which(name) or _fetched(name)
    except ProgramUnavailable as reason:
        if os.environ.get("CI"):
            raise ProgramBroken(reason) from reason
        raise


def _fetched(name: str) -> str:
    package = _PACKAGE[name]
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise ProgramUnavailable(f"{name} left out: it is not installed, and there is no `{tool}` to fetch it with")
    folder = _CACHE / package
    if not folder.exists():
        half = _CACHE / f"{package}.{os.getpid()}.half"
        half.mkdir(parents=True)
        try:
            _unpack(package, half)
            half.rename(folder)
        except OSError:  # somebody else was first, with the same package
            pass
        finally:
            shutil.rmtree(half, ignore_errors=True)
    return str(folder / "usr" / "bin" / name)


def _unpack(package: str, folder: Path) -> None:
    download = _run(["apt-get", "download", package], folder)
    if download.code:
        # A fresh machine has no lists yet; only root may fetch them.
        _run(["apt-get", "update"], folder)
        download = _run(["apt-get", "download", package], folder)
    if download.code:
        said = next(iter(download.output.splitlines()), "")[:200]
        raise ProgramUnavailable(f"{package} left out: Debian's package cannot be fetched ({said})")
    (archive,) = folder.glob("*.deb")
    _run(["dpkg-deb", "-x", str(archive), str(folder)], folder).well()


def _run(command: list[str], folder: Path) -> Ran:
    return run_command(command, seconds=100, cwd=folder)
