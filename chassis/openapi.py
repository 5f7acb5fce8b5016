"""The OpenAPI document of a service: what all operations have in common is said once, here, and not at each route."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

from chassis.errors import ErrorType
from chassis.security import SESSION_COOKIE

_SIGN_IN = ("/api/session", "post")
_OIDC = "/api/session/oidc"
_ERRORS = {
    "400": ("Invalid", "The input's form is wrong; `detail.errors` lists every fault: field, code, message."),
    "401": ("Unauthenticated", "No credentials, or not valid ones."),
    "403": ("Forbidden", "Not for this role or source, or a cookie sent from another origin."),
    "404": ("NotFound", "There is no such thing, or it is not the caller's to see."),
    "409": ("Conflict", "A rule blocks it, a warning waits to be confirmed, or this is the wrong state for it."),
    "413": ("TooLarge", "The body is too large."),
    "415": ("UnsupportedMediaType", "The body has another media type than this address takes."),
    "422": ("IdempotencyKeyReused", "The Idempotency-Key was used before with another body."),
    "429": ("RateLimited", "Too many requests; `Retry-After` says when to come again."),
    "503": (
        "Unavailable",
        "A part of the system is away; come again after `Retry-After`, with the same `Idempotency-Key`.",
    ),
}
_WAITS = {"Retry-After": {"required": True, "schema": {"type": "integer"}, "description": "Seconds."}}
_ERROR_HEADERS: dict[str, Any] = {
    "401": {"WWW-Authenticate": {"required": True, "schema": {"type": "string"}}},
    "409": {"Location": {"schema": {"type": "string"}, "description": "Of the order that is blocked or waits."}},
    "429": _WAITS,
    "503": _WAITS,
}
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "description": "The same key and body give the first answer again.",
}


class Error(BaseModel):
    """The one form of every error."""

    type: ErrorType
    code: str
    message: str
    detail: dict[str, Any]
    trace_id: str


class DocumentedApp(FastAPI):
    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            self.openapi_schema = _completed(super().openapi())
        return self.openapi_schema


def json_body(form: type[BaseModel], *, required: bool = True) -> dict[str, Any]:
    """`openapi_extra` of a route that reads its body itself."""
    return {
        "requestBody": {"required": required, "content": {"application/json": {"schema": form.model_json_schema()}}}
    }


def answer(description: str, *media_types: str, **headers: str) -> dict[str, Any]:
    """One of a route's `responses`: the headers it carries, by name, and what each says; `media_types` for files."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    shown = {name: {"description": text, "schema": {"type": "string"}} for name, text in named.items()}
    content: dict[str, Any] = {media_type: {} for media_type in media_types}
    parts = {"content": content, "headers": shown}
    return {"description": description, **{name: part for name, part in parts.items() if part}}


CONFLICT = {"$ref": "#/components/responses/Conflict"}
"""For a GET that may be in the wrong state; whatever changes something has it anyway."""
LOCATION = "Where it is found from now on."


def _completed(document: dict[str, Any]) -> dict[str, Any]:
    components = document.setdefault("components", {})
    schemas = {
        name: schema
        for name, schema in components.get("schemas", {}).items()
        if name not in {"HTTPValidationError", "ValidationError"}
    }
    for path, method, operation in _operations(document):
        if "requestBody" in operation:
            operation["requestBody"] = _with_shared_forms(operation["requestBody"], schemas)
        for answer in operation["responses"].values():
            # FastAPI writes the form of one event, as OpenAPI 3.2 has it; the document says 3.1.
            answer.get("content", {}).get("text/event-stream", {}).pop("itemSchema", None)
        operation["responses"] = {**_errors_of(path, method, operation), **operation["responses"]}
        operation["responses"] = dict(sorted(operation["responses"].items()))
        if _is_open(path) or path.startswith(_OIDC) or (path, method) == _SIGN_IN:
            operation["security"] = []
        elif method == "post":
            operation.setdefault("parameters", []).append(_IDEMPOTENCY_KEY)
    components["schemas"] = {**schemas, "Error": Error.model_json_schema()}
    components["responses"] = {name: _error_response(status, text) for status, (name, text) in _ERRORS.items()}
    components["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer", "description": "A staff token, or a partner's key."},
        "session": {"type": "apiKey", "in": "cookie", "name": SESSION_COOKIE},
    }
    document["security"] = [{"bearer": []}, {"session": []}]
    return document


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def _with_shared_forms(node: Any, schemas: dict[str, Any]) -> Any:
    """`node` with the definitions that pydantic puts inside a schema moved to `schemas`, where OpenAPI looks for them."""
    if isinstance(node, list):
        return [_with_shared_forms(part, schemas) for part in node]
    if not isinstance(node, dict):
        return node.replace("#/$defs/", "#/components/schemas/") if isinstance(node, str) else node
    for name, schema in node.get("$defs", {}).items():
        schemas[name] = _with_shared_forms(schema, schemas)
    return {key: _with_shared_forms(value, schemas) for key, value in node.items() if key != "$defs"}


def _is_open(path: str) -> bool:
    return path.startswith("/health/") or path == "/metrics"


def _errors_of(path: str, method: str, operation: dict[str, Any]) -> dict[str, Any]:
    """What may go wrong follows from what an operation takes. FastAPI's own 422 is answered as 400 here."""
    operation["responses"].pop("422", None)
    if _is_open(path):
        return {}
    statuses = ["401", "403", "429", "503"]
    changes = method in {"post", "patch", "put"}
    if operation.get("parameters") or changes:
        statuses.append("400")
    if "{" in path:
        statuses.append("404")
    if changes:
        statuses.append("413")
    if changes and (path, method) != _SIGN_IN:
        statuses += ["409", "422", *(["415"] if "requestBody" in operation else [])]
    return {status: {"$ref": f"#/components/responses/{_ERRORS[status][0]}"} for status in statuses}


def _error_response(status: str, text: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    headers = _ERROR_HEADERS.get(status)
    return {"description": text, "content": content, **({"headers": headers} if headers else {})}
