"""When a delivery is tried again, and when it is given up. Times and chance are values here: three days pass in no time."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notification.domain.schedule import TRIED_FOR, next_try, rest, retry_after_in

START = datetime(2026, 2, 5, 15, 0, tzinfo=UTC)
CHANCE = st.floats(0, 1)


def tries_of_a_dead_endpoint(jitter: float) -> list[datetime]:
    """Every try until it is given up, on a clock that jumps from one to the next."""
    times, now = [], START
    while True:
        times.append(now)
        following = next_try(now, len(times), START + TRIED_FOR, jitter)
        if following is None:
            return times
        now = following


@given(CHANCE)
def test_a_delivery_is_tried_for_three_days_and_the_last_try_is_at_their_end(jitter: float) -> None:
    times = tries_of_a_dead_endpoint(jitter)
    assert times[-1] == START + timedelta(days=3)
    assert 20 <= len(times) <= 50


@given(CHANCE)
def test_pauses_grow_from_seconds_to_hours_and_never_beyond_six(jitter: float) -> None:
    times = tries_of_a_dead_endpoint(jitter)
    pauses = [after - before for before, after in pairwise(times)]
    assert timedelta(seconds=2.5) <= pauses[0] <= timedelta(seconds=5)
    assert pauses[:-1] == sorted(pauses[:-1])
    assert max(pauses) <= timedelta(hours=6)


def test_jitter_takes_up_to_half_of_a_pause_away() -> None:
    end = START + TRIED_FOR
    assert next_try(START, 5, end, 0) == START + timedelta(seconds=80)
    assert next_try(START, 5, end, 1) == START + timedelta(seconds=40)


@given(st.integers(1, 10_000), CHANCE, CHANCE)
def test_no_try_lies_in_the_past_or_after_the_end(tries: int, jitter: float, way: float) -> None:
    now = START + TRIED_FOR * way
    following = next_try(now, tries, START + TRIED_FOR, jitter)
    assert following is None or now < following <= START + TRIED_FOR


def test_a_receiver_that_asks_for_time_gets_it_within_reason() -> None:
    end = START + TRIED_FOR
    assert next_try(START, 1, end, 0, retry_after_in("3600", START)) == START + timedelta(hours=1)
    assert next_try(START, 1, end, 0, retry_after_in("99999999", START)) == START + timedelta(hours=6)
    assert next_try(START, 12, end, 0, retry_after_in("1", START)) == START + timedelta(seconds=5 * 2**11)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        (" 7 ", 7),
        ("9" * 5_000, 6 * 3600),
        ("Thu, 05 Feb 2026 15:02:00 GMT", 120),
        ("Thu, 05 Feb 2026 14:00:00 GMT", 0),
        ("Fri, 05 Feb 2027 15:00:00 GMT", 6 * 3600),
        ("Thu, 05 Feb 2026 15:02:00 -0000", 120),
        ("Thu, 05 Feb 99999999999999999999 15:02:00 GMT", None),
        ("Thu, 05 Feb 2026 15:02:00 +999999", None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("²", None),
    ],
)
def test_retry_after_is_read_in_both_forms_capped_and_ignored_when_unreadable(header: str, seconds: int | None) -> None:
    assert retry_after_in(header, START) == (None if seconds is None else timedelta(seconds=seconds))


@given(st.text())
def test_no_header_breaks_the_reader(header: str) -> None:
    retry_after_in(header, START)


@given(st.integers(1, 100_000), CHANCE)
def test_an_endpoint_rests_between_half_a_second_and_five_minutes(failures: int, jitter: float) -> None:
    assert timedelta(seconds=0.5) <= rest(failures, jitter) <= timedelta(minutes=5)
    assert rest(failures, jitter, timedelta(hours=1)) == timedelta(hours=1)
