"""A real OpenID Connect provider (npm's oidc-provider) as a process on loopback, and a person with a browser.

Needs Node, which the development dependencies bring; its packages are installed once into .cache/oidc.
"""

import hashlib
import os
import re
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

import httpx2

from local.broker import answers
from local.ports import free_port
from local.process import Child, Process
from tests.support.commands import run_command

_HERE = Path(__file__).with_name("oidc")
_CACHE = Path(__file__).parents[2] / ".cache" / "oidc"
_FILES = ("package.json", "package-lock.json", ".npmrc", "provider.mjs")


class NodeUnavailable(RuntimeError):
    """This machine cannot run it; the message is the one line that a skipped test says."""


def _tool(name: str) -> str:
    beside_python = Path(sys.executable).parent / name
    found = str(beside_python) if beside_python.exists() else shutil.which(name)
    if found is None:
        raise NodeUnavailable(f"the OIDC provider is left out: no `{name}` here")
    return found


def installed() -> Path:
    """The folder with the provider and its packages, fetched if missing. In CI, whatever keeps them away is a failure."""
    content = b"".join((_HERE / name).read_bytes() for name in _FILES)
    folder = _CACHE / hashlib.sha256(content).hexdigest()[:12]
    if not folder.exists():
        half = _CACHE / f"{folder.name}.{os.getpid()}.half"
        half.mkdir(parents=True, exist_ok=True)
        for name in _FILES:
            shutil.copy(_HERE / name, half)
        try:
            _install(half)
            half.rename(folder)
        except OSError:  # somebody else was first, with the same packages
            shutil.rmtree(half, ignore_errors=True)
        except NodeUnavailable:
            shutil.rmtree(half, ignore_errors=True)
            raise
    return folder


def _install(folder: Path) -> None:
    command = [_tool("npm"), "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    run = run_command(command, seconds=240, cwd=folder, env=_environment())
    if run.code and os.environ.get("CI"):
        raise RuntimeError(f"npm ci failed: {run.output[-400:]}")
    if run.code:
        raise NodeUnavailable(f"the OIDC provider is left out: npm could not install it ({run.output[-200:]!r})")


def _environment() -> dict[str, str]:
    return {**os.environ, "PATH": f"{Path(_tool('node')).parent}:{os.environ.get('PATH', '')}"}


@asynccontextmanager
async def oidc_provider(redirect_uri: str, log: Path, *, id_token_has_all: bool = False) -> AsyncIterator[str]:
    """Its issuer, once it answers."""
    folder, port = installed(), free_port()
    child = Child(
        name="oidc-provider",
        command=[_tool("node"), "provider.mjs", str(port), redirect_uri],
        cwd=folder,
        env={**_environment(), "ID_TOKEN_HAS_ALL": "1" if id_token_has_all else "0"},
        log=log,
        ready=lambda: answers(port),
    )
    process = Process(child)
    await process.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await process.stop()


@dataclass
class Browser:
    """Follows redirects and fills in the provider's forms, as somebody does who signs in as `login`."""

    client: httpx2.AsyncClient
    login: str

    async def sign_in(self, start: str, *, up_to: str = "never") -> httpx2.Response:
        """Opens `start` and goes on until a page that asks nothing more, or one whose address begins with `up_to`."""
        answer = await self.client.get(start)
        for _ in range(20):
            if answer.is_redirect:
                url = urljoin(str(answer.request.url), answer.headers["location"])
                if url.startswith(up_to):
                    return answer
                answer = await self.client.get(url)
            elif form := re.search(r'<form[^>]*action="([^"]+)"', answer.text):
                asked = re.search(r'name="prompt" value="([a-z]+)"', answer.text)
                filled = {"prompt": asked[1] if asked else "", "login": self.login, "password": "any"}
                answer = await self.client.post(urljoin(str(answer.request.url), form[1]), data=filled)
            else:
                return answer
        raise AssertionError("the provider sends the browser round in circles")
