"""`CAREPLAN_HOME`: everything the all-in-one keeps, and the secrets it makes for itself on the first start."""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_urlsafe
from typing import Any


class HomeIsTaken(RuntimeError):
    def __init__(self, folder: Path) -> None:
        super().__init__(f"Another all-in-one is running in {folder}: stop it, or set CAREPLAN_HOME to another folder.")


@dataclass(frozen=True)
class Home:
    """The folder and what is where in it."""

    folder: Path

    @classmethod
    def from_environment(cls) -> "Home":
        return cls(Path(os.environ.get("CAREPLAN_HOME", "var")).resolve())

    @property
    def pid_file(self) -> Path:
        return self.folder / "careplan.pid"

    @property
    def credentials_file(self) -> Path:
        return self.folder / "demo-credentials.json"

    def log_of(self, name: str) -> Path:
        return self.folder / "logs" / f"{name}.log"

    @contextmanager
    def alone(self, seconds: float = 15.0) -> Iterator[None]:
        """Holds the folder against a second all-in-one; waits for one that is just stopping. HomeIsTaken otherwise."""
        self.folder.mkdir(parents=True, exist_ok=True)
        end = time.monotonic() + seconds
        with (self.folder / "careplan.lock").open("w") as lock:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except OSError:
                    if time.monotonic() > end:
                        raise HomeIsTaken(self.folder) from None
                    time.sleep(0.1)
            yield

    def secrets(self) -> "Secrets":
        """Those made at the first start."""
        file = self.folder / "secrets.json"
        if not file.exists():
            write_private(file, new_secrets())
        return Secrets(**json.loads(file.read_text()))


@dataclass(frozen=True, repr=False)
class Secrets:
    encryption_keys: str
    token_private_key: str
    token_public_keys: str
    role_password: str
    staff_passwords: dict[str, str]


def new_secrets() -> dict[str, Any]:
    # Needed once in a home's life, and twenty megabytes of the supervisor's memory.
    from joserfc.jwk import OKPKey

    from chassis.crypto import new_key

    signing_key = OKPKey.generate_key("Ed25519", auto_kid=True)
    return {
        "encryption_keys": f"first:{new_key()}",
        "token_private_key": json.dumps(signing_key.as_dict(private=True)),
        "token_public_keys": json.dumps({"keys": [signing_key.as_dict(private=False)]}),
        "role_password": token_urlsafe(24),
        "staff_passwords": {role: token_urlsafe(9) for role in ("assistant", "pharmacist", "analyst", "admin")},
    }


def write_private(file: Path, content: Any) -> None:
    """JSON that only the owner may read; whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as out:
        json.dump(content, out, indent=1)
    draft.replace(file)
