"""What an operator may turn at intake."""

import re
from functools import cached_property

from pydantic import Field, field_validator

from chassis.settings import ServiceSettings


class IntakeSettings(ServiceSettings):
    mrn_pattern: str = Field(default="^[0-9]{6}$", alias="MRN_PATTERN")
    token_private_key: str = Field(alias="CAREPLAN_TOKEN_PRIVATE_KEY", repr=False)
    """JSON Web Key (Ed25519) that signs sessions, staff tokens and partner keys. Intake's alone."""
    session_hours: float = Field(default=12, alias="CAREPLAN_SESSION_HOURS", gt=0)

    @field_validator("mrn_pattern")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from None
        return pattern

    @cached_property
    def mrn(self) -> re.Pattern[str]:
        return re.compile(self.mrn_pattern)
