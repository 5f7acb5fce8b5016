"""The pharma report as CSV: one completed order a row, no patient identity, safe to open in a spreadsheet."""

import csv
import io
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from services.reporting.domain.views import iso

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
    """A header row, then the others, a few hundred at a time: memory stays flat however long the report is."""
    chunk: list[tuple[str, ...]] = [COLUMNS]
    async for row in rows:
        chunk.append(tuple(_cell(row[column]) for column in COLUMNS))
        if len(chunk) >= _ROWS_A_CHUNK:
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
        case list():
            return " ".join(value)
        case datetime():
            return iso(value)
        case _:
            return str(value)
