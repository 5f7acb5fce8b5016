"""What a model is told: one file a version, never changed once a plan was written with it."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

CURRENT = "care_plan.v2"


@dataclass(frozen=True, slots=True)
class Prompt:
    version: str
    text: str


@lru_cache(maxsize=8)
def load(version: str = CURRENT) -> Prompt:
    return Prompt(version, (Path(__file__).parent / f"{version}.md").read_text(encoding="utf-8").strip())
