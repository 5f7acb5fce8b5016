"""Reads the dated table of prices. A fault stops the start with the file's name."""

import tomllib
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from services.generator.domain.prices import Price, Prices, Rate

PRICE_FILE = Path(__file__).parent.parent / "prices.toml"


def read_prices(path: Path = PRICE_FILE) -> Prices:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        as_of = content.pop("as_of")
        if not isinstance(as_of, date):
            raise TypeError("as_of is not a date")
        models = {(vendor, name): _price(row) for vendor, rows in content.items() for name, row in rows.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, InvalidOperation) as error:
        raise ValueError(f"{path} is not a table of prices: {error!r}") from None
    return Prices(as_of, models)


def _price(row: dict[str, Any]) -> Price:
    long = row.get("long")
    return Price(_rate(row), _rate(long), long["over"]) if long else Price(_rate(row))


def _rate(row: dict[str, Any]) -> Rate:
    return Rate(*(Decimal(row[name]) for name in ("input", "cache_write", "cached", "output")))
