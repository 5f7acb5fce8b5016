"""Webhooks by the Standard Webhooks specification: signed, without redirects, and with little patience."""

import asyncio
import ssl
from base64 import b64encode
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import httpcore2
from standardwebhooks import Webhook

from chassis.telemetry import current_traceparent
from services.notification.adapters.public_network import AddressNotAllowed, PublicNetwork
from services.notification.domain.endpoint import url_fault
from services.notification.domain.message import Told, webhook_body
from services.notification.domain.outcome import Outcome, outcome_of_status
from services.notification.domain.schedule import retry_after_in

LARGEST_ANSWER = 16 * 1024
"""What a receiver says is read only to keep the connection in step; more than this, and the connection is closed."""

_KEEP_ALIVE_SECONDS = 5.0


class WebhookOutlet:
    def __init__(
        self,
        *,
        allow_loopback: bool = False,
        timeout_seconds: float = 10,
        network: httpcore2.AsyncNetworkBackend | None = None,
        trust: ssl.SSLContext | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._allow_loopback, self._timeout_seconds, self._clock = allow_loopback, timeout_seconds, clock
        # Not a client: the pool follows no redirects, keeps no cookies, and knows no proxies of the environment.
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=trust,
            max_connections=None,
            keepalive_expiry=_KEEP_ALIVE_SECONDS,
            network_backend=network or PublicNetwork(allow_loopback=allow_loopback),
        )

    async def send(self, address: str, told: Told, secrets: Sequence[bytes]) -> Outcome:
        if url_fault(address, allow_loopback=self._allow_loopback):
            return Outcome("ADDRESS_NOT_ALLOWED")
        body = webhook_body(told)
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await self._post(address, self._headers(told.message_id, body, secrets), body)
        except AddressNotAllowed:
            return Outcome("ADDRESS_NOT_ALLOWED")
        except (TimeoutError, httpcore2.TimeoutException):
            return Outcome("TIMEOUT")
        except (httpcore2.NetworkError, OSError):
            return Outcome("UNREACHABLE")
        except (httpcore2.ProtocolError, httpcore2.UnsupportedProtocol, ValueError):
            return Outcome("PROTOCOL")

    def _headers(self, message_id: str, body: bytes, secrets: Sequence[bytes]) -> dict[bytes | str, bytes | str]:
        now, traceparent = self._clock(), current_traceparent()
        # Who verifies takes any one of them: a secret is rotated while nothing stops.
        signatures = [Webhook(b64encode(secret).decode()).sign(message_id, now, body.decode()) for secret in secrets]
        return {
            "content-type": "application/json",
            "user-agent": "careplan-webhooks/1",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(signatures),
            **({"traceparent": traceparent} if traceparent else {}),
        }

    async def _post(self, url: str, headers: dict[bytes | str, bytes | str], body: bytes) -> Outcome:
        async with self._pool.stream("POST", url, headers=headers, content=body) as response:
            header = next((v for k, v in response.headers if k.lower() == b"retry-after"), b"")
            retry_after = retry_after_in(header.decode("latin-1"), self._clock())
            size = 0
            async for chunk in response.aiter_stream():
                size += len(chunk)
                if size > LARGEST_ANSWER:
                    break
            return outcome_of_status(response.status, retry_after)

    async def close(self) -> None:
        """Lets go of idle connections; the next try opens one again."""
        await self._pool.aclose()
