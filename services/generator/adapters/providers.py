"""Makes the models that the settings name. Each SDK takes a second and 40 MB to load: only who uses it pays."""

from dataclasses import dataclass

from services.generator.adapters.model import LanguageModel
from services.generator.adapters.scripted import Scripted


@dataclass(frozen=True, slots=True)
class Access:
    """How a provider is reached."""

    api_key: str = ""
    base_url: str | None = None
    timeout_seconds: float = 120


def language_model(provider: str, model: str, access: Access) -> LanguageModel:
    if provider == "scripted":
        return Scripted()
    if provider == "anthropic":
        from services.generator.adapters.anthropic import Anthropic  # noqa: PLC0415

        return Anthropic(access.api_key, base_url=access.base_url, model=model, timeout_seconds=access.timeout_seconds)
    from services.generator.adapters.openai import OpenAI  # noqa: PLC0415

    return OpenAI(
        # A server of one's own asks for no key; the SDK does.
        access.api_key or "none",
        provider=provider,
        base_url=access.base_url,
        model=model,
        timeout_seconds=access.timeout_seconds,
    )
