"""Orders that do not come as our own JSON: in a partner's format, or with their records as a file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol
from uuid import UUID

from chassis.answer import Answer
from chassis.batches import Batches
from chassis.database import OUTAGES
from chassis.errors import Fault, NotFound, Rejected, UnsupportedMediaType
from chassis.pacing import in_step
from chassis.strict_json import parse_json
from services.intake import document_rows
from services.intake.archive import Archive, KeptDocument, Outcome
from services.intake.document_rows import SubmissionRow
from services.intake.domain.draft import Draft, EnclosedFile
from services.intake.domain.records import UnreadableRecords
from services.intake.use_cases import Intake, Request

_READ_HERE = 64 * 1024
"""A body up to this is read in this process, in a millisecond; a larger one where it can cost nothing but itself."""


class Source(Protocol):
    """A partner's format: the adapters are in `adapters/`, one file each."""

    name: ClassVar[str]
    content_type: ClassVar[str]
    largest_body: ClassVar[int]

    def draft(self, body: bytes) -> Draft: ...


class FileReader(Protocol):
    """Reads what strangers sent, out of harm's way."""

    async def text_of(self, content: bytes, declared: str | None) -> str: ...
    async def draft_of(self, source: str, body: bytes) -> Draft: ...


@dataclass
class Submissions:
    intake: Intake
    sources: Mapping[str, Source]
    reader: FileReader
    archive: Archive
    _refused: Batches[KeptDocument, None] = field(init=False)

    def __post_init__(self) -> None:
        self._refused = Batches(self._keep_refused, shared_failures=OUTAGES)

    def source(self, name: str) -> Source:
        try:
            return self.sources[name]
        except KeyError:
            raise NotFound("There is no such source.") from None

    # ── receive ────────────────────────────────────────────────────────────────────────────────────────────────

    async def from_partner(self, request: Request, source: Source, content_type: str, body: bytes) -> Answer:
        """Answers as `POST /api/orders` does. Accepted or refused: once it is answered, the body is kept."""
        await in_step()
        raw = await self.archive.keep(source.name, "raw", content_type, body)
        try:
            await in_step()
            draft = await self._draft(source, content_type, body)
            enclosed = draft.enclosed
            if enclosed:
                await self._read_file(draft, enclosed)
            submission = await self.intake.judge(draft, source.name)
            files = [await self._kept(source.name, enclosed)] if enclosed else []
            return await self.intake.receive(request, submission, [raw, *files])
        except Rejected as refusal:
            await self._refused.submit(raw)
            return await self.intake.refuse(request, refusal)

    async def keep_refused(self, source: Source, content_type: str, body: bytes) -> None:
        """For what is refused before it is read: it was sent all the same."""
        await self._refused.submit(await self.archive.keep(source.name, "raw", content_type, body))

    async def with_file(
        self, request: Request, order: bytes, file: EnclosedFile | None, faults: Sequence[Fault] = ()
    ) -> Answer:
        """The canonical order with its records beside it, kept with the order. `faults`: what is wrong around the two."""
        try:
            draft = Draft(*parse_json(order))
            draft.faults += faults
            if file:
                await self._read_beside(draft, file)
            submission = await self.intake.judge(draft, "web")
            files = [await self._kept("web", file)] if file else []
            return await self.intake.receive(request, submission, files)
        except Rejected as refusal:
            return await self.intake.refuse(request, refusal)

    async def _draft(self, source: Source, content_type: str, body: bytes) -> Draft:
        if content_type.partition(";")[0].strip().lower() != source.content_type:
            raise UnsupportedMediaType(f"Send this source's orders as {source.content_type}.")
        return source.draft(body) if len(body) <= _READ_HERE else await self.reader.draft_of(source.name, body)

    async def _read_beside(self, draft: Draft, file: EnclosedFile) -> None:
        if not isinstance(draft.values, dict):
            return  # the form says so
        if draft.values.get("patient_records") is None:
            await self._read_file(draft, file)
        else:
            # Neither wins: what is dropped in silence might be what the plan should rest on.
            both = "Send the records as patient_records in the order or as the file patient_records, not as both."
            draft.fault("patient_records", "VALUE", both)

    async def _read_file(self, draft: Draft, file: EnclosedFile) -> None:
        try:
            draft.records_are(await self.reader.text_of(file.content, file.declared))
        except UnreadableRecords as unreadable:
            draft.records_unreadable(unreadable.code, unreadable.message)

    async def _kept(self, source: str, file: EnclosedFile) -> KeptDocument:
        return await self.archive.keep(source, "records", file.declared or "application/octet-stream", file.content)

    async def _keep_refused(self, documents: Sequence[KeptDocument]) -> list[None]:
        async with self.intake.database.transaction() as tx:
            await document_rows.insert_documents(tx, [(document, None) for document in documents])
        return [None] * len(documents)

    # ── look, and handle again ─────────────────────────────────────────────────────────────────────────────────

    async def listed(
        self, source: str | None, outcome: Outcome | None, before: UUID | None, limit: int
    ) -> list[SubmissionRow]:
        async with self.intake.database.reading() as db:
            return await document_rows.list_submissions(db, source, outcome, before, limit)

    async def raw(self, document_id: UUID) -> tuple[KeptDocument, bytes]:
        async with self.intake.database.reading() as db:
            document = await document_rows.raw_submission(db, document_id)
        if document is None:
            raise NotFound("There is no such submission.")
        return document, await self.archive.open(document)

    async def resubmit(self, request: Request, document_id: UUID) -> Answer:
        """Handles the body as if its partner had posted it again now: a submission of its own, with its own answer."""
        document, body = await self.raw(document_id)
        answer = await self.from_partner(request, self.source(document.source), document.content_type, body)
        async with self.intake.database.transaction() as tx:
            await document_rows.mark_resubmitted(tx, document_id)
        return answer
