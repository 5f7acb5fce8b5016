"""What somebody types to sign in."""

from typing import Annotated

from pydantic import AfterValidator, Field

from chassis.errors import InvalidInput
from services.intake.domain.strict_form import StrictForm, check, required
from services.intake.domain.strict_json import parse_json

_Typed = Annotated[str, AfterValidator(required), Field(max_length=1_000)]


class Credentials(StrictForm):
    username: _Typed
    password: _Typed


def read_credentials(body: bytes) -> Credentials:
    """InvalidInput with every fault."""
    value, faults = parse_json(body)
    credentials, form_faults = check(Credentials, value)
    if credentials is None or faults:
        raise InvalidInput([*faults, *form_faults])
    return credentials
