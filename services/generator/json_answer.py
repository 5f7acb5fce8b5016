"""How the generator's routes answer with JSON."""

import json
from datetime import date
from typing import Any

from fastapi import Response


def json_answer(body: Any) -> Response:
    return Response(json.dumps(body, default=_plain), media_type="application/json")


def _plain(value: Any) -> str:
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, date) else str(value)
