"""What somebody types to sign in."""

from typing import Annotated

from pydantic import AfterValidator, Field

from chassis.strict_form import StrictForm, read_form, required

_Typed = Annotated[str, AfterValidator(required), Field(max_length=1_000)]


class Credentials(StrictForm):
    username: _Typed
    password: _Typed


def read_credentials(body: bytes) -> Credentials:
    """InvalidInput with every fault."""
    return read_form(Credentials, body)
