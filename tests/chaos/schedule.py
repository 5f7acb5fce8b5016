"""What is done to the system, and when: decided by the seed alone, before anything runs."""

import random
from dataclasses import dataclass
from typing import Literal

Kind = Literal["kill", "pause", "wipe", "everything", "kill while postgres is away"]

REPLICAS = {"intake": 2, "validation": 2, "generator": 2, "reporting": 1, "notification": 1}
"""Two of those that two could do harm in: the same key, the same patient, the same job."""
SERVICES = tuple(f"{name}-{number}" for name, replicas in REPLICAS.items() for number in range(1, replicas + 1))
PARTS = (*SERVICES, "postgres", "broker")

_FIRST_AFTER = 4.0
_PAUSE_BETWEEN = (2.0, 6.0)
_LAST_ENDS_BEFORE = 1.0

# kind, what it befalls (a service's name stands for one of its replicas), for how long at least and at most
_DECK: tuple[tuple[Kind, str, float, float], ...] = (
    ("kill", "intake", 0.2, 4),
    ("kill", "validation", 0.2, 4),
    ("kill", "generator", 0.2, 4),
    ("kill", "reporting", 0.2, 6),
    ("kill", "notification", 0.2, 6),
    ("pause", "intake", 1, 8),
    ("pause", "validation", 1, 9),
    ("pause", "generator", 11, 14),  # longer than its lease of a job
    ("pause", "reporting", 1, 9),
    ("kill", "postgres", 0.2, 5),
    ("pause", "postgres", 1, 6),
    ("kill", "broker", 0.2, 5),
    ("pause", "broker", 1, 8),
    ("wipe", "broker", 0.2, 5),
    ("everything", "everything", 0.2, 3),
    ("kill while postgres is away", "reporting", 5, 8),
    ("kill while postgres is away", "validation", 5, 8),
)


@dataclass(frozen=True, slots=True)
class Fault:
    """`at`: seconds after the start; `seconds`: how long until the part is started or continued again."""

    at: float
    kind: Kind
    part: str
    seconds: float

    def __str__(self) -> str:
        return f"{self.at:6.1f} s  {self.kind} {self.part if self.part != self.kind else ''}".ljust(58) + (
            f"back after {self.seconds:.1f} s"
        )

    @property
    def befalls(self) -> frozenset[str]:
        match self.kind:
            case "everything":
                return frozenset(PARTS)
            case "kill while postgres is away":
                return frozenset((self.part, "postgres"))
            case _:
                return frozenset((self.part,))


def schedule(seed: int, minutes: float) -> list[Fault]:
    """Cards from a shuffled deck: every kind of fault comes once before any comes again."""
    chance = random.Random(f"{seed} schedule")
    end, at = minutes * 60 - _LAST_ENDS_BEFORE, _FIRST_AFTER
    faults: list[Fault] = []
    deck: list[tuple[Kind, str, float, float]] = []
    while at < end:
        deck = deck or chance.sample(_DECK, len(_DECK))
        kind, what, shortest, longest = deck.pop()
        part = f"{what}-{chance.randint(1, REPLICAS[what])}" if what in REPLICAS else what
        seconds = round(chance.uniform(shortest, longest), 1)
        if at + seconds <= end:
            faults.append(Fault(round(at, 1), kind, part, seconds))
        at += chance.uniform(*_PAUSE_BETWEEN)
    return faults
