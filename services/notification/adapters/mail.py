"""E-mail through the pharmacy's own mail server: where that is, an operator says, so no address is judged here."""

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Literal

import aiosmtplib

from services.notification.domain.message import Told, mail_text
from services.notification.domain.outcome import Outcome


@dataclass(frozen=True)
class MailOutlet:
    host: str
    port: int
    sender: str
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    timeout_seconds: float = 20
    trust: ssl.SSLContext | None = None
    """None: the certificates that this machine trusts (`SSL_CERT_FILE` names others)."""

    async def send(self, address: str, told: Told, secrets: Sequence[bytes]) -> Outcome:  # noqa: ARG002 (nothing to sign with)
        try:
            async with asyncio.timeout(self.timeout_seconds):
                await aiosmtplib.send(
                    self._message(address, told),
                    sender=self.sender,
                    recipients=[address],
                    hostname=self.host,
                    port=self.port,
                    username=self.username,
                    password=self.password,
                    use_tls=self.security == "tls",
                    start_tls=self.security == "starttls",
                    tls_context=self.trust,
                    timeout=self.timeout_seconds,
                )
        except (TimeoutError, aiosmtplib.SMTPTimeoutError):
            return Outcome("TIMEOUT")
        except (aiosmtplib.SMTPConnectError, aiosmtplib.SMTPServerDisconnected, OSError):
            return Outcome("UNREACHABLE")
        except aiosmtplib.SMTPException:
            return Outcome("MAIL_REFUSED")
        return Outcome("DELIVERED")

    async def close(self) -> None:
        """Nothing to do: each mail has a connection of its own."""

    def _message(self, address: str, told: Told) -> EmailMessage:
        words = mail_text(told)
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self.sender, address, words.subject
        # The same at every try, so that a mailbox which has it already may show it once.
        message["Message-ID"] = f"<{told.delivery_id}@{self.sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(words.text)
        return message
