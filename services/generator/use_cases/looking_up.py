"""Finding what matters: facts for whoever asks, and the passages of long records that a model is to read."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Literal
from uuid import UUID

from chassis.database import Database
from chassis.telemetry import log
from knowledge.base import KnowledgeBase
from services.generator import retrieval
from services.generator.domain.passages import LONG_RECORDS, Passage, chosen, in_turn, passages_of, questions_about
from services.generator.domain.request import PlanRequest
from services.generator.retrieval import Question, Vector

Embed = Callable[[Literal["query", "passage"], Sequence[str]], Awaitable[list[Vector] | None]]

_FACTS_AT_ONCE = 64
_ANSWERS_EACH = 3
_LIKELY_EACH, _MOST_EMBEDDED = 10, 64
"""An eighth of a second of a core is a passage: all of the longest records would be a minute."""


@dataclass
class LookingUp:
    """Without `embed` words alone find things, and no vector is ever computed."""

    database: Database
    knowledge: KnowledgeBase
    embed: Embed | None = None
    seconds: float = 60.0
    """For the meaning of one long record: about as long as the model then takes."""
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _facts_kept: bool = field(default=False)

    async def facts(self, words: str, drug_id: str | None = None, limit: int = 10) -> list[str]:
        """Ids of facts, the drug's own first."""
        await self._keep_facts()
        (question,) = await self._questions([words])
        async with self.database.reading() as db:
            return await retrieval.find_facts(db, question, drug_id, limit)

    async def long_records(self, order_id: UUID, request: PlanRequest) -> PlanRequest:
        """The request with the passages that a model reads of its records; as it is where they are short."""
        text = request.order.patient_records
        if len(text) <= LONG_RECORDS:
            return request
        await self.keep_passages(order_id, text)
        questions = await self._with_meaning(order_id, questions_about(request))
        return replace(request, passages=chosen(request, await self._answers(order_id, questions, _ANSWERS_EACH)))

    async def embed_all_facts(self) -> None:
        """The knowledge base's vectors, a batch at a time; what is there already is not made again."""
        await self._keep_facts()
        while self.embed:
            async with self.database.reading() as db:
                waiting = await retrieval.facts_to_embed(db, _FACTS_AT_ONCE)
            vectors = await self.embed("passage", [said for _, said in waiting])
            if not waiting or vectors is None:
                return
            async with self.database.transaction() as tx:
                await retrieval.embed_facts(tx, waiting, vectors)

    async def _keep_facts(self) -> None:
        if not self._facts_kept:
            async with self.database.transaction() as tx:
                await retrieval.keep_facts(tx, self.knowledge)
            self._facts_kept = True

    async def keep_passages(self, order_id: UUID, text: str) -> None:
        async with self.database.transaction() as tx:
            await retrieval.keep_passages(tx, order_id, text, passages_of(text))

    async def _with_meaning(self, order_id: UUID, asked: Sequence[str]) -> list[Question]:
        """The questions, and the likely passages, with vectors. One record after the other: who begins is done before the next
        begins. Where that takes too long, the others' share of it included, words alone must do.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(self.seconds), self._turn:
                questions = await self._questions(asked)
                if questions[0].vector:
                    await self.embed_likely_passages(order_id, questions)
                return questions
        log.warning("records.by_words_alone", order_id=str(order_id))
        return [Question(words) for words in asked]

    async def embed_likely_passages(self, order_id: UUID, questions: Sequence[Question]) -> None:
        """Those that words find first, then from the beginning: all of them in records that are not very long."""
        by_words = [question._replace(vector=None) for question in questions]
        likely = dict.fromkeys(in_turn(await self._answers(order_id, by_words, _LIKELY_EACH)))
        async with self.database.reading() as db:
            waiting = await retrieval.passages_to_embed(db, order_id, list(likely), _MOST_EMBEDDED)
        vectors = await self.embed("passage", [said for _, said in waiting]) if self.embed else None
        if vectors:
            async with self.database.transaction() as tx:
                await retrieval.embed_passages(tx, order_id, [start for start, _ in waiting], vectors)

    async def _answers(self, order_id: UUID, questions: Sequence[Question], limit: int) -> list[list[Passage]]:
        """To each question the passages that answer it best."""
        found = []
        for question in questions:
            async with self.database.reading() as db:  # given back in between: many orders share a few connections
                found.append(await retrieval.find_passages(db, order_id, question, limit))
        return found

    async def _questions(self, texts: Sequence[str]) -> list[Question]:
        vectors = await self.embed("query", texts) if self.embed else None
        return [Question(text, vectors[at] if vectors else None) for at, text in enumerate(texts)]
