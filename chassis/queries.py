"""Parameters of a query string: what nobody wrote is absent, and so is what a form sends as an empty field."""

from typing import Annotated, Any

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

_READABLE = "^[^\\x00\ufffd]*$"
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


ShortText = Annotated[str, Field(max_length=200, pattern=_READABLE)]
