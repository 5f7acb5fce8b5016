"""The kinds of fact. `kind` decides which fields a fact must and may have."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from knowledge.dosing import DoseStep
from knowledge.parts import Days, FactId, Flag, Frozen, Icd10Prefixes, Names, Route, Severity, SomeNames, Text


class FactBase(Frozen):
    """`text` is what a plan may quote; `icd10`, where given, limits the fact to those diagnoses.

    `unsure` marks what goes beyond the seed table or rests on clinical judgement: the reviewer looks there first.
    """

    id: FactId
    text: Text
    source: Text
    unsure: Flag = False
    icd10: Icd10Prefixes = ()


class BoxedWarning(FactBase):
    kind: Literal["boxed_warning"]
    action: Text


class Contraindication(FactBase):
    """`absolute` is a contraindication of the label; otherwise a warning that asks for a decision.

    `terms` are looked for in allergies or in diagnoses and records; whoever looks must mind "no heart failure".
    """

    kind: Literal["contraindication"]
    terms: SomeNames
    matches: Literal["allergy", "condition"]
    absolute: Flag
    action: Text


class Excipient(FactBase):
    kind: Literal["excipient"]
    excipient: Text
    terms: SomeNames
    products: Names = ()
    action: Text


class Baseline(FactBase):
    """`terms` show in a record that the result exists; `do_not_start` is the value that stops the first dose."""

    kind: Literal["baseline"]
    test: Text
    why: Text
    terms: SomeNames
    loinc: Names = ()
    before_first_dose: Flag = False
    not_older_than_days: Days | None = None
    do_not_start: str = ""


class Monitoring(FactBase):
    """`days_after_start` and `every_days` feed a calendar where the interval is a fixed one."""

    kind: Literal["monitoring"]
    test: Text
    first: Text
    interval: Text
    until: str = ""
    threshold: Text
    action: Text
    responsible: Text
    days_after_start: Days | None = None
    every_days: Days | None = None


class Interaction(FactBase):
    """`targets` is what a reader sees; `members` every name to look for, classes already spelled out by the loader."""

    kind: Literal["interaction"]
    target_kind: Literal["drug", "vaccine", "food", "lab_test", "procedure"] = "drug"
    targets: SomeNames
    classes: Names = ()
    members: SomeNames
    effect: Text
    action: Text
    severity: Severity


class DoseRule(FactBase):
    """`steps` are computed by code; `lookup` names the label's table where the dose cannot be computed from here."""

    kind: Literal["dose_rule"]
    weight_based: Flag
    route: Route | None = None
    population: Literal["any", "adult", "pediatric"] = "any"
    steps: tuple[DoseStep, ...] = ()
    lookup: str = ""
    inputs: Names = ()
    schedule: str = ""

    @model_validator(mode="after")
    def _weight_based_rules_are_usable(self) -> Self:
        if self.weight_based != (any(step.needs_weight for step in self.steps) or bool(self.lookup)):
            raise ValueError("weight_based must agree with steps: per_kg, tiers or a lookup, or none of them")
        return self


class Counselling(FactBase):
    kind: Literal["counselling"]


class Premedication(FactBase):
    kind: Literal["premedication"]
    drugs: SomeNames
    timing: Text


class Vaccine(FactBase):
    kind: Literal["vaccine"]
    vaccines: SomeNames
    live: Flag
    timing: Text


class Pregnancy(FactBase):
    kind: Literal["pregnancy"]
    test_required: Flag = False
    contraception_required: Flag = False
    action: Text


class Rems(FactBase):
    kind: Literal["rems"]
    gate: Text
    action: Text


Fact = Annotated[
    BoxedWarning | Contraindication | Excipient | Baseline | Monitoring | Interaction | DoseRule | Counselling
    | Premedication | Vaccine | Pregnancy | Rems,
    Field(discriminator="kind"),
]  # fmt: skip
