"""Hybrid search in PostgreSQL: full text and, where there is an embedding, nearness; joined by reciprocal rank fusion.

Vectors only ever order: their scores lie so close together that a threshold would say nothing.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from chassis.database import Transaction
from knowledge.base import KnowledgeBase
from knowledge.facts import Fact
from services.generator.domain.passages import Passage

Vector = str
"""As pgvector reads it: "[0.1,0.2,…]"."""

# Words are weighed by BM25 with its usual constants: a word that stands in every passage says nothing of any of them, which
# PostgreSQL's own ranking does not know. Fused by reciprocal rank, with the constant of that method's authors (60; places beyond
# 50 would add next to nothing); but the words' vote counts only for that share of the question's weight that the passage
# has: where none has more than a common word of it, the meaning decides.
_FUSION = """
WITH asked AS (
    SELECT unnest(tsvector_to_array(to_tsvector('pg_catalog.english', $1))) AS lexeme
), of_all AS (
    SELECT count(*) AS passages, avg(length(searched)) AS size FROM {table} WHERE true {only}
), said AS (
    SELECT {key}, lexeme, cardinality(positions) AS times, length(searched) AS size, count(*) OVER (PARTITION BY lexeme) AS passages {also}
    FROM {table}, unnest(searched) AS word (lexeme, positions, weights) JOIN asked USING (lexeme)
    WHERE searched @@ websearch_to_tsquery('pg_catalog.english', $1) {only}
), weights AS (
    SELECT lexeme, ln(1 + (of_all.passages - coalesce(n, 0) + 0.5) / (coalesce(n, 0) + 0.5)) AS weight
    FROM asked LEFT JOIN (SELECT lexeme, max(passages) AS n FROM said GROUP BY lexeme) AS often USING (lexeme), of_all
), scored AS (
    SELECT {key} {also}, sum(weight) / (SELECT sum(weight) FROM weights) AS share,
           sum(weight * times * 2.2 / (times + 1.2 * (0.25 + 0.75 * said.size / of_all.size))) AS score
    FROM said JOIN weights USING (lexeme), of_all GROUP BY {key} {also}
), words AS (
    SELECT {key}, share, row_number() OVER (ORDER BY {first}score DESC, {key}) AS place FROM scored ORDER BY place LIMIT 50
), near AS (
    SELECT {key}, 1.0 AS share, row_number() OVER (ORDER BY {first}embedding OPERATOR(public.<=>) $2::text::public.vector, {key}) AS place
    FROM {table} WHERE $2::text IS NOT NULL AND embedding IS NOT NULL {only} ORDER BY place LIMIT 50
), found AS (
    SELECT {key}, sum(share / (60 + place)) AS score FROM (TABLE words UNION ALL TABLE near) AS places GROUP BY {key}
)
"""
_FACTS = (
    _FUSION.format(
        key="fact_id", table="fact_passages", only="", also=", drug_id", first="(drug_id = $3) IS TRUE DESC, "
    )
    + """
SELECT fact_id FROM found JOIN fact_passages USING (fact_id)
ORDER BY (drug_id = $3) IS TRUE DESC, score DESC, fact_id LIMIT $4
"""
)
_RECORDS = (
    _FUSION.format(key="starts_at", table="record_passages", only="AND order_id = $3", also="", first="")
    + """
SELECT starts_at, ends_at FROM found JOIN record_passages USING (starts_at)
WHERE order_id = $3 ORDER BY score DESC, starts_at LIMIT $4
"""
)
_KEEP_FACTS = """
WITH given AS (SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS t (fact_id, drug_id, said, also)),
     gone AS (DELETE FROM fact_passages WHERE fact_id NOT IN (SELECT fact_id FROM given))
INSERT INTO fact_passages AS kept (fact_id, drug_id, said, also) SELECT * FROM given ORDER BY fact_id
ON CONFLICT (fact_id) DO UPDATE SET drug_id = excluded.drug_id, said = excluded.said, also = excluded.also,
    embedding = CASE WHEN kept.said = excluded.said THEN kept.embedding END
WHERE (kept.drug_id, kept.said, kept.also) IS DISTINCT FROM (excluded.drug_id, excluded.said, excluded.also)
"""
_KEEP_RECORDS = """
INSERT INTO record_passages (order_id, starts_at, ends_at, said)
SELECT $1, * FROM unnest($2::integer[], $3::integer[], $4::text[]) ON CONFLICT DO NOTHING
"""
_FACTS_TO_EMBED = "SELECT fact_id, said FROM fact_passages WHERE embedding IS NULL ORDER BY fact_id LIMIT $1"
_RECORDS_TO_EMBED = """
WITH first AS (
    SELECT * FROM record_passages WHERE order_id = $1 ORDER BY array_position($2::integer[], starts_at), starts_at LIMIT $3
)
SELECT starts_at, said FROM first WHERE embedding IS NULL ORDER BY starts_at
"""
# Only what still says what was embedded.
_EMBED_FACTS = """
UPDATE fact_passages AS kept SET embedding = t.embedding::public.vector
FROM unnest($1::text[], $2::text[], $3::text[]) AS t (fact_id, said, embedding)
WHERE kept.fact_id = t.fact_id AND kept.said = t.said
"""
_EMBED_RECORDS = """
UPDATE record_passages AS kept SET embedding = t.embedding::public.vector
FROM unnest($2::integer[], $3::text[]) AS t (starts_at, embedding) WHERE kept.order_id = $1 AND kept.starts_at = t.starts_at
"""
_WORD = re.compile(r"\w+")


class Question(NamedTuple):
    words: str
    vector: Vector | None = None


def any_of(text: str) -> str:
    """For `websearch_to_tsquery`: any of the words, none of them an operator."""
    return " or ".join(f'"{word}"' for word in _WORD.findall(text))


def _also(fact: Fact) -> str:
    """Everything else that the fact says, its names for other medicines and tests included."""
    said = fact.model_dump(
        exclude={"id", "kind", "text", "source", "unsure", "steps", "icd10", "loinc"}, exclude_defaults=True
    )
    parts = [value if isinstance(value, list | tuple) else [value] for value in said.values()]
    return " ".join(str(value) for part in parts for value in part if not isinstance(value, bool))


async def keep_facts(tx: Transaction, knowledge: KnowledgeBase) -> None:
    """The table as the files are; what a file says anew waits for its embedding."""
    rows = [
        (fact.id, drug.id, f"{drug.generic}: {fact.text}", _also(fact))
        for drug in knowledge.drugs
        for fact in drug.facts
    ]
    await tx.execute(_KEEP_FACTS, *(list(column) for column in zip(*rows, strict=True)))


async def facts_to_embed(tx: Transaction, limit: int) -> list[tuple[str, str]]:
    return [(row["fact_id"], row["said"]) for row in await tx.fetch(_FACTS_TO_EMBED, limit)]


async def embed_facts(tx: Transaction, facts: Sequence[tuple[str, str]], vectors: Sequence[Vector]) -> None:
    await tx.execute(_EMBED_FACTS, [fact_id for fact_id, _ in facts], [said for _, said in facts], list(vectors))


async def find_facts(tx: Transaction, question: Question, drug_id: str | None, limit: int) -> list[str]:
    """Ids, those of the drug first: identity comes before likeness."""
    rows = await tx.fetch(_FACTS, any_of(question.words), question.vector, drug_id, limit)
    return [row["fact_id"] for row in rows]


async def keep_passages(tx: Transaction, order_id: UUID, text: str, passages: Sequence[Passage]) -> None:
    starts, ends = [p.start for p in passages], [p.end for p in passages]
    await tx.execute(_KEEP_RECORDS, order_id, starts, ends, [p.of(text).replace("\0", " ") for p in passages])


async def passages_to_embed(
    tx: Transaction, order_id: UUID, likely: Sequence[Passage], limit: int
) -> list[tuple[int, str]]:
    """Of the first `limit`, the likely ones before the others, those without a vector."""
    starts = [passage.start for passage in likely]
    return [(row["starts_at"], row["said"]) for row in await tx.fetch(_RECORDS_TO_EMBED, order_id, starts, limit)]


async def embed_passages(tx: Transaction, order_id: UUID, starts: Sequence[int], vectors: Sequence[Vector]) -> None:
    await tx.execute(_EMBED_RECORDS, order_id, list(starts), list(vectors))


async def find_passages(tx: Transaction, order_id: UUID, question: Question, limit: int) -> list[Passage]:
    rows = await tx.fetch(_RECORDS, any_of(question.words), question.vector, order_id, limit)
    return [Passage(row["starts_at"], row["ends_at"]) for row in rows]
