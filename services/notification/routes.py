"""HTTP in: subscriptions and deliveries. A partner sees its own source's, an admin all."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from chassis.answer import json_answer
from chassis.errors import NotFound
from chassis.idempotency import memo_of
from chassis.ids import id_in
from chassis.openapi import LOCATION, answer, json_body
from chassis.queries import BlankIsAbsent
from chassis.security import Caller, staff_or_partner
from chassis.strict_form import read_form
from chassis.web import read_body
from services.notification.documents import (
    DeliveriesPage,
    NewSubscription,
    ShownDelivery,
    ShownSubscription,
    State,
    SubscriptionList,
)
from services.notification.domain.subscription import SubscriptionChange, SubscriptionForm
from services.notification.storage import DeliveryFilter
from services.notification.use_cases import Deliveries, Subscriptions

Manager = Annotated[Caller, Depends(staff_or_partner("admin"))]


async def subscription_id_of(subscription_id: str) -> UUID:
    found = id_in(subscription_id)
    if found is None:
        raise NotFound("There is no such subscription.")
    return found


async def delivery_id_of(delivery_id: str) -> UUID:
    found = id_in(delivery_id)
    if found is None:
        raise NotFound("There is no such delivery.")
    return found


SubscriptionId = Annotated[UUID, Depends(subscription_id_of)]
_AnId = Annotated[UUID | None, BlankIsAbsent(), Query()]
DeliveryId = Annotated[UUID, Depends(delivery_id_of)]


def subscriptions_router(subscriptions: Subscriptions) -> APIRouter:
    router = APIRouter(prefix="/api/notifications/subscriptions", tags=["notifications"])

    @router.post(
        "",
        status_code=201,
        response_model=NewSubscription,
        responses={201: answer("It is told from now on.", Location=LOCATION)},
        openapi_extra=json_body(SubscriptionForm),
    )
    async def subscribe(caller: Manager, request: Request) -> Response:
        """A webhook, or (admin) an e-mail address. The secret that webhooks are signed with is shown this once."""
        body = await read_body(request)
        form = read_form(SubscriptionForm, body)
        return (await subscriptions.subscribe(caller, memo_of(request, caller, body), form)).response()

    @router.get("", response_model=SubscriptionList)
    async def list_subscriptions(caller: Manager) -> Response:
        return json_answer({"items": await subscriptions.listed(caller)})

    @router.get("/{subscription_id}", response_model=ShownSubscription)
    async def get_subscription(caller: Manager, subscription_id: SubscriptionId) -> Response:
        return json_answer(await subscriptions.look(caller, subscription_id))

    @router.patch("/{subscription_id}", response_model=ShownSubscription, openapi_extra=json_body(SubscriptionChange))
    async def change_subscription(caller: Manager, subscription_id: SubscriptionId, request: Request) -> Response:
        """What is not named stays. `{"enabled": true}` starts one again that answered 410."""
        change = read_form(SubscriptionChange, await read_body(request))
        return json_answer(await subscriptions.change(caller, subscription_id, change))

    @router.post("/{subscription_id}/rotate-secret", response_model=NewSubscription)
    async def rotate_secret(caller: Manager, subscription_id: SubscriptionId, request: Request) -> Response:
        """A new secret, shown this once. For 24 hours webhooks carry a signature by the old one too."""
        memo = memo_of(request, caller, await read_body(request))
        return (await subscriptions.rotate_secret(caller, memo, subscription_id)).response()

    @router.delete("/{subscription_id}", status_code=204)
    async def unsubscribe(caller: Manager, subscription_id: SubscriptionId) -> None:
        """Its deliveries go with it, sent or not."""
        await subscriptions.unsubscribe(caller, subscription_id)

    return router


def deliveries_router(deliveries: Deliveries) -> APIRouter:
    router = APIRouter(prefix="/api/notifications/deliveries", tags=["notifications"])

    @router.get("", response_model=DeliveriesPage)
    async def list_deliveries(
        caller: Manager,
        subscription_id: _AnId = None,
        order_id: _AnId = None,
        state: Annotated[State | None, BlankIsAbsent(), Query()] = None,
        cursor: _AnId = None,
        limit: Annotated[int, Query(ge=1, le=100)] = 50,
    ) -> Response:
        """Newest first: what was told, how often it was tried, and how that ended."""
        wanted = DeliveryFilter(None, subscription_id, order_id, state, cursor)
        items, last = await deliveries.listed(caller, wanted, limit)
        return json_answer({"items": items, "next_cursor": str(last) if last else None})

    @router.post("/{delivery_id}/resend", status_code=202, response_model=ShownDelivery)
    async def resend(caller: Manager, delivery_id: DeliveryId, request: Request) -> Response:
        """Sends it again, under the same webhook-id, whether it was delivered or given up."""
        memo = memo_of(request, caller, await read_body(request))
        return (await deliveries.resend(caller, memo, delivery_id)).response()

    return router
