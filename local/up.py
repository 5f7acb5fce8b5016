"""`make up`: PostgreSQL, the broker, migrations and every service, started in order, watched, and stopped together."""

import asyncio
import json
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from local.broker import EmbeddedBroker
from local.environment import SERVICES, Addresses, environment_of
from local.home import Home, Secrets
from local.ports import free_port
from local.postgres import EmbeddedPostgres
from local.process import GIVES_BACK, Child
from local.supervisor import State, Supervisor

_PROJECT = Path(__file__).resolve().parent.parent


class AllInOne:
    """One pharmacy's whole system on one machine, in `home`, at 127.0.0.1:`port`."""

    def __init__(self, home: Home, port: int, *, separate: bool, console: Console) -> None:
        self._home, self._port, self._separate, self._console = home, port, separate, console

    async def run(self) -> None:
        self._refuse_taken_ports()
        secrets = self._home.secrets()
        async with Supervisor(self._say) as supervisor:
            self._home.pid_file.write_text(f"{os.getpid()}\n")
            addresses = await self._start_foundations(supervisor)
            environments = {service: environment_of(service, addresses, secrets, os.environ) for service in SERVICES}
            credentials = await self._prepare(addresses, secrets)
            await supervisor.start_together(self._children(environments))
            self._welcome(credentials)
            await supervisor.wait()
        self._home.pid_file.unlink(missing_ok=True)

    def _refuse_taken_ports(self) -> None:
        """Before anything starts: whoever listens there already would answer in our place."""
        ports = [self._port + place for place in range(1, len(SERVICES) + 1)] if self._separate else [self._port]
        for port in ports:
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    raise SystemExit(f"Port {port} on 127.0.0.1 is taken: set CAREPLAN_PORT to another.") from None

    async def _start_foundations(self, supervisor: Supervisor) -> Addresses:
        database_url, kafka = os.environ.get("DATABASE_URL"), os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
        if not database_url:
            postgres = EmbeddedPostgres(self._home.folder)
            await supervisor.start(postgres.child())
            database_url = postgres.url
        if kafka:
            return Addresses(database_url, kafka, embedded_broker=False)
        broker = EmbeddedBroker(log=self._home.log_of("broker"))
        await supervisor.start(broker.child())
        return Addresses(database_url, broker.bootstrap_servers, embedded_broker=True)

    async def _prepare(self, addresses: Addresses, secrets: Secrets) -> dict[str, Any]:
        """Migrations and demo accounts, in a process of its own: what they load nobody needs afterwards."""
        self._say("migrations", "starting")
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "local",
            "prepare",
            cwd=_PROJECT,
            env={**os.environ, "DATABASE_URL": addresses.database_url, "CAREPLAN_ROLE_PASSWORD": secrets.role_password},
        )
        if await child.wait() != 0:
            raise SystemExit("The migrations failed; what they said stands above.")
        self._say("migrations", "ready")
        credentials: dict[str, Any] = json.loads(self._home.credentials_file.read_text())
        return credentials

    def _children(self, environments: Mapping[str, Mapping[str, str]]) -> list[Child]:
        if self._separate:
            return [
                self._child(
                    name, ["service", name, "--port", str(self._port + place)], self._port + place, environments[name]
                )
                for place, name in enumerate(SERVICES, start=1)
            ]
        together = {**os.environ, "CAREPLAN_ENVIRONMENTS": json.dumps(environments)}
        events_port = free_port()
        ports = ["--port", str(self._port), "--events-port", str(events_port)]
        return [
            self._child("services", ["services", *ports], self._port, together),
            self._child("events", ["events", *ports], events_port, together),
        ]

    def _child(self, name: str, arguments: list[str], port: int, environment: Mapping[str, str]) -> Child:
        return Child(
            name=name,
            command=[sys.executable, "-m", "local", *arguments],
            env={**GIVES_BACK, **environment},
            cwd=_PROJECT,
            log=self._home.log_of(name),
            ready=lambda: _is_ready(port),
        )

    def _say(self, name: str, state: State) -> None:
        marks = {"ready": "[green]✓[/]", "died": "[red]✗[/]", "stopped": "[dim]■[/]"}
        self._console.print(f" {marks.get(state, '[dim]…[/]')} {name} [dim]{state}[/]")

    def _welcome(self, credentials: dict[str, Any]) -> None:
        base = f"http://127.0.0.1:{self._port + 1 if self._separate else self._port}"
        token = credentials["staff"][0]["token"]
        say = self._console.print
        say(f"\n[bold]Ready:[/] {base}", highlight=False)
        say(f"Demo accounts and keys: {self._home.credentials_file}", highlight=False)
        for account in credentials["staff"]:
            say(f"  {account['username']:<11} password {account['password']}", highlight=False)
        say("\nSubmit a sample order, and look at it a moment later:", highlight=False)
        say(
            f"  curl -s {base}/api/orders -H 'Authorization: Bearer {token}' \\\n"
            "    -H 'Content-Type: application/json' -d @samples/web/ivig-gmg.json",
            highlight=False,
            soft_wrap=True,
        )
        say("\nCtrl-C stops everything; the next start carries on where it was.", highlight=False)


async def _is_ready(port: int) -> bool:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /health/ready HTTP/1.1\r\nHost: local\r\nConnection: close\r\n\r\n")
        async with asyncio.timeout(3):
            status = await reader.readline()
        writer.close()
    except (OSError, TimeoutError):
        return False
    return b" 200 " in status
