"""Notification in PostgreSQL: what happened, who is told, and each delivery with its tries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from chassis.database import Transaction
from chassis.ids import new_id
from services.notification.domain.happening import Happening, Status
from services.notification.domain.message import Told
from services.notification.domain.outcome import Outcome
from services.notification.domain.schedule import TRIED_FOR
from services.notification.domain.subscription import Kind

# ── what happened ──────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class KnownOrder:
    """`source` None: something happened to it, and we have not read yet that it came in."""

    order_id: UUID
    source: str | None = None
    external_id: str | None = None


# Both who learns an order and who notes what happened to it take its row, in the order of ids: of two that come at the
# same moment on different topics, the later one sees what the earlier one wrote, and none deadlock.
_MERGE_ORDERS = """
INSERT INTO orders AS o (order_id, source, external_id)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[]) AS t (order_id) ORDER BY order_id
ON CONFLICT (order_id) DO UPDATE SET source = coalesce(o.source, excluded.source),
                                     external_id = coalesce(o.external_id, excluded.external_id)
"""
_NOTE = """
INSERT INTO happenings (event_id, order_id, status, codes, happened_at, trace)
SELECT event_id, order_id, status, string_to_array(codes, ','), happened_at, trace
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::timestamptz[], $6::text[])
    AS t (event_id, order_id, status, codes, happened_at, trace)
ON CONFLICT DO NOTHING
"""
# Who subscribed after something happened is not told of it. The lock keeps a subscription from being deleted meanwhile.
_TO_BE_TOLD = """
WITH ripe AS (
    UPDATE happenings AS h SET told = true FROM orders AS o
    WHERE h.order_id = ANY($1::uuid[]) AND NOT h.told AND o.order_id = h.order_id AND o.source IS NOT NULL
    RETURNING h.event_id, h.status, h.noted_at, o.source
)
SELECT r.event_id, s.subscription_id FROM ripe AS r JOIN subscriptions AS s
    ON s.enabled AND r.status = ANY(s.statuses) AND s.created_at <= r.noted_at
       AND (s.source IS NULL OR s.source = r.source)
ORDER BY r.event_id, s.subscription_id FOR KEY SHARE OF s
"""
_ADD_DELIVERIES = """
INSERT INTO deliveries (delivery_id, event_id, subscription_id, gives_up_at)
SELECT delivery_id, event_id, subscription_id, now() + $4::interval
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS t (delivery_id, event_id, subscription_id) ON CONFLICT DO NOTHING
"""


async def merge_orders(tx: Transaction, orders: Sequence[KnownOrder]) -> None:
    """Those of a poll, each once."""
    merged: dict[UUID, KnownOrder] = {}
    for order in orders:
        if order.source is not None or order.order_id not in merged:
            merged[order.order_id] = order
    rows = list(merged.values())
    await tx.execute(_MERGE_ORDERS, [o.order_id for o in rows], [o.source for o in rows], [o.external_id for o in rows])


async def note(tx: Transaction, happenings: Sequence[Happening]) -> None:
    await tx.execute(
        _NOTE,
        [h.event_id for h in happenings],
        [h.order_id for h in happenings],
        [h.status for h in happenings],
        [",".join(h.codes) for h in happenings],
        [h.at for h in happenings],
        [h.trace for h in happenings],
    )


async def add_deliveries(tx: Transaction, order_ids: Sequence[UUID]) -> int:
    """One for each subscriber of what happened to these orders and is not told yet."""
    rows = await tx.fetch(_TO_BE_TOLD, list(order_ids))
    if not rows:
        return 0
    new = [new_id() for _ in rows]
    return await tx.execute(
        _ADD_DELIVERIES, new, [row["event_id"] for row in rows], [row["subscription_id"] for row in rows], TRIED_FOR
    )


# ── subscriptions ──────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class SealedSecret:
    key_id: str
    sealed: bytes


_SHOWN = """
SELECT subscription_id, kind, address, source, statuses, enabled, disabled_reason, created_at, created_by,
       failures_in_row, key_id, sealed_secret FROM subscriptions
"""
_ADD_SUBSCRIPTION = """
INSERT INTO subscriptions (subscription_id, kind, address, source, statuses, created_by, key_id, sealed_secret)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
_CHANGE_SUBSCRIPTION = """
UPDATE subscriptions SET address = coalesce($2, address), statuses = coalesce($3, statuses),
    enabled = coalesce($4, enabled), disabled_reason = CASE coalesce($4, enabled) WHEN true THEN NULL
        ELSE coalesce(disabled_reason, 'BY_HAND') END,
    rests_until = now(), failures_in_row = 0
WHERE subscription_id = $1
"""
# Whatever is changed, the endpoint is tried at once, and with all that waits for it: it may have been mended.
_ALL_ARE_DUE = "UPDATE deliveries SET due_at = now() WHERE subscription_id = $1 AND state = 'waiting'"


# An even earlier secret is dropped: who rotates again has lost the last one too.
_ROTATE = """
UPDATE subscriptions SET previous_key_id = key_id, previous_sealed_secret = sealed_secret,
    previous_until = now() + $4::interval, key_id = $2, sealed_secret = $3
WHERE subscription_id = $1
"""


async def add_subscription(
    tx: Transaction,
    subscription_id: UUID,
    kind: Kind,
    address: str,
    source: str | None,
    statuses: Sequence[Status],
    by: str,
    secret: SealedSecret | None,
) -> None:
    key_id, sealed = (secret.key_id, secret.sealed) if secret else (None, None)
    await tx.execute(_ADD_SUBSCRIPTION, subscription_id, kind, address, source, list(statuses), by, key_id, sealed)


async def subscriptions(tx: Transaction, source: str | None) -> list[Any]:
    """Of one source, or all."""
    return await tx.fetch(_SHOWN + "WHERE $1::text IS NULL OR source = $1 ORDER BY subscription_id", source)


async def subscription(tx: Transaction, subscription_id: UUID, *, lock: bool = False) -> Any:
    return await tx.fetchrow(
        _SHOWN + f"WHERE subscription_id = $1 {'FOR NO KEY UPDATE' if lock else ''}", subscription_id
    )


async def change_subscription(
    tx: Transaction,
    subscription_id: UUID,
    *,
    address: str | None,
    statuses: Sequence[Status] | None,
    enabled: bool | None,
) -> None:
    """None leaves a thing as it is."""
    wanted = list(statuses) if statuses else None
    await tx.execute(_CHANGE_SUBSCRIPTION, subscription_id, address, wanted, enabled)
    await tx.execute(_ALL_ARE_DUE, subscription_id)


async def rotate_secret(tx: Transaction, subscription_id: UUID, secret: SealedSecret, overlap: timedelta) -> None:
    await tx.execute(_ROTATE, subscription_id, secret.key_id, secret.sealed, overlap)


async def delete_subscription(tx: Transaction, subscription_id: UUID) -> None:
    await tx.execute("DELETE FROM subscriptions WHERE subscription_id = $1", subscription_id)


# ── sending ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Lane:
    """An endpoint under lease: whoever holds it is the only one that sends there."""

    subscription_id: UUID
    generation: int


@dataclass(frozen=True, slots=True)
class Try:
    """One try of one delivery. `tries` counts this one too."""

    lane: Lane
    kind: Kind
    address: str
    secrets: tuple[SealedSecret, ...]
    """The newest first; more than one for a while after a rotation."""
    failures_in_row: int
    told: Told
    generation: int
    tries: int
    gives_up_at: datetime


# Who was served longest ago comes first. A lease is `leased_until` in the future; a sender that dies lets it run out.
_LEASE = """
UPDATE subscriptions SET leased_until = now() + $2::interval, generation = generation + 1
WHERE subscription_id IN (
    SELECT s.subscription_id FROM subscriptions AS s
    WHERE s.enabled AND s.leased_until <= now() AND s.rests_until <= now() AND EXISTS (
        SELECT FROM deliveries AS d
        WHERE d.subscription_id = s.subscription_id AND d.state = 'waiting' AND d.due_at <= now())
    ORDER BY s.leased_until LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED)
RETURNING subscription_id, generation
"""
_EXTEND = """
UPDATE subscriptions SET leased_until = now() + $3::interval
WHERE subscription_id = $1 AND generation = $2 AND enabled AND rests_until <= now()
RETURNING kind, address, key_id, sealed_secret, failures_in_row, previous_key_id,
    CASE WHEN previous_until > now() THEN previous_sealed_secret END AS previous_sealed_secret
"""
# The try is counted before the call: one that a crash cuts off was one.
_TAKE = """
WITH taken AS (
    UPDATE deliveries SET tries = tries + 1, generation = generation + 1, last_tried_at = now()
    WHERE delivery_id = (
        SELECT delivery_id FROM deliveries
        WHERE subscription_id = $1 AND state = 'waiting' AND due_at <= now()
        ORDER BY due_at, delivery_id LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING delivery_id, event_id, generation, tries, gives_up_at
)
SELECT t.*, h.order_id, h.status, h.codes, h.happened_at, h.trace, o.source, o.external_id
FROM taken AS t JOIN happenings AS h USING (event_id) JOIN orders AS o USING (order_id)
"""
_RELEASE = "UPDATE subscriptions SET leased_until = now() WHERE subscription_id = $1 AND generation = $2"
_ENDPOINT_ANSWERS = """
UPDATE subscriptions SET failures_in_row = 0 WHERE subscription_id = $1 AND generation = $2
"""
_ENDPOINT_FAILS = """
UPDATE subscriptions SET failures_in_row = failures_in_row + 1, rests_until = now() + $3::interval
WHERE subscription_id = $1 AND generation = $2
"""
_ENDPOINT_IS_GONE = """
UPDATE subscriptions SET enabled = false, disabled_reason = 'GONE' WHERE subscription_id = $1 AND generation = $2
"""
_SETTLE = """
UPDATE deliveries SET state = $3, due_at = coalesce($4, due_at), last_code = $5, last_http_status = $6,
    delivered_at = CASE $3 WHEN 'delivered' THEN now() ELSE delivered_at END
WHERE delivery_id = $1 AND generation = $2
"""
_SECONDS_TO_NEXT = """
SELECT extract(epoch FROM min(greatest(s.leased_until, s.rests_until, d.due_at)) - now())::float8
FROM subscriptions AS s CROSS JOIN LATERAL (
    SELECT due_at FROM deliveries WHERE subscription_id = s.subscription_id AND state = 'waiting'
    ORDER BY due_at LIMIT 1) AS d
WHERE s.enabled
"""


# Since it was written: an endpoint that rests, or is down, shows here.
_OLDEST_WAITING = """
SELECT extract(epoch FROM now() - min(d.created_at))::float8
FROM deliveries AS d JOIN subscriptions AS s USING (subscription_id) WHERE d.state = 'waiting' AND s.enabled
"""


async def oldest_waiting_seconds(tx: Transaction) -> float:
    return await tx.fetchval(_OLDEST_WAITING) or 0.0


async def lease_lanes(tx: Transaction, limit: int, lease: timedelta) -> list[Lane]:
    return [Lane(*row) for row in await tx.fetch(_LEASE, limit, lease)]


async def take_next(tx: Transaction, lane: Lane, lease: timedelta) -> Try | None:
    """The endpoint's next due delivery, and the lease anew. None: nothing is due, or the endpoint is ours no more."""
    endpoint = await tx.fetchrow(_EXTEND, lane.subscription_id, lane.generation, lease)
    if endpoint is None:
        return None
    row = await tx.fetchrow(_TAKE, lane.subscription_id)
    if row is None:
        return None
    happening = Happening(
        row["event_id"], row["order_id"], row["status"], tuple(row["codes"]), row["happened_at"], row["trace"]
    )
    return Try(
        lane=lane,
        kind=endpoint["kind"],
        address=endpoint["address"],
        secrets=_secrets_in(endpoint),
        failures_in_row=endpoint["failures_in_row"],
        told=Told(row["delivery_id"], happening, row["source"], row["external_id"]),
        generation=row["generation"],
        tries=row["tries"],
        gives_up_at=row["gives_up_at"],
    )


def _secrets_in(endpoint: Any) -> tuple[SealedSecret, ...]:
    each = (SealedSecret(endpoint[f"{age}key_id"], endpoint[f"{age}sealed_secret"]) for age in ("", "previous_"))
    return tuple(secret for secret in each if secret.sealed is not None)


async def settle(tx: Transaction, tried: Try, outcome: Outcome, again_at: datetime | None, rests: timedelta) -> bool:
    """Writes how a try ended; False, and nothing written, where the endpoint is another sender's by now.

    A delivery that somebody asked for again during the try stays as they left it.
    """
    lane = (tried.lane.subscription_id, tried.lane.generation)
    if outcome.delivered:
        mine = await tx.execute(_ENDPOINT_ANSWERS, *lane)
    elif outcome.gone:
        mine = await tx.execute(_ENDPOINT_IS_GONE, *lane)
    else:
        mine = await tx.execute(_ENDPOINT_FAILS, *lane, rests)
    if not mine:
        return False
    state = "delivered" if outcome.delivered else "waiting" if again_at else "given_up"
    delivery = (tried.told.delivery_id, tried.generation)
    await tx.execute(_SETTLE, *delivery, state, again_at, outcome.code, outcome.http_status)
    return True


async def release(tx: Transaction, lane: Lane) -> None:
    await tx.execute(_RELEASE, lane.subscription_id, lane.generation)


async def seconds_to_next(tx: Transaction) -> float | None:
    seconds: float | None = await tx.fetchval(_SECONDS_TO_NEXT)
    return seconds


# ── deliveries ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    source: str | None = None
    subscription_id: UUID | None = None
    order_id: UUID | None = None
    state: str | None = None
    before: UUID | None = None


_DELIVERIES = """
SELECT d.delivery_id, d.subscription_id, s.kind, s.address, h.order_id, h.status, h.codes, d.state, d.tries, d.last_code,
       d.last_http_status, d.last_tried_at, d.due_at, d.gives_up_at, d.delivered_at, d.created_at, s.source
FROM deliveries AS d JOIN subscriptions AS s USING (subscription_id) JOIN happenings AS h USING (event_id)
"""
_PAGE = (
    _DELIVERIES
    + """
WHERE ($1::text IS NULL OR s.source = $1) AND ($2::uuid IS NULL OR d.subscription_id = $2)
  AND ($3::uuid IS NULL OR h.order_id = $3) AND ($4::text IS NULL OR d.state = $4)
  AND ($5::uuid IS NULL OR d.delivery_id < $5)
ORDER BY d.delivery_id DESC LIMIT $6
"""
)
# The generation moves on, so that a try in flight cannot undo what was asked for.
_SEND_AGAIN = """
UPDATE deliveries SET state = 'waiting', due_at = now(), gives_up_at = now() + $2::interval, tries = 0,
    generation = generation + 1, delivered_at = NULL
WHERE delivery_id = $1
"""
_WAKE_ENDPOINT = "UPDATE subscriptions SET rests_until = now() WHERE subscription_id = $1"


async def deliveries(tx: Transaction, wanted: DeliveryFilter, limit: int) -> list[Any]:
    """Newest first."""
    w = wanted
    return await tx.fetch(_PAGE, w.source, w.subscription_id, w.order_id, w.state, w.before, limit)


async def delivery(tx: Transaction, delivery_id: UUID) -> Any:
    return await tx.fetchrow(_DELIVERIES + "WHERE d.delivery_id = $1", delivery_id)


async def send_again(tx: Transaction, delivery_id: UUID, subscription_id: UUID) -> None:
    await tx.execute(_WAKE_ENDPOINT, subscription_id)
    await tx.execute(_SEND_AGAIN, delivery_id, TRIED_FOR)


# ── cleaning up ────────────────────────────────────────────────────────────────────────────────────────────────────

# An hour later: the last try of each comes at the end of its days, and is not to be forestalled.
_GIVE_UP_OVERDUE = """
UPDATE deliveries SET state = 'given_up' WHERE state = 'waiting' AND gives_up_at < now() - interval '1 hour'
"""
_FORGET_DELIVERIES = """
DELETE FROM deliveries WHERE delivery_id IN (
    SELECT delivery_id FROM deliveries WHERE state <> 'waiting' AND created_at < now() - $1::interval LIMIT $2)
"""
_FORGET_HAPPENINGS = """
DELETE FROM happenings WHERE event_id IN (
    SELECT event_id FROM happenings AS h WHERE told AND noted_at < now() - $1::interval
        AND NOT EXISTS (SELECT FROM deliveries AS d WHERE d.event_id = h.event_id) LIMIT $2)
"""


async def give_up_overdue(tx: Transaction) -> int:
    return await tx.execute(_GIVE_UP_OVERDUE)


async def forget(tx: Transaction, kept_for: timedelta, limit: int) -> int:
    """How many rows went, `limit` of a kind at most."""
    return await tx.execute(_FORGET_DELIVERIES, kept_for, limit) + await tx.execute(_FORGET_HAPPENINGS, kept_for, limit)
