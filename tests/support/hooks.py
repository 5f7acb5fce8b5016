"""A partner's receiver of webhooks, in a thread of its own: for tests whose system is another process."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from tests.support.in_thread import Answered, Asked, serving_in_thread


@dataclass
class Hooks:
    port: int
    received: list[tuple[Mapping[str, str], bytes]]
    """Headers, by their lower-case names, and body."""

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}/hook"


@contextmanager
def hooks() -> Iterator[Hooks]:
    received: list[tuple[Mapping[str, str], bytes]] = []

    def take(asked: Asked) -> Answered:
        received.append((asked.headers, asked.body))
        return Answered(204)

    with serving_in_thread(take) as port:
        yield Hooks(port, received)
