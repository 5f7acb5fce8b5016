"""ICD-10-CM: does a code exist, is it billable, and what might the assistant be typing?"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from chassis.database import Database
from services.intake import storage

_LARGEST_MEMORY = 20_000
_WORD = re.compile(r"[^\W_]+")


@dataclass
class Icd10:
    """Codes that were looked up once are remembered: a pharmacy uses a few hundred, and the edition does not change."""

    database: Database
    _billable: dict[str, bool] = field(default_factory=dict)

    async def billable(self, codes: Iterable[str]) -> dict[str, bool]:
        """Code -> is it billable, for those that exist."""
        wanted = set(codes)
        unknown = [code for code in wanted if code not in self._billable]
        if unknown:
            async with self.database.reading() as db:
                found = await storage.billable_codes(db, unknown)
            if len(self._billable) + len(found) > _LARGEST_MEMORY:
                self._billable.clear()
            self._billable |= found
            return found | {code: self._billable[code] for code in wanted if code in self._billable}
        return {code: self._billable[code] for code in wanted}

    async def search(self, typed: str, limit: int = 20) -> list[dict[str, Any]]:
        """By the beginning of the code, with or without dot, or of every word of the description."""
        words = _WORD.findall(typed.lower())
        if not words:
            return []
        prefix = "".join(words).upper() + "%" if len(words) <= 2 else ""
        async with self.database.reading() as db:
            return await storage.search_icd10(db, prefix, " & ".join(f"{word}:*" for word in words), limit)
