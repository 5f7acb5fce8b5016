"""What holds for every address: one error form, its statuses, headers, the type-ahead, and the OpenAPI document."""

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from local.serve import build_service
from tests.support.orders import assert_error, new_order
from tests.support.stack import NO_BROKER, Stack, environments, serving, token

CONTRACT = {
    ("post", "/api/orders"), ("get", "/api/orders/{order_id}"), ("get", "/api/orders/{order_id}/events"),
    ("post", "/api/orders/{order_id}/confirm"), ("post", "/api/orders/{order_id}/retry"), ("get", "/api/orders"),
    ("get", "/api/careplans/{careplan_id}"), ("get", "/api/careplans/{careplan_id}/download"),
    ("get", "/api/reports/orders.csv"), ("get", "/api/reports/summary"), ("get", "/api/icd10"), ("post", "/api/session"),
    ("get", "/api/session"), ("delete", "/api/session"), ("get", "/api/ops/dead-letters"),
    ("post", "/api/ops/dead-letters/{id}/replay"), ("get", "/health/live"), ("get", "/health/ready"), ("get", "/metrics"),
}  # fmt: skip


async def raw(system: Stack, request: bytes) -> tuple[int, bytes]:
    """An answer to bytes that no client library would send."""
    host, port = urlsplit(system.base_url).hostname, urlsplit(system.base_url).port
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(request)
    await writer.drain()
    answer = await asyncio.wait_for(reader.read(), 60)
    writer.close()
    return int(answer.split(b" ", 2)[1]), answer.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize("path", ["/nothing", "/api", "/api/nothing", "/api/orders/a/b/c", "/api/careplans", "/api/ops/nothing",
                                  "/docs", "/redoc", "/%00", "/%ff"])  # fmt: skip
async def test_an_unknown_address_is_404(path: str, system: Stack) -> None:
    assert_error(await system.as_("admin").get(path), 404, "error", "NOT_FOUND")


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "/api/orders"), ("DELETE", "/api/orders/x"), ("POST", "/api/orders/x"), ("GET", "/api/orders/x/confirm"),
     ("PATCH", "/api/session"), ("POST", "/api/icd10"), ("POST", "/api/careplans/x"), ("PUT", "/api/careplans/x/download"),
     ("GET", "/api/careplans/x/revisions"), ("GET", "/api/careplans/x/approve"), ("POST", "/api/reports/summary"),
     ("POST", "/health/live"), ("DELETE", "/api/ops/dead-letters"), ("POST", "/openapi.json")],
)  # fmt: skip
async def test_a_method_that_an_address_does_not_take_is_405(method: str, path: str, system: Stack) -> None:
    answer = await system.as_("admin").request(method, path)
    assert_error(answer, 405, "error", "METHOD_NOT_ALLOWED")
    assert answer.headers["allow"]


@pytest.mark.parametrize(
    "path", ["/health/live", "/api/orders", "/nothing", "/api/ops/dead-letters", "/api/icd10?q=g", "/api/orders/x"]
)
async def test_every_answer_carries_the_security_headers(path: str, system: Stack) -> None:
    answer = await system.as_("admin").get(path)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'self'" in answer.headers["content-security-policy"]


async def test_an_error_is_found_under_the_callers_trace(system: Stack) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    headers = {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    for path in ("/api/orders/x", "/nothing", "/api/ops/nothing"):
        answer = await system.as_("admin").get(path, headers=headers)
        assert answer.json()["trace_id"] == trace


@pytest.mark.parametrize(
    "line",
    [b"GET /api/orders?q=Jos\xe9 HTTP/1.1", b"GET /api/orders?q=\xff\xfe HTTP/1.1", b"GET /api/orders/Jos\xe9 HTTP/1.1",
     b"GET /api/orders/\xff/events HTTP/1.1", b"GET /api/careplans/\xff HTTP/1.1"],
)  # fmt: skip
async def test_bytes_that_no_address_may_hold_are_no_server_error(line: bytes, system: Stack) -> None:
    request = (
        line + b"\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer " + token("assistant").encode() + b"\r\n\r\n"
    )
    status, _ = await raw(system, request)
    assert status in (200, 400, 404)


async def test_an_error_says_nothing_of_how_we_are_built(system: Stack) -> None:
    client = system.as_("assistant")
    for answer in (
        await client.post("/api/orders", json=new_order(patient={"mrn": "secret-name"})),
        await client.get("/api/orders", params={"from": "secret-name"}),
        await client.get("/api/orders/secret-name"),
    ):
        assert not any(word in answer.text for word in ("secret-name", "Traceback", "pydantic", "SELECT", ".py"))


# ── while a part is away ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("service", ["intake", "reporting"])
async def test_while_the_database_is_away_it_is_503_with_retry_after(service: str) -> None:
    """P2: never a 202 that is not durable."""
    away = f"postgresql://postgres@{NO_BROKER}/careplan"  # nor a database there
    settings = environments(away, NO_BROKER, embedded_broker=True)
    stack = Stack("", {}, settings)
    async with serving(build_service(service, settings[service])) as base_url:
        stack.base_url = base_url
        client = stack.as_("admin")
        requests: dict[str, list[tuple[str, str]]] = {
            "intake": [("POST", "/api/orders"), ("GET", f"/api/orders/{'0' * 8}-0000-7000-8000-{'0' * 12}"), ("GET", "/api/icd10?q=g")],
            "reporting": [("GET", "/api/orders"), ("GET", "/api/reports/orders.csv"), ("GET", "/api/reports/summary")],
        }  # fmt: skip
        for method, path in [*requests[service], ("GET", "/health/ready")]:
            answer = await client.request(method, path, json=new_order() if method == "POST" else None)
            assert_error(answer, 503, "error", "UNAVAILABLE")
            assert int(answer.headers["retry-after"]) > 0
        assert (await client.get("/health/live")).status_code == 200
        await stack.close()


# ── ICD-10-CM ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("q", "first"),
    [("G70.00", "G70.00"), ("g7000", "G70.00"), ("G70", "G70"), ("g35", "G35"), ("I1", "I10"), ("myasthenia gravis without", "G70.00"),
     ("multiple sclero", "G35.A"), ("MYASTH GRAV WITHOUT", "G70.00")],
)  # fmt: skip
async def test_type_ahead_finds_by_code_and_by_description(q: str, first: str, system: Stack) -> None:
    answer = await system.as_("assistant").get("/api/icd10", params={"q": q})
    found = answer.json()["items"]
    assert first in [match["code"] for match in found[:6]]
    assert set(found[0]) == {"code", "description", "billable"}


@pytest.mark.parametrize(
    "q", ["", " ", "%", "_", "'", "&|!:*()", "\\", "zzzzzz", "²", "ª", "<->", "a" * 100, "İ", "g70.0.0"]
)
async def test_type_ahead_takes_whatever_is_typed(q: str, system: Stack) -> None:
    answer = await system.as_("assistant").get("/api/icd10", params={"q": q})
    assert answer.status_code == 200
    assert len(answer.json()["items"]) <= 20


@pytest.mark.parametrize("query", ["q=%00", "q=%ff", "limit=0", "limit=101", "q=" + "a" * 101])
async def test_type_ahead_refuses_what_cannot_be(query: str, system: Stack) -> None:
    assert_error(await system.as_("assistant").get(f"/api/icd10?{query}"), 400, "validation", "VALIDATION")


async def test_type_ahead_says_which_codes_are_billable(system: Stack) -> None:
    answer = await system.as_("assistant").get("/api/icd10", params={"q": "G35", "limit": 100})
    billable = {match["code"]: match["billable"] for match in answer.json()["items"]}
    assert billable["G35"] is False
    assert billable["G35.A"] is True


# ── OpenAPI ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
async def document(system: Stack) -> dict[str, Any]:
    answer = await system.anonymous().get("/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    body: dict[str, Any] = answer.json()
    return body


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def references(node: Any) -> Iterator[str]:
    match node:
        case dict():
            for key, value in node.items():
                if key == "$ref":
                    yield value
                else:
                    yield from references(value)
        case list():
            for value in node:
                yield from references(value)


def at(document: dict[str, Any], reference: str) -> Any:
    node: Any = document
    for part in reference.removeprefix("#/").split("/"):
        node = node[part]
    return node


def test_every_address_of_the_contract_is_documented(document: dict[str, Any]) -> None:
    documented = {(method, path) for method, path, _ in operations(document)}
    assert documented >= CONTRACT


def test_every_reference_of_the_document_leads_somewhere(document: dict[str, Any]) -> None:
    found = set(references(document))
    assert found
    for reference in found:
        assert reference.startswith("#/components/")
        at(document, reference)
    assert "$defs" not in json.dumps(document)


def test_operations_are_named_once_and_declare_their_path_parameters(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, path, operation in operations(document) if path.startswith("/api/")]
    assert len(names) == len(set(names))
    for _, path, operation in operations(document):
        declared = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
        assert declared == set(re.findall(r"{(\w+)}", path))


def test_errors_are_documented_once_with_the_shared_form(document: dict[str, Any]) -> None:
    form = document["components"]["schemas"]["Error"]
    assert set(form["properties"]) == {"type", "code", "message", "detail", "trace_id"}
    assert not {"HTTPValidationError", "ValidationError"} & set(document["components"]["schemas"])
    for _, path, operation in operations(document):
        for status, response in operation["responses"].items():
            if status.startswith(("4", "5")) and path.startswith("/api/"):
                shared = at(document, response["$ref"])
                assert shared["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Error"}


@pytest.mark.parametrize(
    ("method", "path", "statuses"),
    [
        ("post", "/api/orders", {"202", "400", "401", "403", "409", "413", "415", "422", "429", "503"}),
        ("get", "/api/orders/{order_id}", {"200", "400", "401", "403", "404", "429", "503"}),
        (
            "post",
            "/api/orders/{order_id}/confirm",
            {"202", "400", "401", "403", "404", "409", "413", "422", "429", "503"},
        ),
        ("get", "/api/orders", {"200", "400", "401", "403", "429", "503"}),
        ("get", "/api/reports/orders.csv", {"200", "400", "401", "403", "429", "503"}),
        ("post", "/api/session", {"204", "400", "401", "403", "413", "429", "503"}),
        ("get", "/health/live", {"200"}),
    ],
)
def test_each_operation_documents_its_answers(
    method: str, path: str, statuses: set[str], document: dict[str, Any]
) -> None:
    assert set(document["paths"][path][method]["responses"]) == statuses


def test_the_body_of_an_order_is_documented(document: dict[str, Any]) -> None:
    body = document["paths"]["/api/orders"]["post"]["requestBody"]
    assert body["required"] is True
    form = body["content"]["application/json"]["schema"]
    assert set(form["required"]) == {"patient", "provider", "primary_diagnosis", "medication", "patient_records"}
    assert form["additionalProperties"] is False
    patient = at(document, form["properties"]["patient"]["$ref"])
    assert set(patient["required"]) == {"first_name", "last_name", "mrn", "date_of_birth"}


def test_credentials_are_documented(document: dict[str, Any]) -> None:
    schemes = document["components"]["securitySchemes"]
    assert {(s["type"], s.get("scheme"), s.get("in")) for s in schemes.values()} == {
        ("http", "bearer", None),
        ("apiKey", None, "cookie"),
    }
    assert document["security"] == [{"bearer": []}, {"session": []}]
    for method, path, operation in operations(document):
        is_open = path.startswith("/health/") or path == "/metrics" or (method, path) == ("post", "/api/session")
        assert (operation.get("security") == []) is is_open, path


def test_headers_that_a_caller_may_send_are_documented(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        headers = {p["name"] for p in operation.get("parameters", []) if p["in"] == "header"}
        if method == "post" and path != "/api/session":
            assert "Idempotency-Key" in headers
        if path in ("/api/orders", "/api/orders/{order_id}/confirm") and method == "post":
            assert "Prefer" in headers
    queries = {p["name"] for p in document["paths"]["/api/orders"]["get"]["parameters"]}
    assert queries == {"q", "status", "review", "source", "medication", "from", "to", "cursor", "limit"}
