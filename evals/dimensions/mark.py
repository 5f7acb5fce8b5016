"""What a dimension gives: a share of its points, and why not all of them."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mark:
    score: float
    reasons: tuple[str, ...] = ()


def mean(scores: Iterable[float], *, empty: float = 0.0) -> float:
    """Of nothing it is `empty`: no goals are worth no points, no home medicines cost none."""
    every = list(scores)
    return sum(every) / len(every) if every else empty
