"""Who wrote the plans that are graded: `scripted`, answers recorded earlier, or a model that is asked now."""

import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_json

from evals.cases import Case, facts
from schemas.careplan import CarePlan, ProducedBy
from services.generator.adapters.model import LanguageModel, ModelFailed, ModelUnavailable
from services.generator.adapters.providers import Access, language_model
from services.generator.adapters.scripted import Scripted
from services.generator.domain.answer import BadAnswer, parse_answer
from services.generator.domain.assemble import assemble
from services.generator.domain.request import plan_request


@dataclass(frozen=True, slots=True)
class Run:
    """One answer to one case: a plan, or the reasons why there is none. `text` is the answer as it came, to be recorded."""

    produced_by: ProducedBy
    plan: CarePlan | None
    reasons: tuple[str, ...] = ()
    text: str = ""


class Provider(Protocol):
    @property
    def name(self) -> str: ...

    async def runs(self, case: Case) -> Sequence[Run]: ...


class Recorded(BaseModel):
    """A line of a file of recorded answers: the model's answer, or a whole plan. Several lines of a case are several runs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    case: str
    produced_by: ProducedBy
    answer: dict[str, Any] | str | None = None
    plan: CarePlan | None = Field(default=None)


@dataclass(frozen=True)
class Asked:
    """A language model behind the generator's own Protocol."""

    model: LanguageModel
    times: int = 1

    @property
    def name(self) -> str:
        return self.model.provider

    async def runs(self, case: Case) -> Sequence[Run]:
        return [await self._run(case) for _ in range(self.times)]

    async def _run(self, case: Case) -> Run:
        request = plan_request(case.order, facts())
        by = _by(self.model.provider, self.model.model, self.model.prompt_version)
        try:
            said = await self.model.write(request)
        except (ModelFailed, ModelUnavailable) as error:
            return Run(by, None, (error.reason,))
        by = by.model_copy(update={"model": said.model})
        try:
            return Run(by, assemble(said.answer(case.order), request, by), text=said.text)
        except BadAnswer as bad:
            return Run(by, None, bad.reasons, said.text)


@dataclass
class Replayed:
    """Answers from a file, as if they were given now; nobody is asked."""

    path: Path
    lines: dict[str, list[Recorded]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        for line in self.path.read_text(encoding="utf-8").splitlines():
            if line.strip():
                recorded = Recorded.model_validate_json(line)
                self.lines[recorded.case].append(recorded)

    @property
    def name(self) -> str:
        return f"recorded:{self.path.name}"

    async def runs(self, case: Case) -> Sequence[Run]:
        return [_replay(recorded, case) for recorded in self.lines.get(case.id, [])]


def _replay(recorded: Recorded, case: Case) -> Run:
    if recorded.plan is not None:
        return Run(recorded.produced_by, recorded.plan)
    text = recorded.answer if isinstance(recorded.answer, str) else to_json(recorded.answer).decode()
    try:
        answer = parse_answer(text)
        return Run(
            recorded.produced_by, assemble(answer, plan_request(case.order, facts()), recorded.produced_by), text=text
        )
    except BadAnswer as bad:
        return Run(recorded.produced_by, None, bad.reasons, text)


_NEEDED = {
    "anthropic": ("ANTHROPIC_API_KEY", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"),
    "openai": ("OPENAI_API_KEY", "OPENAI_API_KEY", "OPENAI_BASE_URL"),
    "local": ("OPENAI_BASE_URL", "OPENAI_API_KEY", "OPENAI_BASE_URL"),
}
"""What must be set, the key, the address."""


def provider(name: str, times: int = 1) -> Provider:
    """ValueError where there is no such provider, or what it needs is not there."""
    kind, _, rest = name.partition(":")
    if kind == "scripted":
        return Asked(Scripted())
    if kind == "recorded" and rest:
        return Replayed(Path(rest))
    if kind in _NEEDED and rest:
        needed, key, address = _NEEDED[kind]
        if not os.environ.get(needed):
            raise ValueError(f"{kind} needs {needed} in the environment")
        return Asked(language_model(kind, rest, Access(os.environ.get(key, ""), os.environ.get(address))), times)
    raise ValueError(f"no provider '{name}': scripted, recorded:FILE, anthropic:MODEL, openai:MODEL or local:MODEL")


def _by(provider: str, model: str, prompt_version: str) -> ProducedBy:
    return ProducedBy(provider=provider, model=model, prompt_version=prompt_version, knowledge_version=facts().version)
