"""The form of an order: every field's rule and the code of its breach, all of them reported at once.

The rules are those of the field table in docs/api.md. What passes is an Order; nothing here asks a database.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, cast

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo

from chassis.errors import Fault
from chassis.strict_form import StrictForm, broken, check, required
from schemas.order import Order, Patient, Provider, Sex
from services.intake.domain.records import MAX_RECORD_CHARACTERS

_MAX_NAME, _MAX_MEDICATION, _MAX_LINE, _MAX_LINES = 100, 200, 1_000, 200
_NAME_PUNCTUATION = frozenset("'-.,\u2019\u2018\u02bc\u2010\u2011\u2013")
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NPI = re.compile(r"[0-9]{10}")
_ICD10 = re.compile(r"([A-TV-Z][0-9]|U0)[0-9A-Z](\.?[0-9A-Z]{1,4})?")


@dataclass(frozen=True)
class FormRules:
    """What the rules need from outside: the pharmacy's today and its form of an MRN."""

    today: date
    mrn: re.Pattern[str]


def _name(text: str) -> str:
    required(text)
    if len(text) > _MAX_NAME or not all(_in_a_name(character) for character in text):
        raise broken(
            "NAME_FORMAT", f"A name is 1 to {_MAX_NAME} letters, spaces, apostrophes, hyphens, dots or commas."
        )
    return text


def _in_a_name(character: str) -> bool:
    kind = unicodedata.category(character)
    return kind[0] in "LM" or kind == "Zs" or character in _NAME_PUNCTUATION


def _mrn(text: str, info: ValidationInfo) -> str:
    required(text)
    if not _rules(info).mrn.fullmatch(text):
        raise broken("MRN_FORMAT", "The MRN does not have this pharmacy's form (6 digits, unless set otherwise).")
    return text


def _npi(text: str) -> str:
    required(text)
    if not _NPI.fullmatch(text):
        raise broken("NPI_FORMAT", "An NPI has 10 digits.")
    return text


def _diagnosis(text: str) -> str:
    """With the dot, upper case."""
    if not _has_icd10_form(text):
        raise broken("ICD10_FORMAT", "This does not have the form of an ICD-10-CM code, such as G70.00.")
    plain = text.strip().upper().replace(".", "")
    return plain if len(plain) == 3 else f"{plain[:3]}.{plain[3:]}"


def _medication(text: str) -> str:
    required(text)
    if len(text) > _MAX_MEDICATION:
        raise broken("MEDICATION", f"A medication has at most {_MAX_MEDICATION} characters.")
    return text


def _records(text: str) -> str:
    required(text)
    if len(text) > MAX_RECORD_CHARACTERS:
        raise broken("RECORDS_TOO_LARGE", f"Patient records have at most {MAX_RECORD_CHARACTERS:,} characters.")
    return text


def _line(text: str) -> str:
    if not text.strip() or len(text) > _MAX_LINE:
        raise broken("VALUE", f"An entry has 1 to {_MAX_LINE:,} characters.")
    return text


def _weight(value: float) -> float:
    if not 0 < value <= 700:
        raise broken("VALUE", "A weight is between 0 and 700 kg.")
    return value


def _iso_date(code: str, *, is_required: bool) -> BeforeValidator:
    def parse(value: object) -> object:
        if not isinstance(value, str):
            return value
        if is_required:
            required(value)
        try:
            if _ISO_DATE.fullmatch(value):
                return date.fromisoformat(value)
        except ValueError:
            pass
        raise broken(code, "A date is written YYYY-MM-DD.")

    return BeforeValidator(parse)


def _within_years(code: str, years: int) -> AfterValidator:
    def within(day: date, info: ValidationInfo) -> date:
        today = _rules(info).today
        if day > today:
            raise broken(code, "This date lies in the future.")
        if day < years_before(today, years):
            raise broken(code, f"This date lies more than {years} years back.")
        return day

    return AfterValidator(within)


def years_before(day: date, years: int) -> date:
    """The same day so many years earlier; 28 February for a 29th that is not there."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


def _rules(info: ValidationInfo) -> FormRules:
    return cast("FormRules", info.context)


def _shown(**keywords: Any) -> Any:
    """What OpenAPI can say of a rule; the rule itself is the validator beside it."""
    return Field(json_schema_extra=keywords)


_NOT_BLANK = r"\S"
Name = Annotated[str, AfterValidator(_name), _shown(minLength=1, maxLength=_MAX_NAME, pattern=_NOT_BLANK)]
Mrn = Annotated[str, AfterValidator(_mrn), _shown(minLength=1, examples=["012345"])]
Npi = Annotated[str, AfterValidator(_npi), _shown(pattern="^[0-9]{10}$", examples=["1234567893"])]
_DIAGNOSIS_SHOWN = _shown(pattern=r"^\s*[A-Za-z][0-9][0-9A-Za-z]", examples=["G70.00"])
Diagnosis = Annotated[str, AfterValidator(_diagnosis), _DIAGNOSIS_SHOWN]
PrimaryDiagnosis = Annotated[str, AfterValidator(required), AfterValidator(_diagnosis), _DIAGNOSIS_SHOWN]
DateOfBirth = Annotated[date, _iso_date("DATE_OF_BIRTH", is_required=True), _within_years("DATE_OF_BIRTH", 130)]
OrderDate = Annotated[date, _iso_date("ORDER_DATE", is_required=False), _within_years("ORDER_DATE", 5)]
Medication = Annotated[
    str, AfterValidator(_medication), _shown(minLength=1, maxLength=_MAX_MEDICATION, pattern=_NOT_BLANK)
]
Records = Annotated[
    str, AfterValidator(_records), _shown(minLength=1, maxLength=MAX_RECORD_CHARACTERS, pattern=_NOT_BLANK)
]
Line = Annotated[str, AfterValidator(_line), _shown(minLength=1, maxLength=_MAX_LINE, pattern=_NOT_BLANK)]
Lines = Annotated[list[Line], Field(max_length=_MAX_LINES)]


class PatientForm(StrictForm):
    first_name: Name
    last_name: Name
    mrn: Mrn
    date_of_birth: DateOfBirth
    sex: Sex | None = None
    weight_kg: Annotated[float, AfterValidator(_weight), _shown(exclusiveMinimum=0, maximum=700)] | None = None
    allergies: Lines | None = None


class ProviderForm(StrictForm):
    name: Name
    npi: Npi


class OrderForm(StrictForm):
    """What a caller sends to `POST /api/orders`."""

    patient: PatientForm
    provider: ProviderForm
    primary_diagnosis: PrimaryDiagnosis
    additional_diagnoses: Annotated[list[Diagnosis], Field(max_length=_MAX_LINES)] | None = None
    medication: Medication
    medication_history: Lines | None = None
    patient_records: Records
    order_date: OrderDate | None = None
    confirm: bool | None = None

    def order(self, today: date) -> Order:
        return Order(
            patient=Patient.model_construct(
                **{**vars(self.patient), "allergies": tuple(self.patient.allergies or ())},
            ),
            provider=Provider.model_construct(**vars(self.provider)),
            primary_diagnosis=self.primary_diagnosis,
            additional_diagnoses=tuple(self.additional_diagnoses or ()),
            medication=self.medication,
            medication_history=tuple(self.medication_history or ()),
            patient_records=self.patient_records,
            order_date=self.order_date or today,
        )


def check_form(value: Any, rules: FormRules) -> tuple[OrderForm | None, list[Fault]]:
    """The form when it is right, else everything that is wrong with it."""
    return check(OrderForm, value, rules)


def diagnoses_in(value: Any) -> dict[str, str]:
    """Field -> code of every diagnosis that has the form of one, whatever else is wrong."""
    if not isinstance(value, Mapping):
        return {}
    additional = value.get("additional_diagnoses")
    listed: Sequence[Any] = additional if isinstance(additional, list) else []
    candidates: dict[str, Any] = {"primary_diagnosis": value.get("primary_diagnosis")}
    candidates |= {f"additional_diagnoses.{index}": code for index, code in enumerate(listed)}
    return {field: _diagnosis(code) for field, code in candidates.items() if _has_icd10_form(code)}


def _has_icd10_form(code: object) -> bool:
    # ASCII first: the capital of "ſ" is "S".
    return isinstance(code, str) and code.isascii() and _ICD10.fullmatch(code.strip().upper()) is not None
