"""What the rules of the checklist look at: the order, read once."""

from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from schemas.order import Order
from services.generator.domain.evidence import OrderField, RecordQuote, diagnosis, entry
from services.generator.domain.guide import Guide, Library
from services.generator.domain.reading import Place, Reading, Term, term

# What a diagnosis code says in the words that facts and records use.
_WORDS_OF_CODES: tuple[tuple[str, str], ...] = (
    ("I50", "heart failure; congestive heart failure; CHF"),
    ("I11.0", "heart failure"),
    ("B18.0", "chronic hepatitis B; HBsAg positive"),
    ("B18.1", "chronic hepatitis B; HBsAg positive"),
    ("B19.1", "hepatitis B; HBsAg positive"),
    ("B16", "active hepatitis B; HBsAg positive"),
    ("Z22.51", "hepatitis B carrier"),
    ("G35", "multiple sclerosis"),
    ("H46", "optic neuritis"),
    ("G61.0", "Guillain-Barre"),
    ("I21", "myocardial infarction"),
    ("I22", "myocardial infarction"),
    ("I20.0", "unstable angina"),
    ("I63", "stroke"),
    ("G45", "TIA; transient ischemic attack"),
    ("I44.1", "AV block"),
    ("I44.2", "AV block"),
    ("I49.5", "sick sinus syndrome"),
    ("I45.81", "long QT"),
    ("I48", "atrial fibrillation; atrial flutter"),
    ("I82", "deep vein thrombosis; DVT; thrombosis"),
    ("I26", "pulmonary embolism"),
    ("Z86.71", "deep vein thrombosis; DVT; thrombosis"),
    ("K50", "Crohn's disease; inflammatory bowel disease"),
    ("K51", "ulcerative colitis; inflammatory bowel disease"),
    ("K57", "diverticular disease"),
    ("K74", "cirrhosis; hepatic impairment"),
    ("K70.3", "cirrhosis; hepatic impairment"),
    ("K72", "liver failure; severe hepatic impairment"),
    ("F32", "depression"),
    ("F33", "depression"),
    ("D66", "hemophilia"),
    ("D67", "hemophilia"),
    ("D80.2", "IgA deficiency; selective IgA deficiency"),
    ("E72.59", "hyperprolinemia"),
    ("E74.12", "hereditary fructose intolerance; fructose intolerance"),
    ("A39", "meningococcal infection"),
    ("A81.2", "progressive multifocal leukoencephalopathy; PML"),
    ("A15", "active tuberculosis"),
    ("A40", "sepsis"),
    ("A41", "sepsis"),
    ("J18", "pneumonia"),
    ("N39.0", "urinary tract infection"),
    ("L03", "cellulitis"),
    ("J46", "status asthmaticus"),
    ("J45.902", "status asthmaticus"),
    ("H20", "uveitis"),
    ("M31.3", "granulomatosis with polyangiitis"),
    ("Z33", "pregnant; pregnancy"),
    ("O", "pregnant; pregnancy"),
    ("B65", "parasitic infection"),
    ("B78", "strongyloides; parasitic infection"),
    ("F17", "current smoker"),
    ("Z87.891", "former smoker"),
)

_ENDED = frozenset(
    [
        "stopped",
        "discontinued",
        "dc",
        "ended",
        "completed",
        "former",
        "formerly",
        "previous",
        "previously",
        "past",
        "until",
    ]
)


_CANNOT_BE_PREGNANT = tuple(map(term, ("postmenopausal", "post-menopausal", "menopausal", "hysterectomy", "tubal ligation",
                                 "bilateral oophorectomy", "surgically sterile")))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Medicine:
    """One entry of the medication history, as it was written."""

    index: int
    text: str
    reading: Reading

    @property
    def ended(self) -> bool:
        return not _ENDED.isdisjoint(self.reading.words) or "d/c" in self.reading.low

    @property
    def evidence(self) -> OrderField:
        return entry("medication_history", self.index)


@dataclass(frozen=True, slots=True)
class Recorded:
    """One recorded allergy, as it was written."""

    index: int
    reading: Reading

    @property
    def text(self) -> str:
        return self.reading.text.strip()

    @property
    def evidence(self) -> OrderField:
        return entry("patient.allergies", self.index)


@dataclass(frozen=True)
class Case:
    order: Order
    library: Library
    guide: Guide | None
    records: Reading
    medicines: tuple[Medicine, ...]
    allergies: tuple[Recorded, ...]
    """Entries with words in them; a blank one is as if it were not there."""
    codes: tuple[str, ...]
    age: int
    coded: tuple[tuple[Reading, OrderField], ...] = field(default=())
    """The diagnoses in words, with where each stands."""

    @cached_property
    def medication(self) -> Reading:
        return Reading(self.order.medication)

    @cached_property
    def words(self) -> frozenset[str]:
        """Every word of the records, the history and the diagnoses: a rule whose words are not here has nothing to find."""
        return self.records.words.union(self.history_words, *(r.words for r, _ in self.coded))

    @cached_property
    def history_words(self) -> frozenset[str]:
        return frozenset[str]().union(*[medicine.reading.words for medicine in self.medicines])

    @cached_property
    def may_become_pregnant(self) -> bool:
        """By sex and age, unless the records say that it is not possible; unknown sex counts: asking is the safer mistake."""
        if self.order.patient.sex == "male" or not 12 <= self.age <= 55:
            return False
        return not any(
            not self.records.denied(place) for wanted in _CANNOT_BE_PREGNANT for place in self.records.places(wanted)
        )

    def quotes_of(self, wanted: Term) -> tuple[RecordQuote, ...]:
        """The first sentence of the records that names it and does not deny it; nothing where there is none."""
        place = next((p for p in self.records.places(wanted) if not self.records.denied(p)), None)
        return () if place is None else (self.quote(place),)

    def quote(self, place: Place) -> RecordQuote:
        return RecordQuote(quote=self.records.quote(place))


def read(order: Order, library: Library, guide: Guide | None) -> Case:
    codes = (order.primary_diagnosis, *order.additional_diagnoses)
    return Case(
        order=order,
        library=library,
        guide=guide,
        records=Reading(order.patient_records),
        medicines=tuple(
            Medicine(i, text, Reading(text)) for i, text in enumerate(order.medication_history) if text.strip()
        ),
        allergies=tuple(Recorded(i, Reading(text)) for i, text in enumerate(order.patient.allergies) if text.strip()),
        codes=codes,
        age=age_on(order.order_date, order.patient.date_of_birth),
        coded=_coded(codes),
    )


def age_on(day: date, born: date) -> int:
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


_coded_words: dict[str, Reading | None] = {}
_MOST_CODES = 5000


def _coded(codes: tuple[str, ...]) -> tuple[tuple[Reading, OrderField], ...]:
    found: list[tuple[Reading, OrderField]] = []
    for at, code in enumerate(codes):
        if code not in _coded_words:
            words = "; ".join(words for prefix, words in _WORDS_OF_CODES if code.startswith(prefix))
            if len(_coded_words) >= _MOST_CODES:
                _coded_words.clear()
            _coded_words[code] = Reading(words) if words else None
        reading = _coded_words[code]
        if reading is not None:
            found.append((reading, diagnosis(at)))
    return tuple(found)
