"""Programs that a test runs to their end: npm, make, promtool, mvn, our own command line. None of them can hang a test.

Each has a time limit, and a process group of its own that is killed whole when it is over. What it prints goes into a
file: a pipe stays open as long as a grandchild holds it, and whoever reads it to its end waits for that one too.
"""

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil


@dataclass(frozen=True)
class Ran:
    command: str
    code: int
    output: str
    """Both streams, in the order in which they were written."""

    def well(self) -> Self:
        """Itself, where the program ended with 0."""
        assert self.code == 0, f"{self.command} ended with {self.code}:\n{self.output[-6000:]}"
        return self


class TookTooLong(AssertionError):
    """The program was still running at its limit, and was killed with all that it had started."""


def run_command(
    command: Sequence[str | Path], *, seconds: float, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> Ran:
    """`seconds`: below the limit of the test that asks, so that the failure can say what was printed."""
    name = " ".join(map(str, command))[:200]
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=cwd,
            env=env,
            start_new_session=True,
        )
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            end_group(process)
            raise TookTooLong(f"{name} ran longer than {seconds:g} s:\n{_read(output.fileno())[-6000:]}") from None
        finally:
            end_group(process)
        return Ran(name, process.returncode, _read(output.fileno()))


@contextmanager
def speaking(command: Sequence[str]) -> Iterator["subprocess.Popen[str]"]:
    """A program whose first lines a test reads while it runs. It does not outlive the block, whatever happens in it."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        yield process
    finally:
        end_group(process)
        assert process.stdout
        process.stdout.close()


def end_group(process: "subprocess.Popen[bytes] | subprocess.Popen[str]") -> None:
    """Kills it, all its descendants, and whatever is left of the group it led. Safe to repeat."""
    everybody: list[psutil.Process] = []
    with suppress(psutil.NoSuchProcess):
        if process.poll() is None:
            everybody = psutil.Process(process.pid).children(recursive=True)  # some lead groups of their own: browsers
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    for descendant in everybody:
        with suppress(psutil.NoSuchProcess):
            descendant.kill()
    process.wait(20)


def _read(file: int) -> str:
    return os.pread(file, os.fstat(file).st_size, 0).decode(errors="replace")
