"""Moments that tests agree on."""

from datetime import UTC, datetime

NOON = datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=UTC)
