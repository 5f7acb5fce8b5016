"""A disk that can be filled."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.commands import run_command


@contextmanager
def small_disk() -> Iterator[Path]:
    """256 MiB of memory as a disk, where the user that PostgreSQL runs as may walk. Only root mounts one."""
    folder = Path(tempfile.mkdtemp(prefix="careplan-disk-", dir="/var/tmp"))
    if run_command(["mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs", folder], seconds=20).code:
        folder.rmdir()
        pytest.skip("A full disk left out: nobody but root mounts one here")
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        run_command(["umount", "-l", folder], seconds=20).well()
        folder.rmdir()


def fill(folder: Path) -> Path:
    """Returns the file that takes all the room that was left."""
    ballast = folder / "ballast"
    with ballast.open("wb") as file, pytest.raises(OSError, match="space"):
        while True:
            file.write(b"x" * 65536)
            file.flush()
    return ballast
