"""Who may subscribe what, and what becomes of the secret."""

import json
from base64 import b64decode
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError
from standardwebhooks import WebhookVerificationError

from chassis.errors import InvalidInput, NotFound
from chassis.idempotency import Memo
from chassis.security import Caller
from chassis.strict_form import read_form
from services.notification.adapters.mail import MailOutlet
from services.notification.domain.subscription import SubscriptionChange, SubscriptionForm
from services.notification.settings import NotificationSettings
from services.notification.storage import DeliveryFilter
from tests.support.notification import ADMIN, Desk, desk, partner
from tests.support.receivers import receiver
from tests.support.stack import environments

pytestmark = pytest.mark.anyio
URL = "http://localhost:9/hook"


@pytest.fixture
async def here(database_url: str) -> AsyncIterator[Desk]:
    async with desk(database_url) as made:
        yield made


async def test_the_secret_is_shown_once_and_lies_in_the_database_sealed(here: Desk) -> None:
    made = await here.subscribe(partner(), url=URL)
    assert made["secret"].startswith("whsec_")
    secret = b64decode(made["secret"].removeprefix("whsec_"))
    assert len(secret) == 32
    assert "secret" not in await here.subscriptions.look(partner(), UUID(made["id"]))
    assert all("secret" not in shown for shown in await here.subscriptions.listed(ADMIN))
    assert await _found_nowhere(here, secret, made["secret"])


async def test_a_repeat_with_the_same_key_gets_the_same_secret_and_no_second_subscription(here: Desk) -> None:
    """P6; and what is remembered for the repeat does not hold the secret."""
    memo = Memo("partner:clinic", "/api/notifications/subscriptions", "key", b"fingerprint")
    form = SubscriptionForm(url=URL)
    first, second = [await here.subscriptions.subscribe(partner(), memo, form) for _ in range(2)]
    assert (first.status, first.body, first.headers) == (second.status, second.body, second.headers)
    assert len(await here.subscriptions.listed(partner())) == 1
    secret = json.loads(first.body)["secret"]
    assert await _found_nowhere(here, b64decode(secret.removeprefix("whsec_")), secret)


async def test_for_a_day_after_a_rotation_both_secrets_verify_and_then_the_new_one_alone(here: Desk) -> None:
    async with receiver() as partner_side, here.sending():
        made = await here.subscribe(partner(), url=partner_side.url)
        rotated = await _rotated(here, partner(), made["id"])
        assert rotated["secret"] not in (None, made["secret"])
        await here.fails()
        (during,) = await partner_side.until(1)
        assert during.verified(rotated["secret"]) == during.verified(made["secret"])

        (left,) = await here.sql("SELECT previous_until - now() AS left FROM subscriptions")
        assert timedelta(hours=23) < left["left"] <= timedelta(hours=24)
        await here.sql("UPDATE subscriptions SET previous_until = now()")
        await here.fails()
        _, after = await partner_side.until(2)
        assert after.verified(rotated["secret"])
        with pytest.raises(WebhookVerificationError):
            after.verified(made["secret"])


async def test_a_rotated_secret_is_shown_to_a_repeat_and_lies_in_the_database_sealed(here: Desk) -> None:
    made = await here.subscribe(partner(), url=URL)
    memo = Memo("partner:clinic", f"/api/notifications/subscriptions/{made['id']}/rotate-secret", "key", b"fingerprint")
    first, second = [await here.subscriptions.rotate_secret(partner(), memo, UUID(made["id"])) for _ in range(2)]
    assert (first.status, first.body) == (200, second.body)
    secret = json.loads(first.body)["secret"]
    assert await _found_nowhere(here, b64decode(secret.removeprefix("whsec_")), secret)


async def test_only_its_own_partner_or_an_admin_rotates_a_secret_and_a_mail_has_none(database_url: str) -> None:
    mail = MailOutlet("127.0.0.1", 9, "careplan@pharmacy.example", security="none")
    async with desk(database_url, mail=mail) as here:
        webhook = await here.subscribe(partner("clinic"), url=URL)
        answer = await here.subscriptions.rotate_secret(partner("pharmacorp"), None, UUID(webhook["id"]))
        assert answer.status == 404
        assert (await _rotated(here, ADMIN, webhook["id"]))["secret"] != webhook["secret"]
        mail_to = await here.subscribe(kind="email", email="on-call@pharmacy.example")
        assert (await here.subscriptions.rotate_secret(ADMIN, None, UUID(mail_to["id"]))).status == 409


async def _rotated(here: Desk, caller: Caller, subscription_id: str) -> dict[str, Any]:
    answer = await here.subscriptions.rotate_secret(caller, None, UUID(subscription_id))
    shown: dict[str, Any] = json.loads(answer.body)
    assert answer.status == 200, shown
    return shown


async def test_a_partner_subscribes_webhooks_to_its_own_source_only(here: Desk) -> None:
    assert (await here.subscribe(partner("clinic"), url=URL, source="clinic"))["source"] == "clinic"
    for form in (
        SubscriptionForm(url=URL, source="pharmacorp"),
        SubscriptionForm(kind="email", email="a@clinic.example"),
    ):
        assert (await here.subscriptions.subscribe(partner("clinic"), None, form)).status == 403
    assert [s["source"] for s in await here.subscriptions.listed(partner("clinic"))] == ["clinic"]
    assert await here.subscriptions.listed(partner("pharmacorp")) == []


async def test_a_webhook_is_told_everything_unless_it_says_otherwise(here: Desk) -> None:
    assert (await here.subscribe(url=URL))["statuses"] == ["completed", "failed", "needs_confirmation", "rejected"]
    chosen = await here.subscribe(url=URL, statuses=["failed", "failed"])
    assert chosen["statuses"] == ["failed"]


async def test_a_source_has_at_most_twenty(here: Desk) -> None:
    for _ in range(20):
        await here.subscribe(partner(), url=URL)
    answer = await here.subscriptions.subscribe(partner(), None, SubscriptionForm(url=URL))
    assert (answer.status, json.loads(answer.body)["code"]) == (409, "WRONG_STATE")


async def test_a_change_leaves_what_it_does_not_name_and_another_sources_does_not_exist(here: Desk) -> None:
    made = await here.subscribe(partner(), url=URL, statuses=["failed"])
    subscription_id = UUID(made["id"])
    with pytest.raises(NotFound):
        await here.subscriptions.change(partner("pharmacorp"), subscription_id, SubscriptionChange(enabled=False))
    moved = await here.subscriptions.change(partner(), subscription_id, SubscriptionChange(url=f"{URL}/new"))
    assert (moved["url"], moved["statuses"], moved["enabled"]) == (f"{URL}/new", ["failed"], True)
    off = await here.subscriptions.change(partner(), subscription_id, SubscriptionChange(enabled=False))
    assert (off["enabled"], off["disabled_reason"]) == (False, "BY_HAND")
    with pytest.raises(InvalidInput):
        await here.subscriptions.change(partner(), subscription_id, SubscriptionChange(url="https://10.0.0.1/"))
    await here.subscriptions.unsubscribe(partner(), subscription_id)
    with pytest.raises(NotFound):
        await here.subscriptions.look(partner(), subscription_id)


async def test_deleting_a_subscription_takes_its_deliveries_along(here: Desk) -> None:
    made = await here.subscribe(partner(), url=URL)
    await here.fails()
    await here.subscriptions.unsubscribe(partner(), UUID(made["id"]))
    assert await here.listed() == []


async def test_deliveries_come_in_pages_newest_first_and_a_partner_sees_its_own(here: Desk) -> None:
    await here.subscribe(partner("clinic"), url=URL)
    await here.subscribe(partner("pharmacorp"), url=URL)
    orders = [str(await here.fails("clinic")) for _ in range(5)]
    await here.fails("pharmacorp")
    seen, cursor = [], None
    while True:
        items, cursor = await here.deliveries.listed(partner("clinic"), DeliveryFilter(before=cursor), 2)
        seen += [item["order_id"] for item in items]
        if cursor is None:
            break
    assert seen == orders[::-1]
    (theirs,), _ = await here.deliveries.listed(partner("pharmacorp"), DeliveryFilter(), 10)
    answer = await here.deliveries.resend(partner("clinic"), None, UUID(theirs["id"]))
    assert answer.status == 404


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ({}, {"url": "REQUIRED"}),
        ({"url": "https://127.0.0.1/", "kind": "webhook"}, {}),
        ({"url": "https://10.0.0.1/"}, {"url": "VALUE"}),
        ({"url": "http://partner.example/"}, {"url": "VALUE"}),
        ({"url": URL, "email": "a@b.example"}, {"email": "VALUE"}),
        ({"kind": "email", "email": "a@b.example"}, {"email": "VALUE"}),
        ({"kind": "email"}, {"email": "REQUIRED"}),
        ({"url": URL, "statuses": []}, {"statuses": "VALUE"}),
        ({"url": URL, "statuses": ["done"]}, {"statuses.0": "VALUE"}),
        ({"url": URL, "secret": "mine"}, {"secret": "UNKNOWN_FIELD"}),
        ({"url": 5, "kind": "fax"}, {"url": "TYPE", "kind": "VALUE"}),
        ({"url": URL, "source": "a b"}, {"source": "VALUE"}),
    ],
    ids=str,
)
async def test_everything_wrong_with_a_form_is_said_at_once(
    body: dict[str, Any], faults: dict[str, str], here: Desk
) -> None:
    try:
        answer = await here.subscriptions.subscribe(ADMIN, None, read_form(SubscriptionForm, json.dumps(body).encode()))
        detail = json.loads(answer.body).get("detail", {"errors": []})
    except InvalidInput as invalid:
        detail = invalid.detail
    assert {fault["field"]: fault["code"] for fault in detail["errors"]} == faults


@pytest.mark.parametrize(
    "values",
    [
        {"SMTP_HOST": "mail.example"},
        {"SMTP_HOST": "mail.example", "SMTP_FROM": "a@b.example", "SMTP_SECURITY": "none", "SMTP_PASSWORD": "x"},
        {"SMTP_SECURITY": "sometimes"},
    ],
    ids=str,
)
def test_mail_that_could_not_be_sent_or_would_show_its_password_stops_the_start(values: dict[str, str]) -> None:
    here = environments("postgresql://nowhere", "nowhere:1", embedded_broker=True)["notification"]
    NotificationSettings.model_validate(here)
    with pytest.raises(ValidationError):
        NotificationSettings.model_validate({**here, **values})


def test_loopback_is_closed_unless_the_all_in_one_opens_it() -> None:
    here = environments("postgresql://nowhere", "nowhere:1", embedded_broker=True)["notification"]
    assert NotificationSettings.model_validate(here).webhook_allow_loopback
    del here["WEBHOOK_ALLOW_LOOPBACK"]
    assert not NotificationSettings.model_validate(here).webhook_allow_loopback


async def _found_nowhere(here: Desk, secret: bytes, written: str) -> bool:
    rows = await here.sql("SELECT s::text FROM subscriptions AS s UNION ALL SELECT i::text FROM idempotency AS i")
    assert rows
    encoded = written.removeprefix("whsec_")
    return not any(secret.hex() in row[0] or encoded in row[0] for row in rows)
