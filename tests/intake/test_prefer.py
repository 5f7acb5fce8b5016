"""`Prefer: wait=SECONDS`, as RFC 7240 writes preferences."""

import pytest

from services.intake.domain.prefer import wait_seconds


@pytest.mark.parametrize(
    ("lines", "seconds"),
    [
        ([], 0),
        (["wait=10"], 10),
        (["wait=0"], 0),
        (["wait=30"], 30),
        (["wait=31"], 30),
        (["wait=99"], 30),
        (["wait=99999999999999999999"], 30),
        (["wait=007"], 7),
        (["WAIT = 10"], 10),
        (['wait="10"'], 10),
        (["wait=10; strict"], 10),
        (["respond-async, wait=10"], 10),
        (["respond-async,wait=10,return=minimal"], 10),
        (["respond-async", "wait=10"], 10),
        (["return=minimal", "handling=lenient, wait=10"], 10),
        (["wait=3, wait=9"], 3),
        (["wait=3", "wait=9"], 3),
        (["wait"], 0),
        (["wait="], 0),
        (["wait=soon"], 0),
        (["wait=-1"], 0),
        (["wait=1.5"], 0),
        (["wait=1e1"], 0),
        (["wait=\xb2"], 0),
        (["wait=\u0663"], 0),
        (["waiting=10"], 0),
        (["await=10"], 0),
        (["foo; wait=10"], 0),
        (['foo="a, wait=10"'], 0),
        ([",,"], 0),
        (['"' * 5000], 0),
    ],
)
def test_seconds_to_wait(lines: list[str], seconds: float) -> None:
    assert wait_seconds(lines) == seconds
