"""What is said: ids, a status and codes. Whoever wants more asks the API, which knows who may see it."""

import json
from dataclasses import dataclass
from datetime import UTC
from uuid import UUID

from services.notification.domain.happening import Happening

_WHAT_HAPPENED = {
    "completed": "has a care plan: a draft that a pharmacist must review",
    "failed": "got no care plan: generation gave up, and a pharmacist can retry it",
    "needs_confirmation": "waits for somebody to read its warnings and confirm",
    "rejected": "was rejected by a business rule",
}


@dataclass(frozen=True, slots=True)
class Told:
    """One happening, for one subscriber. `delivery_id` is the same at every try, so that a receiver knows a repeat."""

    delivery_id: UUID
    happening: Happening
    source: str
    external_id: str | None
    """The partner's own name for the order: for webhooks, which are the partner's, and never in a mail."""

    @property
    def message_id(self) -> str:
        return f"msg_{self.delivery_id.hex}"


def webhook_body(told: Told) -> bytes:
    """Standard Webhooks: type, timestamp of what happened, data. The same bytes at every try."""
    happening = told.happening
    body = {
        "type": f"order.{happening.status}",
        "timestamp": happening.at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "data": {
            "order_id": str(happening.order_id),
            "external_id": told.external_id,
            "status": happening.status,
            "codes": list(happening.codes),
        },
    }
    return json.dumps(body, ensure_ascii=False).encode()


@dataclass(frozen=True, slots=True)
class MailText:
    subject: str
    text: str


def mail_text(told: Told) -> MailText:
    happening = told.happening
    lines = [
        f"Order {happening.order_id} ({told.source}) {_WHAT_HAPPENED[happening.status]}.",
        *([f"Codes: {', '.join(happening.codes)}."] if happening.codes else []),
        "",
        "This message names no patient on purpose: look the order up by its id.",
    ]
    return MailText(f"Order {happening.order_id}: {happening.status.replace('_', ' ')}", "\n".join(lines) + "\n")
