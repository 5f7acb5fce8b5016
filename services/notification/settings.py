"""What an operator may turn at notification."""

from typing import Literal

from pydantic import Field, model_validator

from chassis.secret_values import Secret
from chassis.settings import ServiceSettings


class NotificationSettings(ServiceSettings):
    webhook_allow_loopback: bool = Field(default=False, alias="WEBHOOK_ALLOW_LOOPBACK")
    """Webhooks to this machine itself, over plain HTTP too: for the all-in-one and tests, never in production."""
    webhook_timeout_seconds: float = Field(default=10, alias="WEBHOOK_TIMEOUT_SECONDS", gt=0, le=30)
    """Of a whole try, from looking up the name to the answer's last byte."""
    endpoints_at_once: int = Field(default=32, alias="NOTIFICATION_ENDPOINTS_AT_ONCE", ge=1)
    """For each process; each endpoint gets one delivery at a time."""
    keep_deliveries_days: float = Field(default=90, alias="NOTIFICATION_KEEP_DAYS", ge=7)
    smtp_host: str | None = Field(default=None, alias="SMTP_HOST")
    """None: no e-mail."""
    smtp_port: int = Field(default=587, alias="SMTP_PORT", ge=1, le=65535)
    smtp_security: Literal["starttls", "tls", "none"] = Field(default="starttls", alias="SMTP_SECURITY")
    smtp_username: str | None = Field(default=None, alias="SMTP_USERNAME")
    smtp_password: Secret | None = Field(default=None, alias="SMTP_PASSWORD", repr=False)
    smtp_from: str | None = Field(default=None, alias="SMTP_FROM")

    @model_validator(mode="after")
    def _mail_has_a_sender(self) -> "NotificationSettings":
        if self.smtp_host and not self.smtp_from:
            raise ValueError("SMTP_HOST is set, and SMTP_FROM, the address that mail comes from, is not")
        if self.smtp_password and self.smtp_security == "none":
            raise ValueError("SMTP_PASSWORD would travel in clear: SMTP_SECURITY is none")
        return self
