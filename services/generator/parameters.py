"""What the generator's routes read from a query, and how they answer with JSON."""

import json
import re
from datetime import date
from typing import Annotated, Any

from fastapi import Response
from pydantic import BeforeValidator

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _written_day(value: object) -> object:
    """A form sends all of its fields, the empty ones too; pydantic alone takes a date for more than a date."""
    if value == "":
        return None
    if isinstance(value, str) and not _DAY.fullmatch(value):
        raise ValueError("a date is written YYYY-MM-DD")
    return value


Day = Annotated[date | None, BeforeValidator(_written_day)]


def json_answer(body: Any) -> Response:
    return Response(json.dumps(body, default=_plain), media_type="application/json")


def _plain(value: Any) -> str:
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, date) else str(value)
