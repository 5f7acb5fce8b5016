"""Partners' posts: the samples, and the same with something changed."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from itertools import count
from typing import Any

from chassis.errors import Fault, InvalidInput
from services.intake.adapters.sources import SOURCES
from services.intake.domain.draft import Draft
from services.intake.domain.order_form import FormRules
from tests.support.orders import letters
from tests.support.stack import SAMPLES

RULES = FormRules(today=date(2026, 3, 1), mrn=re.compile("[0-9]{6}"))


@dataclass(frozen=True)
class Sample:
    source: str
    content_type: str
    body: bytes


def sample(source: str) -> Sample:
    file = {
        "clinic": "clinic/adalimumab-ra.json",
        "pharmacorp": "pharmacorp/ocrelizumab-ms.xml",
        "hl7v2": "hl7v2/rituximab-ra.hl7",
    }[source]
    return Sample(source, SOURCES[source].content_type, (SAMPLES / file).read_bytes())


_NAMES = {
    "clinic": (("20417", "{mrn}"), ("O'Neil-Ferrer", "O'Neil-{name}")),
    "pharmacorp": (("330912", "{mrn}"), ("Ibañez Whitlock", "Ibañez {name}")),
    "hl7v2": (("447120^", "{mrn}^"), ("Nakagawa-Reyes", "Nakagawa-{name}")),
}
_NUMBERS = count(500_000)


def new_patient(source: str) -> bytes:
    """The sample for somebody nobody has met before."""
    number = next(_NUMBERS)
    names = {"mrn": str(number), "name": letters(number).capitalize()}
    return with_text(source, *((old, new.format(**names)) for old, new in _NAMES[source]))


def clinic(change: Callable[[dict[str, Any]], object] = lambda _: None) -> bytes:
    """The clinic's order for a new patient, changed."""
    document = json.loads(new_patient("clinic"))
    change(document)
    return json.dumps(document).encode()


def with_text(source: str, *replaced: tuple[str, str]) -> bytes:
    """The sample with texts replaced, each of which must be in it."""
    text = sample(source).body.decode()
    for old, new in replaced:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text.encode()


def draft_of(source: str, body: bytes) -> Draft:
    return SOURCES[source].draft(body)


def order_of(source: str, body: bytes) -> dict[str, Any]:
    """The canonical order as it is stored."""
    form, faults = draft_of(source, body).check(RULES)
    assert form is not None, faults
    return form.order(RULES.today).model_dump(mode="json")


def faults_of(source: str, body: bytes) -> dict[str, str]:
    """Place -> code of everything that is wrong."""
    try:
        _, faults = draft_of(source, body).check(RULES)
    except InvalidInput as invalid:
        faults = [Fault(**fault) for fault in invalid.detail["errors"]]
    return {fault.field: fault.code for fault in faults}
