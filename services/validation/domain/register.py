"""What is known so far: patients, providers and accepted orders, as far as the orders at hand touch them.

Storage loads it, the rules read it, and each accepted order of a batch adds to it for the next one.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from schemas.order import Order
from services.validation.domain.identity import DrugNames, Titles, same_drug, same_person, same_provider


@dataclass(frozen=True, slots=True)
class KnownPatient:
    patient_id: UUID
    mrn: str
    first_name: str
    last_name: str
    date_of_birth: date

    @property
    def person(self) -> str:
        return same_person(self.first_name, self.last_name, self.date_of_birth)


@dataclass(frozen=True, slots=True)
class KnownProvider:
    provider_id: UUID
    npi: str
    name: str


@dataclass(frozen=True, slots=True)
class KnownOrder:
    order_id: UUID
    patient_id: UUID
    drug: str
    order_date: date


@dataclass(frozen=True)
class Sameness:
    """The pharmacy's notion of "the same": titles around names, and which brand is which drug."""

    titles: Titles
    drug_names: DrugNames

    def provider(self, name: str) -> str:
        return same_provider(name, self.titles)

    def drug(self, medication: str) -> str:
        return same_drug(medication, self.drug_names)


@dataclass
class Register:
    sameness: Sameness
    providers: dict[str, KnownProvider] = field(default_factory=dict)
    """By NPI."""
    patients: dict[str, KnownPatient] = field(default_factory=dict)
    """By MRN."""
    _by_person: dict[str, list[KnownPatient]] = field(default_factory=lambda: defaultdict(list))
    _orders: dict[tuple[UUID, str], list[KnownOrder]] = field(default_factory=lambda: defaultdict(list))

    def add_patient(self, patient: KnownPatient) -> None:
        if patient.mrn not in self.patients:
            self.patients[patient.mrn] = patient
            self._by_person[patient.person].append(patient)

    def add_provider(self, provider: KnownProvider) -> None:
        self.providers.setdefault(provider.npi, provider)

    def add_order(self, order: KnownOrder) -> None:
        self._orders[order.patient_id, order.drug].append(order)

    def patient_of(self, order: Order) -> KnownPatient | None:
        """The record that the order resolves to: by MRN."""
        return self.patients.get(order.patient.mrn)

    def same_person_elsewhere(self, order: Order) -> list[KnownPatient]:
        """Patients with this name and date of birth under another MRN."""
        return [p for p in self._by_person.get(person_of(order), ()) if p.mrn != order.patient.mrn]

    def orders_like(self, order: Order) -> list[KnownOrder]:
        """Accepted orders of the same patient for the same drug, oldest first."""
        patient = self.patient_of(order)
        if patient is None:
            return []
        found = self._orders.get((patient.patient_id, self.sameness.drug(order.medication)), ())
        return sorted(found, key=lambda known: (known.order_date, known.order_id))


def person_of(order: Order) -> str:
    patient = order.patient
    return same_person(patient.first_name, patient.last_name, patient.date_of_birth)
