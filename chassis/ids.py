"""UUIDv7: made by whoever creates the thing; sorts by time, which keeps every index append-only."""

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    return uuid7()
