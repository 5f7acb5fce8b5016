"""Every error that leaves the product has one form, and every class here says what happens next.

    ApplicationError               has a status and a body; the one handler in `chassis.web` renders it
    ├── Rejected                   the caller must change something: never retried
    │   ├── InvalidInput           400  everything that is wrong with the form, at once
    │   ├── Blocked                409  a business rule forbids it
    │   ├── NeedsConfirmation      409  possibly wrong: read the warnings, then confirm
    │   ├── Unauthenticated 401, Forbidden 403, NotFound 404, WrongState 409, TooLarge 413,
    │   └── UnsupportedMediaType 415, IdempotencyKeyReused 422, RateLimited 429
    └── Unavailable                503  ours to mend: the caller tries again after `Retry-After`

Anything else that is raised is a defect: 500 to the caller, a dead letter for an event.
Messages never carry a stack trace, SQL, a path, a secret, or a patient's data the caller did not just send.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

ErrorType = Literal["validation", "block", "warning", "error"]


class ApplicationError(Exception):
    """Base of all: the class gives status, type and code, the instance message, detail and headers."""

    status: ClassVar[int] = 500
    type: ClassVar[ErrorType] = "error"
    code: str = "INTERNAL"

    def __init__(
        self, message: str, detail: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.detail = dict(detail or {})
        self.headers = dict(headers or {})


class Rejected(ApplicationError):
    """The caller must change something; trying the same again gives the same answer."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with an input: `field` is named as the caller sent it."""

    field: str
    code: str
    message: str


class InvalidInput(Rejected):
    status, type, code = 400, "validation", "VALIDATION"

    def __init__(self, faults: Sequence[Fault]) -> None:
        count = "1 field" if len(faults) == 1 else f"{len(faults)} fields"
        super().__init__(
            f"The input is not valid: {count} to correct.", {"errors": [asdict(fault) for fault in faults]}
        )


class Blocked(Rejected):
    """`code` is the first block in the order of the rules."""

    status, type = 409, "block"

    def __init__(self, code: str, message: str, detail: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        super().__init__(message, detail, headers)
        self.code = code


class NeedsConfirmation(Rejected):
    status, type = 409, "warning"

    def __init__(self, code: str, message: str, detail: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        super().__init__(message, detail, headers)
        self.code = code


class Unauthenticated(Rejected):
    status, code = 401, "UNAUTHENTICATED"

    def __init__(self, message: str = "Sign in, or send a bearer token.") -> None:
        super().__init__(message, headers={"WWW-Authenticate": "Bearer"})


class Forbidden(Rejected):
    status, code = 403, "FORBIDDEN"


class NotFound(Rejected):
    status, code = 404, "NOT_FOUND"

    def __init__(self, message: str = "There is nothing here, or it is not yours to see.") -> None:
        super().__init__(message)


class MethodNotAllowed(Rejected):
    status, code = 405, "METHOD_NOT_ALLOWED"


class WrongState(Rejected):
    status, code = 409, "WRONG_STATE"


class TooLarge(Rejected):
    status, code = 413, "TOO_LARGE"

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"The body is larger than {limit_bytes:,} bytes.", {"limit_bytes": limit_bytes})


class UnsupportedMediaType(Rejected):
    status, code = 415, "UNSUPPORTED_MEDIA_TYPE"


class IdempotencyKeyReused(Rejected):
    status, code = 422, "IDEMPOTENCY_KEY_REUSED"

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used before with another body.")


class RateLimited(Rejected):
    status, code = 429, "RATE_LIMITED"

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(
            "Too many requests: wait before the next one.", headers={"Retry-After": str(retry_after_seconds)}
        )


class Unavailable(ApplicationError):
    status, code = 503, "UNAVAILABLE"

    def __init__(
        self, message: str = "A part of the system is away. Try again: the same Idempotency-Key does nothing twice."
    ) -> None:
        super().__init__(message, headers={"Retry-After": "2"})
