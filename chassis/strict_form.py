"""Forms that take nothing on trust: exact JSON types, no unknown fields, and every fault at once under a contract code."""

from typing import Any, TypeVar, cast

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from chassis.errors import Fault, InvalidInput
from chassis.strict_json import field_name, parse_json

_MAX_REPORTED_FAULTS = 500
_CODES = {"missing": "REQUIRED", "extra_forbidden": "UNKNOWN_FIELD"}
_MESSAGES = {
    "REQUIRED": "This is required.",
    "UNKNOWN_FIELD": "There is no such field.",
    "TYPE": "This has the wrong JSON type.",
    "VALUE": "This value is not possible here.",
}


class StrictForm(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


Form = TypeVar("Form", bound=BaseModel)


def broken(code: str, message: str) -> PydanticCustomError:
    """What a field's rule raises. `code` is a contract code."""
    # Pydantic's type wants a literal string, which a parameter is not.
    return PydanticCustomError(cast("Any", code), cast("Any", message))


def required(text: str) -> str:
    if not text.strip():
        raise broken("REQUIRED", "This may not be blank.")
    return text


def check(form: type[Form], value: Any, rules: object = None) -> tuple[Form | None, list[Fault]]:
    """The form when it is right, else everything that is wrong with it. `rules` is the context of its validators."""
    try:
        return form.model_validate(value, context=rules), []
    except ValidationError as error:
        return None, [_fault(details) for details in error.errors(include_url=False)[:_MAX_REPORTED_FAULTS]]


def _fault(details: ErrorDetails) -> Fault:
    """A contract code stays; pydantic's own types become one of the four general codes."""
    kind, field = details["type"], field_name(details["loc"])
    if kind.isupper():
        return Fault(field, kind, details["msg"])
    code = _CODES.get(kind) or ("TYPE" if _is_of_wrong_type(details) else "VALUE")
    if details["input"] is None and code == "TYPE" and field:
        code = "REQUIRED"
    return Fault(field, code, _MESSAGES[code])


def _is_of_wrong_type(details: ErrorDetails) -> bool:
    # Every closed set of values here is one of strings.
    not_a_word = details["type"] == "literal_error" and not isinstance(details["input"], str)
    return details["type"].endswith("_type") or not_a_word


def read_form(form: type[Form], body: bytes) -> Form:
    """A JSON body as a form. InvalidInput with every fault."""
    value, faults = parse_json(body)
    read, form_faults = check(form, value)
    if read is None or faults:
        raise InvalidInput([*faults, *form_faults])
    return read
