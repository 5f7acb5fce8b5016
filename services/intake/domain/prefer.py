"""`Prefer: wait=SECONDS` (RFC 7240): how long a submitter would hold on for the decision."""

import re
from collections.abc import Sequence

_LONGEST_WAIT_SECONDS = 30.0
_PREFERENCE = re.compile(r'(?:"(?:\\.|[^"\\])*"|[^,"])+')
_NAME_AND_VALUE = re.compile(r'\s*([^\s=;"]+)\s*(?:=\s*("?)([^";]*?)\2\s*)?(?:;.*)?', re.DOTALL)
_WHOLE_SECONDS = re.compile(r"0*([0-9]{1,3})")


def wait_seconds(prefer: Sequence[str]) -> float:
    """From all `Prefer` header lines: 0 where it is absent or unreadable, at most 30. The first `wait` counts."""
    for preference in _PREFERENCE.findall(",".join(prefer)):
        found = _NAME_AND_VALUE.fullmatch(preference)
        if found and found[1].lower() == "wait":
            return _seconds(found[3] or "")
    return 0.0


def _seconds(value: str) -> float:
    if not (value.isascii() and value.isdigit()):
        return 0.0
    seconds = _WHOLE_SECONDS.fullmatch(value)
    return min(float(seconds[1]), _LONGEST_WAIT_SECONDS) if seconds else _LONGEST_WAIT_SECONDS
