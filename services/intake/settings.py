"""What an operator may turn at intake."""

import re
from functools import cached_property
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, field_validator, model_validator

from chassis.rate_limits import readable_limit
from chassis.secret_values import Secret, private_key
from chassis.security import ROLES
from chassis.settings import ServiceSettings

_THIS_MACHINE = ("127.0.0.1", "localhost", "::1")


class IntakeSettings(ServiceSettings):
    mrn_pattern: str = Field(default="^[0-9]{6}$", alias="MRN_PATTERN")
    token_private_key: Annotated[str, AfterValidator(private_key)] = Field(
        alias="CAREPLAN_TOKEN_PRIVATE_KEY", repr=False
    )
    """JSON Web Key (Ed25519) that signs sessions, staff tokens and partner keys. Intake's alone."""
    session_hours: float = Field(default=12, alias="CAREPLAN_SESSION_HOURS", gt=0)

    failures_of_account: Annotated[str, AfterValidator(readable_limit)] = Field(
        default="10/15 minutes", alias="CAREPLAN_SIGN_IN_FAILURES", min_length=1
    )
    """Failed sign-ins with one name, after which it waits; and from one address, whatever the names."""
    failures_of_address: Annotated[str, AfterValidator(readable_limit)] = Field(
        default="100/15 minutes", alias="CAREPLAN_SIGN_IN_FAILURES_OF_ADDRESS", min_length=1
    )
    public_url: str = Field(default="", alias="CAREPLAN_PUBLIC_URL", pattern=r"^(https?://[^/?#\s]+)?$")
    """What browsers call this installation, `https://careplans.pharmacy.example`; identity providers send them back there."""
    password_sign_in: bool | None = Field(default=None, alias="CAREPLAN_PASSWORD_SIGN_IN")
    """Whether accounts with a password may sign in; unset: where there is no identity provider."""
    oidc_issuer: str = Field(default="", alias="OIDC_ISSUER")
    """The identity provider that staff sign in at, as it calls itself; empty: none."""
    oidc_client_id: str = Field(default="", alias="OIDC_CLIENT_ID")
    oidc_client_secret: Secret | None = Field(default=None, alias="OIDC_CLIENT_SECRET", repr=False)
    """None: a public client, by PKCE alone."""
    oidc_scopes: str = Field(default="openid profile", alias="OIDC_SCOPES")
    oidc_username_claim: str = Field(default="preferred_username", alias="OIDC_USERNAME_CLAIM", min_length=1)
    """What the audit and signatures call a person. `sub` where the provider lets people rename themselves."""
    oidc_roles_claim: str = Field(default="roles", alias="OIDC_ROLES_CLAIM", min_length=1)
    """Of the ID token, or else of userinfo; `realm_access.roles` goes one level down."""
    oidc_role_names: str = Field(default="", alias="OIDC_ROLE_NAMES")
    """The provider's names for our roles, where it has others: `pharmacist=CP-Pharmacists,admin=CP-Admins`."""

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

    @field_validator("oidc_issuer")
    @classmethod
    def _issuer_is_safe(cls, issuer: str) -> str:
        """Over plain HTTP anybody on the way could sign in as anybody; on this machine, for tests, nobody is on the way."""
        parts = urlsplit(issuer)
        if issuer and not (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _THIS_MACHINE)):
            raise ValueError("not an https:// address")
        return issuer

    @field_validator("oidc_role_names")
    @classmethod
    def _known_roles(cls, names: str) -> str:
        for pair in filter(None, names.split(",")):
            role, _, name = pair.partition("=")
            if role.strip() not in ROLES or not name.strip():
                raise ValueError(f"write role=name,role=name with the roles {', '.join(ROLES)}")
        return names

    @model_validator(mode="after")
    def _oidc_is_complete(self) -> "IntakeSettings":
        if self.oidc_issuer and not (self.oidc_client_id and self.public_url):
            raise ValueError("OIDC_ISSUER is set, and OIDC_CLIENT_ID or CAREPLAN_PUBLIC_URL is not")
        return self

    @property
    def signs_in_with_password(self) -> bool:
        return not self.oidc_issuer if self.password_sign_in is None else self.password_sign_in

    @property
    def has_tls(self) -> bool:
        return self.public_url.startswith("https://")

    def oidc(self, callback: str) -> dict[str, Any] | None:
        """The fields of `adapters.oidc.OidcAccess`; None where there is no provider."""
        if not self.oidc_issuer:
            return None
        named = (pair.partition("=") for pair in filter(None, self.oidc_role_names.split(",")))
        return {
            "issuer": self.oidc_issuer,
            "client_id": self.oidc_client_id,
            "client_secret": self.oidc_client_secret,
            "scopes": self.oidc_scopes,
            "redirect_uri": self.public_url + callback,
            "username_claim": self.oidc_username_claim,
            "roles_claim": self.oidc_roles_claim,
            "role_names": {role.strip(): name.strip() for role, _, name in named},
        }

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
