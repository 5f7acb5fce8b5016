"""An order as every service understands it: normalised once by intake, never changed afterwards."""

from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Sex = Literal["female", "male", "other", "unknown"]
FindingType = Literal["block", "warning", "notice"]
OrderStatus = Literal["pending", "needs_confirmation", "rejected", "processing", "completed", "failed"]


class Value(BaseModel):
    """A value of the published language: frozen, and tolerant of fields added later."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)


class Patient(Value):
    first_name: str
    last_name: str
    mrn: str
    date_of_birth: date
    sex: Sex | None = None
    weight_kg: float | None = None
    allergies: tuple[str, ...] = ()


class Provider(Value):
    name: str
    npi: str


class Order(Value):
    patient: Patient
    provider: Provider
    primary_diagnosis: str
    """ICD-10-CM with the dot, upper case."""
    additional_diagnoses: tuple[str, ...] = ()
    medication: str
    medication_history: tuple[str, ...] = ()
    patient_records: str
    """Free text, at most 200,000 code points; care plan citations point into exactly this string."""
    order_date: date


class Finding(Value):
    """What a rule has to say of an order. `detail` may name another patient: for staff only."""

    type: FindingType
    code: str
    message: str
    detail: dict[str, Any] = {}
    confirmed: bool = False
