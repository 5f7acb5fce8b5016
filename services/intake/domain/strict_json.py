"""Moved to chassis.strict_json: every service reads JSON the same way."""

from chassis.strict_json import field_name, parse_json

__all__ = ["field_name", "parse_json"]
