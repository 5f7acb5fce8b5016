"""The text of a PDF. Runs in the child process of `records_worker`, and nowhere else: the file is a stranger's.

Pages that only show pictures are read by tesseract, where it is installed.
"""

import shutil
import subprocess
import time
from collections.abc import Iterator

import pypdfium2 as pdfium

from services.intake.domain.records import MAX_RECORD_CHARACTERS, UnreadableRecords, storable, too_large

_MOST_PAGES = 500
_TEXT_SECONDS = 10.0
_MOST_SCANNED_PAGES, _SCAN_SECONDS = 10, 20.0
_DOTS_PER_INCH, _LONGEST_SIDE_PIXELS = 250, 3_400
_PASSWORD_ERROR = 4
_END_WITHIN = 2_048


def text_of_pdf(content: bytes) -> str:
    """UnreadableRecords says which: encrypted, truncated, damaged, too complex, too large, or a scan nobody can read."""
    # PDFium mends a truncated file and shows what it finds, as if that were all: half a record is worse than none.
    if b"%%EOF" not in content.rstrip(b"\0 \r\n\t")[-_END_WITHIN:]:
        raise UnreadableRecords("The PDF is truncated: its end is missing.")
    try:
        document = pdfium.PdfDocument(content)
    except pdfium.PdfiumError as error:
        if getattr(error, "err_code", None) == _PASSWORD_ERROR:
            raise UnreadableRecords("The PDF is encrypted: send it without a password.") from None
        raise UnreadableRecords("The PDF is damaged: it cannot be opened.") from None
    try:
        return _text_of(document)
    except pdfium.PdfiumError:
        raise UnreadableRecords("The PDF is damaged: a page cannot be read.") from None
    finally:
        document.close()


def _text_of(document: pdfium.PdfDocument) -> str:
    if not 0 < len(document) <= _MOST_PAGES:
        raise UnreadableRecords(f"The PDF is too complex: it must have 1 to {_MOST_PAGES} pages.")
    pages, scanned, characters, deadline = list[str](), list[int](), 0, time.monotonic() + _TEXT_SECONDS
    for number in range(len(document)):
        if time.monotonic() > deadline:
            raise UnreadableRecords("The PDF is too complex: its text takes too long to read.")
        text, shows_something = _printed(document, number)
        pages.append(text)
        characters += len(text)
        if characters > MAX_RECORD_CHARACTERS:
            raise too_large()
        if not text.strip() and shows_something:
            scanned.append(number)
    for number, text in _read_scans(document, scanned):
        pages[number] = text
    whole = "\n".join(page for page in pages if page.strip())
    if not whole.strip():
        raise UnreadableRecords("The PDF shows no text.")
    if len(whole) > MAX_RECORD_CHARACTERS:
        raise too_large()
    return whole


def _printed(document: pdfium.PdfDocument, number: int) -> tuple[str, bool]:
    """A page's text, and whether there is anything on it at all."""
    page = document[number]
    try:
        text_page = page.get_textpage()
        try:
            text = storable(text_page.get_text_bounded()).strip("\n")
        finally:
            text_page.close()
        return text, bool(text) or next(iter(page.get_objects(max_depth=1)), None) is not None
    finally:
        page.close()


def _read_scans(document: pdfium.PdfDocument, scanned: list[int]) -> Iterator[tuple[int, str]]:
    if not scanned:
        return
    tesseract = shutil.which("tesseract")
    if tesseract is None:
        raise UnreadableRecords("The PDF has scanned pages, and this pharmacy's system cannot read pictures of text.")
    if len(scanned) > _MOST_SCANNED_PAGES:
        raise UnreadableRecords(f"The PDF has more than {_MOST_SCANNED_PAGES} scanned pages.")
    deadline = time.monotonic() + _SCAN_SECONDS
    for number in scanned:
        yield number, _recognised(tesseract, _picture(document, number), deadline - time.monotonic())


def _recognised(tesseract: str, picture: bytes, seconds: float) -> str:
    try:
        # A fixed program with fixed arguments; the picture goes in by its standard input.
        run = subprocess.run(  # noqa: S603
            [tesseract, "stdin", "stdout"], input=picture, capture_output=True, timeout=max(seconds, 0.01), check=False
        )
    except subprocess.TimeoutExpired:
        raise UnreadableRecords(f"Reading the scanned pages takes more than {_SCAN_SECONDS:.0f} seconds.") from None
    if run.returncode != 0:
        raise UnreadableRecords("A scanned page cannot be read.")
    return storable(run.stdout.decode("utf-8", "replace")).strip("\n")


def _picture(document: pdfium.PdfDocument, number: int) -> bytes:
    """The page in grey, as a PGM: never more pixels than a page of paper has, whatever size it claims."""
    page = document[number]
    try:
        longest = max(*page.get_size(), 1.0)
        bitmap = page.render(scale=min(_DOTS_PER_INCH / 72, _LONGEST_SIDE_PIXELS / longest), grayscale=True)
        try:
            rows = memoryview(bitmap.buffer).cast("B")
            lines = (rows[y * bitmap.stride : y * bitmap.stride + bitmap.width] for y in range(bitmap.height))
            return b"P5 %d %d 255\n" % (bitmap.width, bitmap.height) + b"".join(lines)
        finally:
            bitmap.close()
    finally:
        page.close()
