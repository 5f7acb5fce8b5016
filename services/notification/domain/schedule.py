"""When a delivery is tried again: soon, then less and less often, for three days. Time and chance come in as values."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

TRIED_FOR = timedelta(days=3)
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=5), timedelta(hours=6)
_FIRST_REST, _LONGEST_REST = timedelta(seconds=1), timedelta(minutes=5)
_LONGEST_RETRY_AFTER = timedelta(hours=6)
_DOUBLINGS = 20
"""More would overflow nothing yet, and change nothing: every pause is at its longest long before."""


def next_try(
    now: datetime, tries: int, gives_up_at: datetime, jitter: float, retry_after: timedelta | None = None
) -> datetime | None:
    """When to try again after `tries` failed ones; None once the three days are over. The last try is at their end.

    `jitter` is 0 to 1, and takes up to half of a pause away: receivers that failed together are not all tried together.
    """
    if now >= gives_up_at:
        return None
    return min(now + _longer(_pause(_FIRST_PAUSE, _LONGEST_PAUSE, tries, jitter), retry_after), gives_up_at)


def rest(failures_in_row: int, jitter: float, retry_after: timedelta | None = None) -> timedelta:
    """How long an endpoint is left alone, whatever waits for it: one that is dead costs one try a rest, not one a delivery."""
    return _longer(_pause(_FIRST_REST, _LONGEST_REST, failures_in_row, jitter), retry_after)


def _pause(first: timedelta, longest: timedelta, tries: int, jitter: float) -> timedelta:
    return min(first * float(2 ** min(max(tries - 1, 0), _DOUBLINGS)), longest) * (1 - jitter / 2)


def _longer(pause: timedelta, retry_after: timedelta | None) -> timedelta:
    return max(pause, retry_after or timedelta(0))


def retry_after_in(header: str, now: datetime) -> timedelta | None:
    """`Retry-After` in either form, at most six hours: nobody's header may outlast the delivery. None where unreadable."""
    text = header.strip()
    if text.isascii() and text.isdigit():
        # A number of many digits is as long as the longest; int() of it would only cost time.
        seconds = int(text) if len(text) < 9 else int(_LONGEST_RETRY_AFTER.total_seconds())
        return min(timedelta(seconds=seconds), _LONGEST_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError, TypeError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max(moment - now, timedelta(0)), _LONGEST_RETRY_AFTER)
