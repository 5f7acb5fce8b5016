"""A care plan: four sections, what is missing, and the evidence for every statement."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field
from zstandard import ZstdCompressor, ZstdDecompressor, ZstdError

from schemas.order import Value

Category = Literal[
    "unnecessary_therapy",
    "needs_additional_therapy",
    "ineffective_drug",
    "dose_too_low",
    "adverse_reaction",
    "dose_too_high",
    "adherence",
]
"""The seven drug therapy problems of Cipolle and Strand."""
Severity = Literal["high", "moderate", "low"]
Review = Literal["draft", "approved"]

DRAFT_BANNER = "Draft: requires pharmacist review"


class Problem(Value):
    id: str
    text: str
    category: Category
    severity: Severity
    status: str = "open"
    medication: str | None = None
    citations: tuple[str, ...] = ()


class Goal(Value):
    id: str
    text: str
    measure: str
    target: str
    due: date
    addresses: tuple[str, ...] = ()
    citations: tuple[str, ...] = ()


class Intervention(Value):
    id: str
    text: str
    when: str
    by: str
    addresses: tuple[str, ...] = ()
    citations: tuple[str, ...] = ()


class Monitoring(Value):
    id: str
    text: str
    test: str
    first: str
    interval: str
    threshold: str
    action: str
    responsible: str
    addresses: tuple[str, ...] = ()
    citations: tuple[str, ...] = ()


class Sections(Value):
    problem_list: tuple[Problem, ...]
    goals: tuple[Goal, ...]
    interventions: tuple[Intervention, ...]
    monitoring: tuple[Monitoring, ...]


class Citation(Value):
    """`record`: a verbatim quote at [start, end) of the stored records, in code points.
    `knowledge`: the drug fact `fact_id`. `order`: a field of the order, named in `source`.
    """

    id: str
    kind: Literal["record", "order", "knowledge"]
    source: str
    quote: str
    start: int | None = None
    end: int | None = None
    fact_id: str | None = None


class ProducedBy(Value):
    provider: str
    model: str
    prompt_version: str
    knowledge_version: str


class CarePlan(Value):
    sections: Sections
    gaps: tuple[str, ...] = ()
    handout: str = ""
    citations: tuple[Citation, ...] = ()
    produced_by: ProducedBy
    text: str
    """What a pharmacist wrote in place of the readable text; empty where `readable` makes it from the sections."""
    text_edited: bool = False


PackedCarePlan = Annotated[
    bytes,
    Field(
        description="A CarePlan as JSON, compressed with Zstandard; in the event's JSON base64url.",
        json_schema_extra={"contentMediaType": "application/json", "contentSchema": {"title": "CarePlan"}},
    ),
]
"""A plan is written and compressed once, by the generator; who only keeps it never unpacks it."""


def pack(careplan: CarePlan) -> bytes:
    return _COMPRESSOR.compress(careplan.model_dump_json().encode())


def unpack(packed: bytes) -> CarePlan:
    """ValueError where it is not a packed care plan."""
    try:
        return CarePlan.model_validate_json(_DECOMPRESSOR.decompress(packed, max_output_size=_LARGEST_PLAN))
    except ZstdError:
        raise ValueError("not a packed care plan") from None


_COMPRESSOR, _DECOMPRESSOR = ZstdCompressor(level=1), ZstdDecompressor()
_LARGEST_PLAN = 16 * 1024 * 1024


class ModelUse(Value):
    """What writing one plan took. Costs are estimates from a dated price table, in US dollars."""

    calls: int = 0
    input_tokens: int = 0
    cached_input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    seconds: float = 0.0


class Changes(Value):
    """What a revision did to the version before it: ids of items, or "text" where the text was rewritten."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


class Signature(Value):
    """Who signed or revised, as the account names them, and when."""

    by: str
    at: datetime
