"""Parameters of a query string: what nobody wrote is absent, and so is what a form sends as an empty field."""

import re
from datetime import date
from typing import Annotated, Any

from pydantic import AwareDatetime, BeforeValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

READABLE = "^[^\\x00\ufffd]*$"
"""No NUL, which PostgreSQL cannot hold, and nothing that was not UTF-8."""


class BlankIsAbsent:
    """Marks an optional parameter: `?q=` is the same as none. Where None stands in its type, OpenAPI says `""`."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(
            lambda value: None if value == "" else value, handler(source)
        )

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        schema = handler(core)
        schema["anyOf"] = [{"const": ""} if part == {"type": "null"} else part for part in schema["anyOf"]]
        return schema


_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(_DAY.pattern + r"[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?([Zz]|[+-][0-9]{2}:?[0-9]{2})")


def _written_day(value: object) -> object:
    """Pydantic takes a date for more than a date: seconds since 1970, a time at midnight."""
    if isinstance(value, str) and not _DAY.fullmatch(value):
        raise ValueError("a date is written YYYY-MM-DD")
    return value


def _written_moment(value: object) -> object:
    """Pydantic takes seconds since 1970 too."""
    if isinstance(value, str) and not _MOMENT.fullmatch(value):
        raise ValueError("a moment is written YYYY-MM-DDThh:mm:ss with its offset, as RFC 3339 has it")
    return value


Day = Annotated[Annotated[date, BeforeValidator(_written_day)] | None, BlankIsAbsent()]
Moment = Annotated[Annotated[AwareDatetime, BeforeValidator(_written_moment)] | None, BlankIsAbsent()]
ShortText = Annotated[str, Field(max_length=200, pattern=READABLE)]
