"""Debian's Caddy with the configuration that compose uses, in front of services on this machine's ports."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from local.ports import free_port
from tests.support.background import background

_CADDYFILE = Path(__file__).parents[2] / "deploy" / "gateway" / "Caddyfile"


@contextmanager
def gateway(caddy: str, folder: Path, upstreams: Mapping[str, str], files: Path | None = None) -> Iterator[str]:
    """Its address. `upstreams`: for each service, `host:port` of its replicas, with spaces between."""
    port = free_port()
    environment = {
        **{service.upper(): addresses for service, addresses in upstreams.items()},
        "CAREPLAN_SITE": f"http://127.0.0.1:{port}",
        "CAREPLAN_FILES": str(files or folder),
        "HOME": str(folder),
    }
    command = [caddy, "run", "--config", str(_CADDYFILE), "--adapter", "caddyfile"]
    with background(command, folder / "caddy.log", f"http://127.0.0.1:{port}/health/ready", environment):
        yield f"http://127.0.0.1:{port}"
