"""The forms that keys and accounts are made and changed with, and what is wrong with one."""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Annotated, Literal, NamedTuple
from uuid import UUID

from pydantic import Field

from chassis.errors import Fault
from chassis.security import Role
from chassis.strict_form import StrictForm

TokenKind = Literal["session", "token", "key"]
Roles = Annotated[list[Role], Field(min_length=1, max_length=4)]
Username = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.@+-]{1,100}$")]
Password = Annotated[str, Field(min_length=12, max_length=1_000)]
_LONGEST_DAYS = 2 * 365


class KeyForm(StrictForm):
    """A partner's key (`source`), or a staff member's bearer token (`username`)."""

    source: str | None = None
    username: Username | None = None
    roles: Roles | None = None
    """Of a staff token; none: those of the account."""
    name: Annotated[str, Field(max_length=100, pattern=r"^[^\x00-\x1f]*$")] = ""
    """What tells it from the others in a list."""
    days: Annotated[int, Field(ge=1, le=_LONGEST_DAYS)] = 365


class RotationForm(StrictForm):
    overlap_hours: Annotated[int, Field(ge=0, le=30 * 24)] = 24
    """How long the old one is good beside the new one; 0: not a moment."""


class AccountForm(StrictForm):
    username: Username
    password: Password
    roles: Roles


class AccountChange(StrictForm):
    """What is not named stays as it is."""

    password: Password | None = None
    roles: Roles | None = None
    disabled: bool | None = None


class Token(NamedTuple):
    """What intake keeps of one that it signed."""

    token_id: UUID
    kind: TokenKind
    subject: str
    source: str | None
    roles: list[str]
    name: str
    signed_by: str
    created_at: datetime
    created_by: str
    expires_at: datetime
    revoked_at: datetime | None = None
    revoked_by: str | None = None

    def is_live(self, now: datetime) -> bool:
        return self.expires_at > now and (self.revoked_at is None or self.revoked_at > now)


class Account(NamedTuple):
    username: str
    roles: list[str]
    created_at: datetime
    disabled_at: datetime | None


def faults_in(form: KeyForm, sources: Collection[str], account: Account | None) -> Iterator[Fault]:
    if form.source is None and form.username is None:
        yield Fault("source", "REQUIRED", "Name the partner's source, or the username of a staff member.")
    if form.source is not None and form.username is not None:
        yield Fault("username", "VALUE", "A key is a partner's or a staff member's, not both.")
    if form.source is not None and form.source not in sources:
        yield Fault("source", "VALUE", "There is no such source.")
    if form.source is not None and form.roles is not None:
        yield Fault("roles", "VALUE", "A partner has no roles.")
    if form.username is not None and form.roles is None and account is None:
        yield Fault("roles", "REQUIRED", "There is no account of that name to take the roles from.")
