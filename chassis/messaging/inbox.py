"""The memory of what was handled: one row an event, committed together with the event's effect."""

from collections.abc import Sequence
from typing import Any

from schemas.event import Event

INBOX_TABLE = """
CREATE TABLE inbox (
    event_id    uuid        PRIMARY KEY,
    received_at timestamptz NOT NULL DEFAULT now()
)
"""

# Sorted, so that two members that handle the same events after a rebalance wait for each other instead of deadlocking.
_REMEMBER = """
INSERT INTO inbox (event_id) SELECT id FROM unnest($1::uuid[]) AS id ORDER BY id
ON CONFLICT DO NOTHING RETURNING event_id
"""

# What still arrives is remembered on: the cleanup goes by when an event was last seen.
_SEND_AGAIN_WHAT_THEY_CAUSED = """
WITH seen AS (
    UPDATE inbox SET received_at = now() WHERE event_id = ANY($1::uuid[]) AND received_at < now() - interval '1 day'
)
UPDATE outbox SET sent_at = NULL WHERE cause = ANY($1::uuid[]) AND sent_at IS NOT NULL
"""


async def remember_new(connection: Any, events: Sequence[Event]) -> list[Event]:
    """Those of `events` seen for the first time, in their order."""
    if not events:
        return []
    unique = {event.id: event for event in events}
    new = {row["event_id"] for row in await connection.fetch(_REMEMBER, list(unique))}
    repeated = [event_id for event_id in unique if event_id not in new]
    if repeated:
        await connection.execute(_SEND_AGAIN_WHAT_THEY_CAUSED, repeated)
    return [event for event in unique.values() if event.id in new]
