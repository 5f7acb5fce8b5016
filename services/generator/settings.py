"""What an operator may turn at the generator."""

import re
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from pydantic import AfterValidator, Field, field_validator, model_validator
from pydantic_settings import NoDecode

from chassis.settings import ServiceSettings

ProviderName = Literal["scripted", "anthropic", "openai", "local"]

# The vendor's names of a small and a large model, where the operator names none.
_SMALL_AND_LARGE = {
    "scripted": ("scripted-1", "scripted-1"),
    "anthropic": ("claude-haiku-5-5", "claude-sonnet-5-5"),
    "openai": ("gpt-6-luna", "gpt-6.1-sol"),
    "local": ("local-model", "local-model"),
}


def _filled_in(key: str) -> str:
    """Whether a vendor's key is any good, the vendor says; what nobody filled in stops the start."""
    if re.fullmatch(r"change[-_ ]?me\d*", key, re.IGNORECASE):
        raise ValueError("nobody has filled it in")
    return key


VendorKey = Annotated[str, AfterValidator(_filled_in)]


class GeneratorSettings(ServiceSettings):
    model_provider: ProviderName = Field(default="scripted", alias="CAREPLAN_MODEL")
    large_model: str = Field(default="", alias="CAREPLAN_MODEL_NAME")
    """Writes what is of high risk, and what a small model could not; empty: the provider's default."""
    small_model: str = Field(default="", alias="CAREPLAN_MODEL_SMALL")
    """Writes what is routine; empty: the provider's default, for `local` the large one. Equal names switch routing off."""
    fallbacks: Annotated[tuple[str, ...], NoDecode] = Field(default=(), alias="CAREPLAN_MODEL_FALLBACK")
    """`provider` or `provider:model`, with commas between, in order. Records then go to those vendors too: none by default."""
    anthropic_api_key: VendorKey | None = Field(default=None, alias="ANTHROPIC_API_KEY", repr=False)
    anthropic_base_url: str | None = Field(default=None, alias="ANTHROPIC_BASE_URL")
    openai_api_key: VendorKey | None = Field(default=None, alias="OPENAI_API_KEY", repr=False)
    openai_base_url: str | None = Field(default=None, alias="OPENAI_BASE_URL")
    """For `local` the address of your server, for `openai` one of its own regions or a gateway to it."""
    model_timeout_seconds: float = Field(default=120, alias="CAREPLAN_MODEL_TIMEOUT", gt=0)
    model_concurrency: int = Field(default=16, alias="CAREPLAN_MODEL_CONCURRENCY", ge=1)
    """Calls at once, for each process; the scripted provider, which waits for nobody, takes 128 jobs at once."""
    breaker_failures: int = Field(default=5, alias="CAREPLAN_MODEL_BREAKER_FAILURES", ge=1)
    breaker_rest_seconds: float = Field(default=30, alias="CAREPLAN_MODEL_BREAKER_SECONDS", gt=0)
    monthly_budget_usd: Decimal | None = Field(default=None, alias="CAREPLAN_MODEL_BUDGET_USD", ge=0)
    """For the calendar month (UTC), by the estimate of the price file. Orders wait once it is used up; nothing fails."""
    price_file: Path | None = Field(default=None, alias="CAREPLAN_PRICES")
    """A table of prices of your own, in the form of services/generator/prices.toml."""
    job_lease_seconds: float = Field(default=60, alias="CAREPLAN_JOB_LEASE_SECONDS", gt=0)
    """After so long another takes a job whose process died; ten seconds at most where writing costs nothing."""

    @field_validator("fallbacks", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return tuple(name.strip() for name in value.split(",") if name.strip()) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _providers_have_what_they_need(self) -> Self:
        """A missing key stops the start here, not the first order."""
        known = get_args(ProviderName)
        for provider in (self.model_provider, *(name.partition(":")[0] for name in self.fallbacks)):
            if provider not in known:
                raise ValueError(f"CAREPLAN_MODEL_FALLBACK names {provider!r}: it may name {', '.join(known)}")
            if provider == "anthropic" and not self.anthropic_api_key:
                raise ValueError("ANTHROPIC_API_KEY is not set, and anthropic is to write care plans")
            if provider == "openai" and not self.openai_api_key:
                raise ValueError("OPENAI_API_KEY is not set, and openai is to write care plans")
            if provider == "local" and not self.openai_base_url:
                raise ValueError("OPENAI_BASE_URL is not set, and a local model is to write care plans")
        return self

    def model_of(self, provider: str, size: Literal["small", "large"]) -> str:
        """The name that the provider knows."""
        small, large = _SMALL_AND_LARGE[provider]
        if provider != self.model_provider:
            return small if size == "small" else large
        large = self.large_model or large
        if size == "large":
            return large
        return self.small_model or (large if provider == "local" else small)
