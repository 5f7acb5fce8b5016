"""A drug's file, and the shared tables beside it."""

from datetime import date
from decimal import Decimal
from typing import Literal, Self, TypeVar

from pydantic import ConfigDict, Field, model_validator

from knowledge.facts import DoseRule, Fact, FactBase
from knowledge.parts import DrugId, Flag, Frozen, Icd10Prefixes, Names, Route, Severity, SomeNames, Text

FactT = TypeVar("FactT", bound=FactBase)


class Use(Frozen):
    name: Text
    icd10: Icd10Prefixes
    off_label: Flag = False


class Drug(Frozen):
    """`look_alikes` are other medicines whose names contain one of this drug's: an order for them is not for this."""

    # `class` is a Python keyword: the file says `class`, the code says `drug_class`.
    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_alias=True)

    status: Literal["unverified", "verified"]
    reviewed_by: str
    reviewed_on: date | Literal[""]
    label_setid: str
    label_date: date | Literal[""]
    id: DrugId
    generic: Text
    full_name: Text
    generic_names: Names
    brands: SomeNames
    look_alikes: Names = ()
    routes: tuple[Route, ...] = Field(min_length=1)
    drug_class: Text = Field(alias="class")
    uses: tuple[Use, ...] = Field(min_length=1)
    high_risk: Flag
    rems: str
    facts: tuple[Fact, ...] = Field(min_length=1)

    @property
    def names(self) -> tuple[str, ...]:
        return (self.generic, self.full_name, *self.generic_names, *self.brands)

    @property
    def dosed_by_weight(self) -> bool:
        """True where an adult's dose needs a weight; a drug that is so only for children is not blocked without one."""
        return any(isinstance(f, DoseRule) and f.weight_based and f.population != "pediatric" for f in self.facts)

    def facts_of(self, kind: type[FactT]) -> tuple[FactT, ...]:
        return tuple(fact for fact in self.facts if isinstance(fact, kind))

    @model_validator(mode="after")
    def _verified_needs_a_reviewer(self) -> Self:
        stamped = all((self.reviewed_by, self.reviewed_on, self.label_setid, self.label_date))
        if self.status == "verified" and not stamped:
            raise ValueError("status 'verified' needs reviewed_by, reviewed_on, label_setid and label_date")
        return self

    @model_validator(mode="after")
    def _high_risk_agrees_with_its_facts(self) -> Self:
        kinds = {fact.kind for fact in self.facts}
        if self.high_risk != bool(kinds & {"boxed_warning", "rems"}):
            raise ValueError("high_risk must be true exactly where there is a boxed warning or a REMS")
        if bool(self.rems) != ("rems" in kinds):
            raise ValueError("rems names the programme exactly where there is a fact of kind rems")
        return self


class SupportMedicine(Frozen):
    """A medicine that any plan may name: given before an infusion, or to rescue."""

    name: Text
    also: Names = ()
    role: Literal["premedication", "rescue", "diluent", "antiviral", "antidote", "prophylaxis"]
    why: Text


class DrugClass(Frozen):
    id: DrugId
    name: Text
    members: SomeNames
    brands: Names = ()
    unsure: Flag = False


class Phrase(Frozen):
    """A diagnosis code and the words in a record that contradict it."""

    icd10: Icd10Prefixes
    contradicted_by: SomeNames
    means: Text


class CrossDrugRule(Frozen):
    """A rule over the whole order. `drugs` are drug ids, `classes` ids of drug classes; empty means any."""

    id: DrugId
    text: Text
    finding: Literal["missing_result", "positive_result", "duplication", "interaction", "code_mismatch",
                     "weight_required", "arithmetic", "pregnancy", "rems", "excipient_allergy"]  # fmt: skip
    category: Literal["unnecessary_therapy", "needs_additional_therapy", "ineffective_drug", "dose_too_low",
                      "adverse_reaction", "dose_too_high", "adherence"]  # fmt: skip
    severity: Severity
    action: Text
    drugs: tuple[DrugId, ...] = ()
    classes: tuple[DrugId, ...] = ()
    with_classes: tuple[DrugId, ...] = ()
    icd10: Icd10Prefixes = ()
    test: str = ""
    terms: Names = ()
    routes: tuple[Route, ...] = ()
    phrases: tuple[Phrase, ...] = ()
    tolerance: Decimal | None = None
    unsure: Flag = False
