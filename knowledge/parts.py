"""The small vocabulary that facts, drugs and rules are written in."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Text = Annotated[str, StringConstraints(strict=True, strip_whitespace=True, min_length=1)]
Names = tuple[Text, ...]
SomeNames = Annotated[Names, Field(min_length=1)]
Flag = Annotated[bool, Field(strict=True)]
Days = Annotated[int, Field(strict=True, ge=0)]
Positive = Annotated[Decimal, Field(gt=0)]
DrugId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
FactId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*\.[a-z_]+\.[a-z0-9_]+$")]
# A prefix of dotted ICD-10-CM codes: "G70.0" stands for G70.00 and G70.01.
Icd10Prefix = Annotated[str, StringConstraints(pattern=r"^[A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,4})?$")]
Icd10Prefixes = tuple[Icd10Prefix, ...]
Severity = Literal["high", "moderate", "low"]
Route = Literal["IV", "SC", "PO"]


class Frozen(BaseModel):
    """An unknown key is an error, so that a misspelt field never drops a safety fact silently."""

    model_config = ConfigDict(frozen=True, extra="forbid")
