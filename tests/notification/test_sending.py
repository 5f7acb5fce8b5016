"""From a fact to the receiver: once each event and subscription, tried until it arrives, and nobody waits for another."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from standardwebhooks import WebhookVerificationError

from schemas.intake import OrderReceived
from services.notification import storage
from services.notification.domain.outcome import Outcome
from services.notification.domain.subscription import SubscriptionChange
from tests.support import facts
from tests.support.chassis import until
from tests.support.notification import ADMIN, Desk, completed, desk, failed, partner
from tests.support.receivers import Answer, receiver

pytestmark = pytest.mark.anyio


@pytest.fixture
async def here(database_url: str) -> AsyncIterator[Desk]:
    async with desk(database_url) as made:
        yield made


# ── what is told, to whom ──────────────────────────────────────────────────────────────────────────────────────────


async def test_the_library_of_standard_webhooks_verifies_what_arrives_and_refuses_another_secret(here: Desk) -> None:
    async with receiver() as partner_side, here.sending():
        made = await here.subscribe(partner(), url=partner_side.url)
        other = await here.subscribe(partner(), url=partner_side.url, statuses=["rejected"])
        order_id = await here.fails()
        (post,) = await partner_side.until(1)
        assert post.verified(made["secret"])["data"]["order_id"] == str(order_id)
        assert post.headers["content-type"] == "application/json"
        with pytest.raises(WebhookVerificationError):
            post.verified(other["secret"])


async def test_a_subscriber_hears_of_its_source_and_its_statuses_only(here: Desk) -> None:
    await here.subscribe(partner("clinic"), url="http://localhost:9/a")
    await here.subscribe(partner("pharmacorp"), url="http://localhost:9/b")
    everyones = await here.subscribe(ADMIN, url="http://localhost:9/c", statuses=["failed"])
    order_id = await here.fails("pharmacorp")
    await here.happens(completed(order_id))
    told = [(d["subscription_id"] == everyones["id"], d["status"]) for d in await here.listed()]
    assert sorted(told) == [(False, "completed"), (False, "failed"), (True, "failed")]


async def test_an_event_that_comes_five_times_is_told_once_to_each_subscriber(here: Desk) -> None:
    """P3."""
    async with receiver() as one, receiver() as two, here.sending():
        for side in (one, two):
            await here.subscribe(partner(), url=side.url)
        order_id = await here.received()
        events = await here.happens(failed(order_id))
        for _ in range(4):
            await here.noting.note(events)
        await here.until("delivered", 2)
        await asyncio.sleep(0.1)
        assert (len(one.received), len(two.received)) == (1, 1)


async def test_what_happens_before_the_order_is_known_is_told_when_it_is(here: Desk) -> None:
    """Topics have no order between them."""
    await here.subscribe(partner(), url="http://localhost:9/")
    order = OrderReceived(
        order_id=facts.an_id(1), source="clinic", external_id="X", submitted_at=facts.START, order=facts.order()
    )
    await here.happens(failed(order.order_id))
    assert await here.listed() == []
    await here.happens(order)
    assert [d["status"] for d in await here.listed()] == ["failed"]


async def test_an_order_and_what_happens_to_it_read_at_the_same_moment_meet(here: Desk) -> None:
    await here.subscribe(partner(), url="http://localhost:9/")
    for number in range(1, 31):
        order = OrderReceived(
            order_id=facts.an_id(number), source="clinic", submitted_at=facts.START, order=facts.order()
        )
        await asyncio.gather(here.happens(order), here.happens(failed(order.order_id)))
    assert len(await here.listed()) == 30


async def test_who_subscribes_later_or_is_switched_off_is_not_told_of_the_past(here: Desk) -> None:
    off = await here.subscribe(partner(), url="http://localhost:9/")
    await here.subscriptions.change(ADMIN, _id(off), SubscriptionChange(enabled=False))
    order_id = await here.fails()
    await here.subscribe(partner(), url="http://localhost:9/")
    await here.subscriptions.change(ADMIN, _id(off), SubscriptionChange(enabled=True))
    await here.happens(OrderReceived(order_id=order_id, source="clinic", submitted_at=facts.START, order=facts.order()))
    assert await here.listed() == []
    await here.happens(failed(order_id, attempt=2))
    assert len(await here.listed()) == 2


# ── tried again ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_receiver_that_fails_is_tried_again_with_the_same_id_and_bytes_until_it_takes_it(here: Desk) -> None:
    async with receiver() as side, here.sending():
        made = await here.subscribe(partner(), url=side.url)
        side.answer = lambda _: Answer(500 if len(side.received) < 3 else 200)
        await here.fails()
        for tries in (1, 2):
            await side.until(tries)
            await here.tried(tries)
            await here.everything_is_due()
        (delivered,) = await here.until("delivered")
        assert (delivered["tries"], delivered["last_code"]) == (3, "DELIVERED")
        assert len({(post.id, post.body) for post in side.received}) == 1
        for post in side.received:
            post.verified(made["secret"])


async def test_the_pause_after_a_failure_is_the_schedules_and_a_retry_after_is_heeded(here: Desk) -> None:
    async with receiver() as side, here.sending():
        await here.subscribe(partner(), url=side.url)
        side.answer = lambda _: Answer(503, {"Retry-After": "900"} if len(side.received) == 2 else {})
        await here.fails()
        first = await here.tried(1)
        assert _pause(first) == pytest.approx(5, abs=1)
        await here.everything_is_due()
        second = await here.tried(2)
        assert _pause(second) == pytest.approx(900, abs=1)
        ((rests,),) = await here.sql("SELECT extract(epoch FROM rests_until - now())::float8 FROM subscriptions")
        assert 840 < rests <= 900


async def test_a_change_has_all_that_waits_for_an_endpoint_tried_at_once(here: Desk) -> None:
    """Who has mended it does not wait out the pauses of what failed, which grow to hours."""
    async with receiver() as side, here.sending():
        made = await here.subscribe(partner(), url=side.url)
        side.answer = lambda _: Answer(503, {"Retry-After": "900"})
        await here.fails()
        await here.tried(1)
        side.answer = lambda _: Answer(200)
        await here.subscriptions.change(ADMIN, _id(made), SubscriptionChange(enabled=True))
        await here.until("delivered")


async def test_after_three_days_it_is_given_up_and_can_be_sent_again_by_hand(here: Desk) -> None:
    async with receiver() as side, here.sending():
        await here.subscribe(partner(), url=side.url)
        side.answer = lambda _: Answer(500)
        await here.fails()
        await here.tried(1)
        await here.sql("UPDATE deliveries SET gives_up_at = gives_up_at - interval '3 days'")
        await here.everything_is_due()
        (over,) = await here.until("given_up")
        assert (over["tries"], over["next_try_at"]) == (2, None)
        side.answer = lambda _: Answer(200)
        assert (await here.deliveries.resend(partner(), None, _id(over))).status == 202
        await here.until("delivered")
        assert len({post.id for post in side.received}) == 1


async def test_a_redirect_is_a_failure_and_nobody_follows_it(here: Desk) -> None:
    async with receiver() as side, receiver() as elsewhere, here.sending():
        await here.subscribe(partner(), url=side.url)
        side.answer = lambda _: Answer(307, {"Location": elsewhere.url})
        await here.fails()
        tried = await here.tried(1)
        assert (tried["state"], tried["last_code"], tried["last_http_status"]) == ("waiting", "REDIRECT", 307)
        assert elsewhere.received == []


async def test_gone_disables_the_subscription_until_somebody_enables_it(here: Desk) -> None:
    async with receiver() as side, here.sending():
        made = await here.subscribe(partner(), url=side.url)
        side.answer = lambda _: Answer(410)
        await here.fails()
        (over,) = await here.until("given_up")
        assert over["last_code"] == "GONE"
        shown = await here.subscriptions.look(partner(), _id(made))
        assert (shown["enabled"], shown["disabled_reason"]) == (False, "GONE")
        await here.fails()
        assert len(await here.listed()) == 1
        assert (await here.deliveries.resend(partner(), None, _id(over))).status == 409

        side.answer = lambda _: Answer(200)
        await here.subscriptions.change(partner(), _id(made), SubscriptionChange(enabled=True))
        await here.fails()
        await here.until("delivered")


async def test_an_endless_answer_is_read_so_far_and_no_further(here: Desk) -> None:
    async with receiver() as side, here.sending():
        await here.subscribe(partner(), url=side.url)
        side.answer = lambda _: Answer(200, endless=True)
        await here.fails()
        (delivered,) = await here.until("delivered")
        assert delivered["tries"] == 1, "who reads on would time out"


async def test_an_endpoint_nobody_listens_on_and_one_that_never_answers_are_told_apart(database_url: str) -> None:
    async with desk(database_url, timeout_seconds=0.5) as here, receiver() as silent, here.sending():
        silent.answer = lambda _: Answer(hangs=True)
        await here.subscribe(partner(), url=silent.url)
        await here.subscribe(partner(), url="http://127.0.0.1:9/")
        await here.fails()
        async with asyncio.timeout(60):
            while {d["last_code"] for d in await here.listed()} != {"TIMEOUT", "UNREACHABLE"}:
                await asyncio.sleep(0.02)


# ── nobody waits for another ───────────────────────────────────────────────────────────────────────────────────────


async def test_dead_endpoints_hold_up_nobody_elses_deliveries(database_url: str) -> None:
    async with (
        desk(database_url, timeout_seconds=55) as here,
        receiver() as dead,
        receiver() as alive,
        here.sending(endpoints_at_once=8),
    ):
        dead.answer = lambda _: Answer(hangs=True)
        for _ in range(5):
            await here.subscribe(partner("pharmacorp"), url=dead.url)
        await here.subscribe(partner("clinic"), url=alive.url)
        for _ in range(10):
            await here.fails("pharmacorp")
        await dead.until(5)
        started = time.monotonic()
        for _ in range(20):
            await here.fails("clinic")
        await alive.until(20)
        assert time.monotonic() - started < 45, "before the dead ones' time was up"
        assert len(dead.received) == 5, "one try each, however much waits there"


async def test_an_endpoint_gets_one_delivery_at_a_time_from_all_replicas_together(here: Desk) -> None:
    async with receiver() as side:
        await here.subscribe(partner(), url=side.url)
        for _ in range(30):
            await here.fails()
        async with here.sending(senders=3, most_in_a_row=4):
            await here.until("delivered", 30)
        assert side.most_at_once == 1
        assert len({post.id for post in side.received}) == len(side.received) == 30


async def test_an_endpoint_that_comes_back_after_a_rest_gets_all_that_waited(here: Desk) -> None:
    async with receiver() as side, here.sending():
        side.answer = lambda _: Answer(503, {"Retry-After": "3600"})
        await here.subscribe(partner(), url=side.url)
        for _ in range(10):
            await here.fails()
        await until(lambda: here.sql("SELECT FROM subscriptions WHERE rests_until > now()"))
        await asyncio.sleep(0.2)
        assert len(side.received) == 1, "it asked for an hour"
        side.answer = lambda _: Answer(200)
        await here.everything_is_due()
        await here.until("delivered", 10)


async def test_a_sender_that_was_paused_past_its_lease_cannot_overwrite_its_successor(here: Desk) -> None:
    """P11."""
    go_on = asyncio.Event()
    async with receiver() as side:
        await here.subscribe(partner(), url=side.url)
        await here.fails()
        paused = here.sender()
        settle = paused._settle

        async def late(taken: storage.Try, outcome: Outcome) -> bool:
            await go_on.wait()
            return await settle(taken, outcome)

        paused._settle = late  # type: ignore[method-assign]
        side.answer = lambda _: Answer(500 if len(side.received) == 1 else 200)
        (lane,) = await paused._lease(1)
        task = asyncio.create_task(paused.serve(lane))
        await side.until(1)
        await here.sql("UPDATE subscriptions SET leased_until = now()")
        async with here.sending():
            await here.until("delivered")
        go_on.set()
        await task
        (after,) = await here.listed()
        assert (after["state"], after["last_code"]) == ("delivered", "DELIVERED")
        ((failures,),) = await here.sql("SELECT failures_in_row FROM subscriptions")
        assert failures == 0


async def test_a_sender_that_dies_in_the_middle_leaves_a_delivery_that_another_sends_under_the_same_id(
    here: Desk,
) -> None:
    async with receiver() as side:
        await here.subscribe(partner(), url=side.url)
        await here.fails()
        dying = here.sender()
        (lane,) = await dying._lease(1)
        async with here.database.transaction() as tx:
            taken = await storage.take_next(tx, lane, dying.lease)
        assert taken is not None
        await dying._send(taken)
        await here.sql("UPDATE subscriptions SET leased_until = now()")  # it ran out
        async with here.sending():
            (delivered,) = await here.until("delivered")
        assert delivered["tries"] == 2
        assert [post.id for post in side.received] == [taken.told.message_id] * 2


# ── keeping house ──────────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_is_overdue_is_given_up_and_what_is_long_over_is_forgotten(here: Desk) -> None:
    off = await here.subscribe(partner(), url="http://localhost:9/")
    await here.fails()
    await here.subscriptions.change(ADMIN, _id(off), SubscriptionChange(enabled=False))
    await here.sql("UPDATE deliveries SET gives_up_at = now() - interval '2 hours'")
    await here.sender().tidy(timedelta(days=90))
    assert [d["state"] for d in await here.listed()] == ["given_up"]
    await here.sql("UPDATE deliveries SET created_at = now() - interval '91 days'")
    await here.sql("UPDATE happenings SET noted_at = now() - interval '91 days'")
    await here.sender().tidy(timedelta(days=90))
    assert await here.sql("SELECT FROM deliveries") == []
    assert await here.sql("SELECT FROM happenings") == []


def _id(shown: dict[str, object]) -> UUID:
    return UUID(str(shown["id"]))


def _pause(shown: dict[str, object]) -> float:
    tried, due = (datetime.fromisoformat(str(shown[name])) for name in ("last_tried_at", "next_try_at"))
    return (due - tried).total_seconds()
