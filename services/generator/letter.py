"""What is sent to a model for one order, whoever the vendor is. Everything in it has been through the redaction."""

import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from services.generator import prompts
from services.generator.domain.answer import answer_schema
from services.generator.domain.prompt import facts_message, order_message
from services.generator.domain.redaction import Redaction
from services.generator.domain.request import PlanRequest


@dataclass(frozen=True, slots=True)
class Letter:
    """`shared`: what many orders have in common comes first, so that vendors can cache it; then the order's own."""

    shared: tuple[str, ...]
    own: str

    @property
    def size(self) -> int:
        return sum(len(text.encode()) for text in (*self.shared, self.own))


def letter(request: PlanRequest, complaints: Sequence[str] = ()) -> Letter:
    fence = secrets.token_hex(8)
    while fence in request.order.patient_records:
        fence = secrets.token_hex(8)
    return _letter(request, fence, complaints)


def fingerprint(request: PlanRequest, provider: str, model: str) -> bytes:
    """The same for two orders that a model could not tell apart: same prompt, facts, findings and redacted records."""
    sent = _letter(request, "", ())
    parts = (provider, model, prompts.CURRENT, json.dumps(answer_schema(), sort_keys=True), *sent.shared, sent.own)
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode("utf-8", "surrogatepass")).digest()


def _letter(request: PlanRequest, fence: str, complaints: Sequence[str]) -> Letter:
    shared = (prompts.load().text, facts_message(request))
    return Letter(shared, order_message(request, Redaction(request.order), fence, complaints))
