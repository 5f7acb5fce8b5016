"""The language model, as the generator needs it.

    LanguageModel.write ──> ModelAnswer
        ├── ModelUnavailable   nobody was billed: try again after `retry_after`, without counting the try
        └── ModelFailed        it may have been billed: the try counts

Reasons are codes; messages never carry anything of a patient, a prompt or an answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from services.generator.domain.answer import Answer, parse_answer
from services.generator.domain.request import PlanRequest


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """What the model said, and what it took. `written` is the answer where no text had to be made of it."""

    text: str
    model: str
    input_tokens: int = 0
    """Tokens billed in full; those read from the cache are counted apart."""
    cached_input_tokens: int = 0
    output_tokens: int = 0
    written: Answer | None = None

    def answer(self) -> Answer:
        """The answer in its form; BadAnswer where the text is not one."""
        return self.written if self.written is not None else parse_answer(self.text)


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
    """Refused before any work was done: nobody was billed."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(f"The language model is not available: {reason}")
        self.reason = reason
        self.retry_after = retry_after


class ModelFailed(Exception):
    """The call ended without a usable answer and may have been billed."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The language model gave no usable answer: {reason}")
        self.reason = reason
