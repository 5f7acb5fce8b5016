"""Who is told what: the forms that subscriptions are made and changed with, and everything that is wrong with one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, get_args

from pydantic import Field

from chassis.errors import Fault
from chassis.strict_form import StrictForm
from services.notification.domain.endpoint import is_mail_address, url_fault
from services.notification.domain.happening import Status

Kind = Literal["webhook", "email"]
Statuses = Annotated[list[Status], Field(min_length=1, max_length=20)]
ALL_STATUSES: tuple[Status, ...] = get_args(Status)
FOR_STAFF: tuple[Status, ...] = ("failed", "needs_confirmation")
"""What somebody at the pharmacy has to act on."""


class SubscriptionForm(StrictForm):
    kind: Kind = "webhook"
    url: str | None = None
    """Of a webhook."""
    email: str | None = None
    """Of a mail."""
    source: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,100}$")] | None = None
    """Whose orders; none: every source's. A partner's is always its own."""
    statuses: Statuses | None = None
    """Which changes; none: all for a webhook, failed and needs_confirmation for a mail."""


class SubscriptionChange(StrictForm):
    """What is not named stays as it is."""

    url: str | None = None
    email: str | None = None
    statuses: Statuses | None = None
    enabled: bool | None = None


@dataclass(frozen=True, slots=True)
class Outlets:
    """What this installation can send with and to."""

    mail: bool
    allow_loopback: bool = False


def address_in(form: SubscriptionForm | SubscriptionChange, kind: Kind) -> str | None:
    return form.url if kind == "webhook" else form.email


def faults_in(form: SubscriptionForm | SubscriptionChange, kind: Kind, outlets: Outlets) -> list[Fault]:
    return list(_faults_in(form, kind, outlets))


def _faults_in(form: SubscriptionForm | SubscriptionChange, kind: Kind, outlets: Outlets) -> Iterator[Fault]:
    mine, other = ("url", "email") if kind == "webhook" else ("email", "url")
    if getattr(form, other) is not None:
        yield Fault(other, "VALUE", f"A subscription of kind {kind} has no {other}.")
    address = address_in(form, kind)
    if address is None:
        if isinstance(form, SubscriptionForm):
            yield Fault(mine, "REQUIRED", "This is required.")
    elif kind == "webhook":
        wrong = url_fault(address, allow_loopback=outlets.allow_loopback)
        if wrong:
            yield Fault("url", "VALUE", wrong)
    elif not outlets.mail:
        yield Fault("email", "VALUE", "This installation has no mail server: an operator sets SMTP_HOST.")
    elif not is_mail_address(address):
        yield Fault("email", "VALUE", "This is not a plain e-mail address.")


def statuses_of(wanted: Sequence[Status] | None, kind: Kind) -> list[Status]:
    if wanted:
        return list(dict.fromkeys(wanted))
    return list(ALL_STATUSES if kind == "webhook" else FOR_STAFF)
