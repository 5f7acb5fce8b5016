"""How one try ended, in codes: what the other side said stays outside."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

Code = Literal[
    "DELIVERED",
    "HTTP_STATUS",
    "REDIRECT",
    "GONE",
    "TIMEOUT",
    "UNREACHABLE",
    "ADDRESS_NOT_ALLOWED",
    "PROTOCOL",
    "MAIL_REFUSED",
    "NO_MAIL_SERVER",
    "SECRET_UNREADABLE",
]


@dataclass(frozen=True, slots=True)
class Outcome:
    code: Code
    http_status: int | None = None
    retry_after: timedelta | None = None

    @property
    def delivered(self) -> bool:
        return self.code == "DELIVERED"

    @property
    def gone(self) -> bool:
        """410: the receiver wants no more of it."""
        return self.code == "GONE"


def outcome_of_status(status: int, retry_after: timedelta | None = None) -> Outcome:
    """2xx is delivered. Redirects are not followed: where they lead, nobody has subscribed."""
    if 200 <= status < 300:
        return Outcome("DELIVERED", status)
    if status == 410:
        return Outcome("GONE", status)
    return Outcome("REDIRECT" if 300 <= status < 400 else "HTTP_STATUS", status, retry_after)
