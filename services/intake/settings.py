"""What an operator may turn at intake."""

import re
from functools import cached_property
from typing import Annotated

from pydantic import AfterValidator, Field, field_validator

from chassis.secret_values import Secret, private_key
from chassis.settings import ServiceSettings


class IntakeSettings(ServiceSettings):
    mrn_pattern: str = Field(default="^[0-9]{6}$", alias="MRN_PATTERN")
    token_private_key: Annotated[str, AfterValidator(private_key)] = Field(
        alias="CAREPLAN_TOKEN_PRIVATE_KEY", repr=False
    )
    """JSON Web Key (Ed25519) that signs sessions, staff tokens and partner keys. Intake's alone."""
    session_hours: float = Field(default=12, alias="CAREPLAN_SESSION_HOURS", gt=0)

    home: str = Field(default="var", alias="CAREPLAN_HOME")
    documents: str = Field(default="", alias="CAREPLAN_DOCUMENTS")
    """Where large originals lie, encrypted: a folder (`documents` below CAREPLAN_HOME), or `s3://bucket/prefix`."""
    s3_endpoint: str | None = Field(default=None, alias="AWS_ENDPOINT_URL")
    """For S3 that is not Amazon's. What is unset here is as the AWS environment has it."""
    s3_region: str | None = Field(default=None, alias="AWS_REGION")
    s3_access_key_id: str | None = Field(default=None, alias="AWS_ACCESS_KEY_ID")
    s3_secret_access_key: Secret | None = Field(default=None, alias="AWS_SECRET_ACCESS_KEY", repr=False)
    file_readers: int = Field(default=2, alias="CAREPLAN_FILE_READERS", ge=1)
    """Child processes that read PDFs and large bodies; each takes a core while it does."""

    @field_validator("mrn_pattern")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from None
        return pattern

    @property
    def documents_place(self) -> str:
        return self.documents or f"{self.home}/documents"

    @cached_property
    def mrn(self) -> re.Pattern[str]:
        return re.compile(self.mrn_pattern)
