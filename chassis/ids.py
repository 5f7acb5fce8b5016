"""UUIDv7: made by whoever creates the thing; sorts by time, which keeps every index append-only."""

import re
from datetime import UTC, datetime
from uuid import UUID

from uuid_utils.compat import uuid7

_WRITTEN = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)


def new_id() -> UUID:
    return uuid7()


def id_in(text: str) -> UUID | None:
    """The id that a path names, in either case; None where it is not written as one (`UUID()` takes far more)."""
    return UUID(text) if _WRITTEN.fullmatch(text) else None


def made_at(id: UUID) -> datetime:
    """When a UUIDv7 was made, by the clock of who made it; anything for other ids."""
    return datetime.fromtimestamp((id.int >> 80) / 1000 % 32_503_680_000, UTC)


def first_id_of(moment: datetime) -> UUID:
    """No id made at `moment` or later is smaller."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)
