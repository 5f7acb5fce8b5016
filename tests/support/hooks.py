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
    status: int
    """What it answers."""

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}/hook"


@contextmanager
def hooks(status: int = 204) -> Iterator[Hooks]:
    here = Hooks(0, [], status)

    def take(asked: Asked) -> Answered:
        here.received.append((asked.headers, asked.body))
        return Answered(here.status)

    with serving_in_thread(take) as here.port:
        yield here
