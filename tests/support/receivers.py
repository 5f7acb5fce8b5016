"""Those who are told: a real HTTP server that records what it gets and answers as it is told to, and a real SMTP server."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from standardwebhooks import Webhook

from local.ports import free_port


@dataclass(frozen=True)
class Received:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def verified(self, secret: str) -> dict[str, Any]:
        """The payload, once the library of Standard Webhooks has found the signature right."""
        payload: dict[str, Any] = Webhook(secret).verify(self.body, self.headers)
        return payload


@dataclass
class Answer:
    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    hangs: bool = False
    endless: bool = False


@dataclass
class Receiver:
    """`answer` decides what each post gets; the posts stand in `received`."""

    port: int
    tls: bool = False
    received: list[Received] = field(default_factory=list)
    answer: Callable[[Received], Answer] = lambda _: Answer()
    at_once: int = 0
    most_at_once: int = 0
    connections: int = 0

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://localhost:{self.port}/hook"

    async def until(self, count: int, seconds: float = 45) -> list[Received]:
        async with asyncio.timeout(seconds):
            while len(self.received) < count:
                await asyncio.sleep(0.01)
        return self.received

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while request := await _request(reader):
                self.received.append(request)
                self.at_once += 1
                self.most_at_once = max(self.most_at_once, self.at_once)
                try:
                    await self._respond(writer, self.answer(request))
                finally:
                    self.at_once -= 1
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            writer.close()

    async def _respond(self, writer: asyncio.StreamWriter, answer: Answer) -> None:
        if answer.hangs:
            await asyncio.sleep(60)
        if answer.endless:
            writer.write(f"HTTP/1.1 {answer.status} X\r\n\r\n".encode())
            while True:
                writer.write(b"x" * 4096)
                await writer.drain()
        lines = [f"HTTP/1.1 {answer.status} X", f"content-length: {len(answer.body)}"]
        lines += [f"{name}: {value}" for name, value in answer.headers.items()]
        if answer.status == 204:
            del lines[1]
        writer.write("\r\n".join([*lines, "", ""]).encode() + answer.body)
        await writer.drain()


async def _request(reader: asyncio.StreamReader) -> Received | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode().strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Received(first.split(" ")[1], headers, body)


@asynccontextmanager
async def receiver(tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """On 127.0.0.1."""
    here = Receiver(free_port(), tls=tls is not None)
    server = await asyncio.start_server(here.serve, "127.0.0.1", here.port, ssl=tls)
    try:
        yield here
    finally:
        server.close()


@dataclass
class MailServer:
    port: int
    received: list[tuple[list[str], Message]] = field(default_factory=list)
    refuse: bool = False
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:  # noqa: N802 (aiosmtpd's name)
        if self.refuse:
            return "550 not here"
        assert isinstance(envelope.content, bytes)
        self.received.append((list(envelope.rcpt_tos), message_from_bytes(envelope.content)))
        return "250 OK"

    def check_login(self, account: LoginPassword) -> AuthResult:
        self.logins.append((account.login, account.password))
        return AuthResult(success=account == ACCOUNT, handled=False)

    async def until(self, count: int, seconds: float = 45) -> list[tuple[list[str], Message]]:
        async with asyncio.timeout(seconds):
            while len(self.received) < count:
                await asyncio.sleep(0.01)
        return self.received


ACCOUNT = LoginPassword(b"careplan", b"the mail server's password")


@contextmanager
def mail_server(tls: ssl.SSLContext | None = None, *, starttls: bool = False) -> Iterator[MailServer]:
    """A real SMTP server, in a thread of its own. With `tls` it takes mail only encrypted and after a login."""
    here = MailServer(free_port())
    options: dict[str, Any] = {}
    if tls:
        options = {
            "authenticator": lambda _, __, ___, ____, account: here.check_login(account),
            "auth_required": True,
            "auth_require_tls": starttls,  # by which it means STARTTLS: a port that speaks TLS only has it anyway
            **({"tls_context": tls, "require_starttls": True} if starttls else {"ssl_context": tls}),
        }
    controller = Controller(here, ready_timeout=60, hostname="127.0.0.1", port=here.port, **options)
    controller.start()
    try:
        yield here
    finally:
        controller.stop()
