"""What is told: ids, a status and codes, and nothing about anybody."""

import json
from datetime import UTC, datetime

import pytest

from schemas.careplan import pack
from schemas.event import Fact
from schemas.generator import CarePlanApproved, CarePlanCompleted, CarePlanFailed
from schemas.intake import OrderReceived
from schemas.order import Finding
from schemas.validation import OrderAccepted, OrderRejected, OrderWarned
from services.notification.domain.happening import Happening, happening_of
from services.notification.domain.message import Told, mail_text, webhook_body
from tests.support import facts

ORDER, OTHER = facts.an_id(1), facts.an_id(2)
FINDINGS = (
    Finding(type="block", code="PROVIDER_NPI_CONFLICT", message="NPI 1234567893 is another's.", detail={"name": "Lee"}),
    Finding(type="warning", code="PATIENT_MRN_MISMATCH", message="Bell is not Bellamy.", detail={"mrn": "012345"}),
    Finding(type="warning", code="PATIENT_MRN_MISMATCH", message="Again.", detail={}),
    Finding(type="warning", code="NPI_CHECK_DIGIT", message="Read.", detail={}, confirmed=True),
    Finding(type="notice", code="ICD10_NOT_BILLABLE", message="G35 is a category.", detail={}),
)
TOLD: list[tuple[Fact, str, tuple[str, ...]]] = [
    (OrderRejected(order_id=ORDER, attempt=1, findings=FINDINGS), "rejected",
     ("PROVIDER_NPI_CONFLICT", "PATIENT_MRN_MISMATCH")),
    (OrderWarned(order_id=ORDER, attempt=1, findings=FINDINGS[1:]), "needs_confirmation", ("PATIENT_MRN_MISMATCH",)),
    (CarePlanFailed(order_id=ORDER, attempt=1, accepted_at=facts.START, reason="TIMEOUT", message="Try again."),
     "failed", ("GENERATION_FAILED", "TIMEOUT")),
    (CarePlanCompleted(order_id=ORDER, attempt=1, careplan_id=OTHER, accepted_at=facts.START,
                       careplan=pack(facts.plan("Ana Bell has a plan."))), "completed", ()),
]  # fmt: skip
UNTOLD: list[Fact] = [
    OrderReceived(order_id=ORDER, source="clinic", submitted_at=facts.START, order=facts.order()),
    OrderAccepted(order_id=ORDER, attempt=1, order=facts.order(), patient_id=OTHER, provider_id=OTHER),
    CarePlanApproved(order_id=ORDER, careplan_id=OTHER, version=1, approved={"by": "x", "at": facts.START}),
]


def told(fact: Fact, external_id: str | None = "PO-7") -> Told:
    happening = happening_of(facts.event(fact))
    assert happening is not None
    return Told(facts.an_id(9), happening, "clinic", external_id)


@pytest.mark.parametrize(("fact", "status", "codes"), TOLD, ids=lambda value: getattr(value, "type", None))
def test_each_outcome_is_told_with_its_status_and_what_stands_in_the_way(
    fact: Fact, status: str, codes: tuple[str, ...]
) -> None:
    payload = json.loads(webhook_body(told(fact)))
    assert payload == {
        "type": f"order.{status}",
        "timestamp": "2026-02-05T15:00:00Z",
        "data": {"order_id": str(ORDER), "external_id": "PO-7", "status": status, "codes": list(codes)},
    }


@pytest.mark.parametrize("fact", UNTOLD, ids=lambda fact: fact.type)
def test_what_is_on_its_way_or_only_signed_is_told_to_nobody(fact: Fact) -> None:
    assert happening_of(facts.event(fact)) is None


@pytest.mark.parametrize("fact", [fact for fact, _, _ in TOLD], ids=lambda fact: fact.type)
def test_neither_a_webhook_nor_a_mail_says_anything_about_a_patient_or_provider(fact: Fact) -> None:
    mail = mail_text(told(fact))
    for said in (webhook_body(told(fact)).decode(), mail.subject, mail.text):
        for secret in ("Ana", "Bell", "Lee", "012345", "1234567893", "1979", "G35", "Try again"):
            assert secret not in said


def test_a_mail_leaves_out_what_the_partner_calls_the_order() -> None:
    mail = mail_text(told(TOLD[0][0], external_id="Bell, Ana 1979-06-08"))
    assert "Bell" not in mail.subject + mail.text
    assert str(ORDER) in mail.text


def test_the_same_delivery_has_the_same_id_and_bytes_at_every_try() -> None:
    first, second = told(TOLD[0][0]), told(TOLD[0][0])
    assert first.message_id == second.message_id
    happening = first.happening
    again = Happening(
        happening.event_id, ORDER, happening.status, happening.codes, datetime(2026, 2, 5, 15, tzinfo=UTC)
    )
    assert webhook_body(Told(first.delivery_id, again, "clinic", "PO-7")) == webhook_body(first)
