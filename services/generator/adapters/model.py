"""The language model, as the generator needs it.

    LanguageModel.write ──> ModelAnswer
        ├── ModelUnavailable   nobody was billed: try again after `retry_after`, without counting the try
        └── ModelFailed        it may have been billed: the try counts

Reasons are codes; messages never carry anything of a patient, a prompt or an answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from schemas.order import Order
from services.generator.domain.answer import Answer, parse_answer
from services.generator.domain.prices import NOTHING_USED, Usage
from services.generator.domain.redaction import Redaction
from services.generator.domain.request import PlanRequest

MOST_OUTPUT_TOKENS = 16_000
"""Of one call: a long plan has half as many."""


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """What the model said, and what it took. `text` names nobody: it holds the placeholders that the model was given.

    `written` is the answer where no text had to be made of it.
    """

    text: str
    model: str
    usage: Usage = NOTHING_USED
    written: Answer | None = None
    provider: str = ""
    prompt_version: str = ""

    def answer(self, order: Order) -> Answer:
        """The answer in its form, with the order's people put back; BadAnswer where the text is not one."""
        return self.written if self.written is not None else parse_answer(Redaction(order).show_in_json(self.text))


class LanguageModel(Protocol):
    @property
    def provider(self) -> str: ...

    @property
    def model(self) -> str: ...

    @property
    def billed(self) -> bool: ...

    @property
    def prompt_version(self) -> str: ...

    async def write(self, request: PlanRequest, complaints: Sequence[str] = ()) -> ModelAnswer:
        """One call, never repeated inside. `complaints` are what was wrong with the previous answer."""
        ...


class ModelUnavailable(Exception):
    """Refused before any work was done: nobody was billed. `asked` is false where no call was made at all."""

    def __init__(self, reason: str, retry_after: float | None = None, *, asked: bool = True) -> None:
        super().__init__(f"The language model is not available: {reason}")
        self.reason = reason
        self.retry_after = retry_after
        self.asked = asked


class ModelFailed(Exception):
    """The call ended without a usable answer. `usage` is what was billed, None where nobody knows."""

    def __init__(self, reason: str, usage: Usage | None = None) -> None:
        super().__init__(f"The language model gave no usable answer: {reason}")
        self.reason = reason
        self.usage = usage
