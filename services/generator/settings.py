"""What an operator may turn at the generator."""

from typing import Literal

from pydantic import Field

from chassis.secret_values import Secret
from chassis.settings import ServiceSettings


class GeneratorSettings(ServiceSettings):
    model_provider: Literal["scripted", "anthropic"] = Field(default="scripted", alias="CAREPLAN_MODEL")
    model_name: str = Field(default="claude-sonnet-5-5", alias="CAREPLAN_MODEL_NAME")
    anthropic_api_key: Secret | None = Field(default=None, alias="ANTHROPIC_API_KEY", repr=False)
    anthropic_base_url: str | None = Field(default=None, alias="ANTHROPIC_BASE_URL")
    model_timeout_seconds: float = Field(default=120, alias="CAREPLAN_MODEL_TIMEOUT", gt=0)
    model_concurrency: int = Field(default=16, alias="CAREPLAN_MODEL_CONCURRENCY", ge=1)
    """Calls at once, for each process; the scripted provider, which waits for nobody, takes 64 jobs at once."""
    job_lease_seconds: float = Field(default=60, alias="CAREPLAN_JOB_LEASE_SECONDS", gt=0)
