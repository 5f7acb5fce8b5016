"""Every route of every service, with every role and with another tenant's ids: the table says what each is answered."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from local.front import Front
from local.serve import build_service
from tests.support.partners import new_patient
from tests.support.stack import Stack

pytestmark = pytest.mark.anyio

CALLERS = ("none", "assistant", "pharmacist", "analyst", "admin", "own", "other")
"""`own` is the partner whose order, care plan, subscription … the path names; `other` is another source's."""

# A 400, 404 on nobody's id, 409 or 415 is what who may do it is told about an empty body, or in the state things are in:
# whoever may not is told so before.
TABLE = """
                                                              none assi phar anal admi own  other
GET     /api/careplans/{careplan_id}                          401  200  200  403  200  200  404
GET     /api/careplans/{careplan_id}/download                 401  200  200  403  200  200  404
POST    /api/careplans/{careplan_id}/approve                  401  403  409  403  409  403  403
POST    /api/careplans/{careplan_id}/revisions                401  403  400  403  400  403  403
GET     /api/costs                                            401  403  403  200  200  403  403
GET     /api/costs/orders/{order_id}                          401  403  403  200  200  403  403
GET     /api/icd10                                            401  200  200  403  200  200  200
POST    /api/intake/{source}                                  401  403  403  403  403  415  403
GET     /api/knowledge                                        401  200  200  200  200  403  403
GET     /api/knowledge/search                                 401  400  400  400  400  403  403
GET     /api/knowledge/{drug_id}                              401  200  200  200  200  403  403
GET     /api/notifications/deliveries                         401  403  403  403  200  200  200
POST    /api/notifications/deliveries/{delivery_id}/resend    401  403  403  403  202  202  404
GET     /api/notifications/subscriptions                      401  403  403  403  200  200  200
POST    /api/notifications/subscriptions                      401  403  403  403  400  400  400
GET     /api/notifications/subscriptions/{subscription_id}    401  403  403  403  200  200  404
PATCH   /api/notifications/subscriptions/{subscription_id}    401  403  403  403  200  200  404
DELETE  /api/notifications/subscriptions/{subscription_id}    401  403  403  403  204  204  404
POST    /api/notifications/subscriptions/{subscription_id}/rotate-secret   401 403 403 403 200 200 404
GET     /api/ops/accounts                                     401  403  403  403  200  403  403
POST    /api/ops/accounts                                     401  403  403  403  400  403  403
PATCH   /api/ops/accounts/{username}                          401  403  403  403  404  403  403
POST    /api/ops/accounts/{username}/sign-out                 401  403  403  403  204  403  403
GET     /api/ops/audit                                        401  403  403  403  200  403  403
GET     /api/ops/dead-letters                                 401  403  403  403  200  403  403
POST    /api/ops/dead-letters/{id}/replay                     401  403  403  403  404  403  403
GET     /api/ops/keys                                         401  403  403  403  200  403  403
POST    /api/ops/keys                                         401  403  403  403  400  403  403
DELETE  /api/ops/keys/{key_id}                                401  403  403  403  204  403  403
POST    /api/ops/keys/{key_id}/rotate                         401  403  403  403  201  403  403
GET     /api/ops/models                                       401  403  403  403  200  403  403
GET     /api/ops/submissions                                  401  403  403  403  200  403  403
GET     /api/ops/submissions/{id}                             401  403  403  403  200  403  403
POST    /api/ops/submissions/{id}/resubmit                    401  403  403  403  202  403  403
GET     /api/orders                                           401  200  200  403  200  200  200
POST    /api/orders                                           401  415  415  403  415  403  403
GET     /api/orders/events                                    401  200  200  403  200  403  403
GET     /api/orders/{order_id}                                401  200  200  403  200  200  404
GET     /api/orders/{order_id}/events                         401  200  200  403  200  200  404
POST    /api/orders/{order_id}/confirm                        401  409  409  403  409  409  404
POST    /api/orders/{order_id}/retry                          401  403  409  403  409  403  403
GET     /api/reports/orders.csv                               401  403  403  200  200  403  403
GET     /api/reports/summary                                  401  403  403  200  200  403  403
GET     /api/reviews/rejections                               401  403  200  403  200  403  403
GET     /api/session                                          401  200  200  200  200  200  200
POST    /api/session                                          400  400  400  400  400  400  400
DELETE  /api/session                                          401  204  204  204  204  204  204
GET     /api/session/oidc                                     404  404  404  404  404  404  404
GET     /api/session/oidc/callback                            404  404  404  404  404  404  404
GET     /health/live                                          200  200  200  200  200  200  200
GET     /health/ready                                         200  200  200  200  200  200  200
GET     /metrics                                              200  200  200  200  200  200  200
"""

ROWS = {
    (method, path): dict(zip(CALLERS, map(int, statuses), strict=True))
    for method, path, *statuses in (line.split() for line in TABLE.strip().splitlines()[1:])
}


@dataclass
class Clinics:
    """A system with one completed order of the clinic, and what belongs to it. Used up: made anew for each request."""

    system: Stack
    ids: dict[str, str]
    fresh: dict[str, Callable[[], Awaitable[str]]] = field(default_factory=dict)

    def as_(self, caller: str) -> httpx2.AsyncClient:
        partners = {"own": "clinic", "other": "pharmacorp"}
        if caller in partners:
            return self.system.as_partner(partners[caller])
        return self.system.anonymous() if caller == "none" else self.system.as_(caller)

    async def path(self, method: str, template: str) -> str:
        ids = dict(self.ids)
        for name, make in self.fresh.items():
            if f"{{{name}}}" in template and (method == "DELETE" or template.endswith("/rotate")):
                ids[name] = await make()
        if template.startswith("/api/ops/dead-letters"):
            ids["id"] = str(uuid4())
        return template.format(**ids)


@pytest.fixture(scope="module")
async def clinics(system: Stack) -> AsyncIterator[Clinics]:
    clinic, admin = system.as_partner("clinic"), system.as_("admin")

    async def subscription() -> str:
        form = {"url": f"http://localhost:9/{uuid4()}", "statuses": ["completed"]}
        return str((await clinic.post("/api/notifications/subscriptions", json=form)).json()["id"])

    async def key() -> str:
        return str((await admin.post("/api/ops/keys", json={"source": "clinic"})).json()["id"])

    subscription_id = await subscription()
    posted = await clinic.post(
        "/api/intake/clinic", content=new_patient("clinic"), headers={"Content-Type": "application/json"}
    )
    order_id = posted.json()["order_id"]
    shown = await system.until(order_id, "completed", 60)
    deliveries: list[dict[str, Any]] = []
    while not deliveries:
        params = {"order_id": order_id, "subscription_id": subscription_id}
        deliveries = (await clinic.get("/api/notifications/deliveries", params=params)).json()["items"]
    submissions = (await admin.get("/api/ops/submissions", params={"source": "clinic"})).json()["items"]
    while (await admin.get(f"/api/careplans/{shown['careplan']['careplan_id']}")).status_code != 200:
        pass
    ids = {
        "drug_id": "ivig",
        "order_id": order_id,
        "careplan_id": shown["careplan"]["careplan_id"],
        "source": "clinic",
        "subscription_id": subscription_id,
        "delivery_id": deliveries[0]["id"],
        "id": submissions[0]["id"],
        "key_id": await key(),
        "username": "nobody-of-that-name",
    }
    yield Clinics(system, ids, {"subscription_id": subscription, "key_id": key})


def body_for(method: str, path: str) -> dict[str, Any] | None:
    if path.endswith("/approve"):
        return {"version": 99}  # another than the current one: nothing is signed here
    if method == "POST" and path in ("/api/orders", "/api/intake/{source}"):
        return None
    return {} if method in ("POST", "PATCH") else None


async def test_the_table_has_every_route_of_every_service_and_no_other(system: Stack) -> None:
    """A new route fails here until somebody has written down who may."""
    with_oidc = {
        "OIDC_ISSUER": "http://127.0.0.1:9",
        "OIDC_CLIENT_ID": "careplan",
        "CAREPLAN_PUBLIC_URL": "http://127.0.0.1:9",
    }
    apps = {name: build_service(name, {**system.environments[name], **with_oidc}) for name in system.apps}
    paths = Front(apps).openapi()["paths"]
    assert {(method.upper(), path) for path, methods in paths.items() for method in methods} == set(ROWS)


@pytest.mark.parametrize(("method", "template"), ROWS, ids=" ".join)
async def test_each_caller_is_answered_as_the_table_says(method: str, template: str, clinics: Clinics) -> None:
    answered = {}
    for caller in CALLERS:
        path = await clinics.path(method, template)
        request = clinics.as_(caller).stream(method, path, json=body_for(method, template))
        async with request as answer:  # a stream of events need not end
            answered[caller] = answer.status_code
    assert answered == ROWS[method, template]
