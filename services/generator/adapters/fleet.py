"""The models that may write, and in which order they are asked for one plan: the routing's choice, then any fallbacks.

Fallbacks are opt-in: a patient's records would go to another vendor.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.generator.adapters.gate import Gate, Gated
from services.generator.adapters.model import LanguageModel
from services.generator.domain.request import PlanRequest
from services.generator.domain.routing import Tier, tier_of


@dataclass(frozen=True)
class Fleet:
    """`by_tier` are the first provider's; each of `fallbacks` writes whatever those before it cannot."""

    by_tier: Mapping[Tier, LanguageModel]
    fallbacks: Sequence[LanguageModel] = ()
    gates: Sequence[Gate] = ()

    @property
    def billed(self) -> bool:
        return self.by_tier["large"].billed

    def candidates(self, request: PlanRequest, complaints: Sequence[str]) -> list[LanguageModel]:
        return [self.by_tier[tier_of(request, complaints)], *self.fallbacks]

    @property
    def models(self) -> list[LanguageModel]:
        return [*self.by_tier.values(), *self.fallbacks]


def one_model(model: LanguageModel) -> Fleet:
    """Everything is written by one model, without a gate before it."""
    return Fleet({"small": model, "large": model})


def fleet(
    small: LanguageModel, large: LanguageModel, fallbacks: Sequence[LanguageModel], gates: Sequence[Gate]
) -> Fleet:
    by_provider = {gate.provider: gate for gate in gates}

    def gated(model: LanguageModel) -> LanguageModel:
        return Gated(model, by_provider[model.provider])

    return Fleet({"small": gated(small), "large": gated(large)}, [gated(model) for model in fallbacks], gates)
