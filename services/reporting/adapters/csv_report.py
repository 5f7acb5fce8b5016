"""The pharma report as CSV: one completed order a row, no patient identity, safe to open in a spreadsheet."""

import csv
import io
import json
from collections.abc import AsyncIterator
from typing import Any

COLUMNS = (
    "order_id",
    "external_id",
    "source",
    "order_date",
    "medication",
    "primary_diagnosis",
    "additional_diagnoses",
    "provider_npi",
    "submitted_at",
    "completed_at",
    "careplan_id",
    "careplan_version",
    "review",
    "approved_at",
)
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_ROWS_A_CHUNK = 200


async def csv_report(rows: AsyncIterator[Any]) -> AsyncIterator[bytes]:
    """A header row at once, then chunks of a few hundred rows: memory stays flat however long the report is."""
    yield _lines([COLUMNS])
    chunk: list[tuple[str, ...]] = []
    async for row in rows:
        chunk.append(tuple(_cell(row[column]) for column in COLUMNS))
        if len(chunk) == _ROWS_A_CHUNK:
            yield _lines(chunk)
            chunk = []
    if chunk:
        yield _lines(chunk)


def _lines(rows: list[tuple[str, ...]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _cell(value: Any) -> str:
    """A text that a spreadsheet would run as a formula gets a leading apostrophe."""
    text = _plain(value)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _plain(value: Any) -> str:
    match value:
        case None:
            return ""
        case str() if value.startswith("["):
            return " ".join(json.loads(value))
        case _ if hasattr(value, "isoformat"):
            return str(value.isoformat())
        case _:
            return str(value)
