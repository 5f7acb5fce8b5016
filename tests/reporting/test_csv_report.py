"""The pharma report: safe to open in a spreadsheet, and never all in memory."""

import csv
import io
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from services.reporting.adapters.csv_report import COLUMNS, csv_report
from tests.support.facts import an_id

ROW: dict[str, Any] = {
    "order_id": an_id(1),
    "external_id": None,
    "source": "web",
    "order_date": date(2026, 2, 5),
    "medication": "IVIG",
    "primary_diagnosis": "G70.00",
    "additional_diagnoses": ["I10", "K21.9"],
    "provider_npi": "1234567893",
    "submitted_at": datetime(2026, 2, 5, 12, 0, 0, 5, tzinfo=UTC),
    "completed_at": datetime(2026, 2, 5, 12, 1, tzinfo=UTC),
    "careplan_id": an_id(2),
    "careplan_version": 1,
    "review": "draft",
    "approved_at": None,
}


async def given(count: int, **changes: Any) -> AsyncIterator[dict[str, Any]]:
    for _ in range(count):
        yield ROW | changes


async def written(count: int = 1, **changes: Any) -> list[list[str]]:
    body = b"".join([chunk async for chunk in csv_report(given(count, **changes))])
    return list(csv.reader(io.StringIO(body.decode(), newline="")))


async def test_a_header_row_and_one_row_each() -> None:
    rows = await written(3)
    assert rows[0] == list(COLUMNS)
    assert "order_id" in rows[0]
    assert len(rows) == 4


async def test_without_orders_there_is_a_header_row() -> None:
    assert await written(0) == [list(COLUMNS)]


async def test_cells_are_plain() -> None:
    cells = dict(zip(COLUMNS, (await written())[1], strict=True))
    assert cells["order_id"] == str(an_id(1))
    assert cells["external_id"] == ""
    assert cells["order_date"] == "2026-02-05"
    assert cells["additional_diagnoses"] == "I10 K21.9"
    assert cells["submitted_at"] == "2026-02-05T12:00:00.000005Z"
    assert cells["careplan_version"] == "1"


def test_no_column_holds_a_patients_identity() -> None:
    assert not any(word in column for column in COLUMNS for word in ("name", "mrn", "birth", "patient"))


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
async def test_a_formula_gets_a_leading_apostrophe(start: str) -> None:
    text = f'{start}HYPERLINK("http://x","y")'
    cells = dict(zip(COLUMNS, (await written(medication=text))[1], strict=True))
    assert cells["medication"] == f"'{text}"


@pytest.mark.parametrize("text", ["[1]", "[", '["a"]', 'a "quoted", word', "line\nbreak", "Ibañez 李", " =1"])
async def test_any_text_comes_back_as_it_was(text: str) -> None:
    cells = dict(zip(COLUMNS, (await written(medication=text))[1], strict=True))
    assert cells["medication"] == text


async def test_a_long_report_leaves_in_chunks() -> None:
    chunks = [len(chunk.splitlines()) async for chunk in csv_report(given(1000))]
    assert len(chunks) > 4
    assert max(chunks) <= 201
    assert sum(chunks) == 1001
