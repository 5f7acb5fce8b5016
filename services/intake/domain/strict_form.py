"""Moved to chassis.strict_form: every service reads forms the same way."""

from chassis.strict_form import StrictForm, broken, check, required

__all__ = ["StrictForm", "broken", "check", "required"]
