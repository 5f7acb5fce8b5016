"""What a call costs, worked out from its tokens and a dated table of prices. An estimate: the vendor's bill decides."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

_A_MILLION = Decimal(1_000_000)
_BYTES_A_TOKEN = 3
"""English has four or five; less makes an estimate from above."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens by what they cost. `input_tokens` are those that the cache had nothing to do with."""

    input_tokens: int = 0
    cache_write_tokens: int = 0
    cached_tokens: int = 0
    """Read from the cache."""
    output_tokens: int = 0

    @property
    def prompt_tokens(self) -> int:
        return self.input_tokens + self.cache_write_tokens + self.cached_tokens


NOTHING_USED = Usage()


@dataclass(frozen=True, slots=True)
class Rate:
    """US dollars for a million tokens."""

    input: Decimal
    cache_write: Decimal
    cached: Decimal
    output: Decimal

    def cost(self, usage: Usage) -> Decimal:
        parts = (
            (usage.input_tokens, self.input),
            (usage.cache_write_tokens, self.cache_write),
            (usage.cached_tokens, self.cached),
            (usage.output_tokens, self.output),
        )
        return sum((tokens * dollars for tokens, dollars in parts), Decimal(0)) / _A_MILLION


@dataclass(frozen=True, slots=True)
class Price:
    """`long` holds for the whole of a request whose prompt has more than `long_over` tokens."""

    rate: Rate
    long: Rate | None = None
    long_over: int = 0

    def cost(self, usage: Usage) -> Decimal:
        return (self.long if self.long and usage.prompt_tokens > self.long_over else self.rate).cost(usage)


@dataclass(frozen=True, slots=True)
class Prices:
    """The prices of a day, by provider and model."""

    as_of: date
    by_model: Mapping[tuple[str, str], Price] = field(default_factory=dict)

    def of(self, provider: str, model: str) -> Price | None:
        """Of this model, or of the one that it is a dated edition of; a provider may have one price for all ("*")."""
        names = [name for of, name in self.by_model if of == provider and model.startswith(f"{name}-20")]
        known = model if (provider, model) in self.by_model else max(names, key=len, default="*")
        return self.by_model.get((provider, known))


def estimated(prompt_bytes: int, most_output_tokens: int) -> Usage:
    """What a call may take at most, as far as that can be told before it."""
    return Usage(input_tokens=prompt_bytes // _BYTES_A_TOKEN, output_tokens=most_output_tokens)
