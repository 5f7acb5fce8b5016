"""Where a statement comes from: the records, the knowledge base or the order itself."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from schemas.order import Order

# Plain dataclasses, which pydantic reads as strictly as its own models: they are made by the dozen for each plan.
STRICT = ConfigDict(extra="forbid", strict=True)
Said = Annotated[str, Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class RecordQuote:
    """`quote` is a verbatim substring of the patient records."""

    __pydantic_config__ = STRICT
    quote: Said
    kind: Literal["record"] = "record"


@dataclass(frozen=True, slots=True)
class FactRef:
    """A fact of the knowledge base, by its id."""

    __pydantic_config__ = STRICT
    fact_id: Said
    kind: Literal["knowledge"] = "knowledge"


@dataclass(frozen=True, slots=True)
class OrderField:
    """A field of the order: "medication", "patient.weight_kg", "medication_history.2"."""

    __pydantic_config__ = STRICT
    field: Said
    kind: Literal["order"] = "order"


Evidence = Annotated[RecordQuote | FactRef | OrderField, Field(discriminator="kind")]


@lru_cache(maxsize=512)
def entry(name: str, at: int) -> OrderField:
    """Where one entry of a list of the order stands: "medication_history.2"."""
    return OrderField(field=f"{name}.{at}")


@lru_cache(maxsize=512)
def diagnosis(at: int) -> OrderField:
    """The primary diagnosis is number 0."""
    return OrderField(field="primary_diagnosis") if at == 0 else entry("additional_diagnoses", at - 1)


def order_value(order: Order, field: str) -> str | None:
    """What the order says there, as text; None where there is no such field or nothing in it."""
    head, _, rest = field.partition(".")
    value: object
    if head == "patient":
        name, _, rest = rest.partition(".")
        value = _PATIENT[name](order) if name in _PATIENT else None
    else:
        value = _ORDER[head](order) if head in _ORDER else None
    if isinstance(value, tuple):
        if not rest:
            return ", ".join(value) or None
        return value[int(rest)] if rest.isdecimal() and int(rest) < len(value) else None
    if value is None or rest:
        return None
    return f"{value:g}" if isinstance(value, float) else str(value) or None


_PATIENT: dict[str, Callable[[Order], Any]] = {
    "sex": lambda o: o.patient.sex,
    "weight_kg": lambda o: o.patient.weight_kg,
    "allergies": lambda o: o.patient.allergies,
    "mrn": lambda o: o.patient.mrn,
    "date_of_birth": lambda o: o.patient.date_of_birth,
}
_ORDER: dict[str, Callable[[Order], Any]] = {
    "primary_diagnosis": lambda o: o.primary_diagnosis,
    "additional_diagnoses": lambda o: o.additional_diagnoses,
    "medication": lambda o: o.medication,
    "medication_history": lambda o: o.medication_history,
    "order_date": lambda o: o.order_date,
}
