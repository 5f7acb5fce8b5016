"""What one request leaves behind. Every request with a caller is noted, unless its route says that it shows no patient."""

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from chassis.ids import id_in

NOT_AUDITED: dict[str, Any] = {"x-audited": False}
"""`openapi_extra` of a route that neither shows nor changes anything of a patient, and is called at every key stroke."""

_LONGEST_NAME = 200


class Row(NamedTuple):
    at: datetime
    subject: str
    acting_as: str
    token_id: UUID | None
    action: str
    entities: str
    """Ids with a space between."""
    address: str
    outcome: int


@dataclass(slots=True)
class Entry:
    """Filled while the request is on its way. `written`: it stands in the database, with the change that it tells of."""

    scope: MutableMapping[str, Any]
    subject: str | None = None
    acting_as: str = ""
    token_id: UUID | None = None
    entities: list[str] = field(default_factory=list)
    written: bool = False

    def who(self, subject: str, acting_as: str, token_id: UUID | None = None) -> None:
        self.subject, self.acting_as, self.token_id = subject, acting_as, token_id

    @property
    def wanted(self) -> bool:
        """A caller is known, and the route is one to be noted."""
        extra = getattr(self.scope.get("route"), "openapi_extra", None)
        return self.subject is not None and not (extra and extra.get("x-audited") is False)

    def row(self, at: datetime, outcome: int, *more: object) -> Row:
        named = (str(found) for value in self.scope.get("path_params", {}).values() if (found := id_in(str(value))))
        # What a name may not hold, a space, would make two of it.
        entities = dict.fromkeys((*named, *self.entities, *("_".join(str(entity).split()) for entity in more)))
        client = self.scope.get("client")
        return Row(
            at,
            (self.subject or "")[:_LONGEST_NAME],
            self.acting_as,
            self.token_id,
            getattr(self.scope.get("route"), "name", "") or str(self.scope.get("action", "unmatched")),
            " ".join(entities),
            client[0] if client else "local",
            outcome,
        )


_CURRENT: ContextVar[Entry | None] = ContextVar("audit_entry", default=None)


def current() -> Entry | None:
    """The entry of the request that is being answered. Tasks that outlive it carry it themselves."""
    return _CURRENT.get()


def saw(*entities: object) -> None:
    """What the answer shows, besides what the path names: the orders of a page, the order of a care plan."""
    entry = _CURRENT.get()
    if entry is not None:
        entry.entities += map(str, entities)


@contextmanager
def noting(entry: Entry) -> Iterator[Entry]:
    token = _CURRENT.set(entry)
    try:
        yield entry
    finally:
        _CURRENT.reset(token)
