"""PDFs for tests: printed, scanned, encrypted, hostile. Fictional text only."""

import io
import zlib
from datetime import UTC, datetime

from fpdf import FPDF
from fpdf.enums import AccessPermission, EncryptionMethod
from PIL import Image, ImageDraw, ImageFont

_WRITTEN_AT = datetime(2026, 2, 5, tzinfo=UTC)


def printed(*pages: str) -> bytes:
    """A page for each text; the same bytes whenever it is called."""
    pdf = FPDF()
    pdf.set_creation_date(_WRITTEN_AT)
    pdf.set_font("Helvetica", size=12)
    for page in pages:
        pdf.add_page()
        pdf.multi_cell(0, text=page)
    return bytes(pdf.output())


def scanned(*pages: str) -> bytes:
    """A picture of each text, as a scanner makes it: no characters in it."""
    pdf = FPDF()
    for page in pages:
        pdf.add_page()
        pdf.image(_picture(page), x=0, y=0, w=pdf.epw)
    return bytes(pdf.output())


def encrypted(text: str) -> bytes:
    """Cannot be opened without its password."""
    pdf = FPDF()
    pdf.set_encryption(
        owner_password="owner",
        user_password="secret",
        encryption_method=EncryptionMethod.AES_128,
        permissions=AccessPermission.none(),
    )
    pdf.add_page()
    pdf.set_font("Helvetica", size=12)
    pdf.multi_cell(0, text=text)
    return bytes(pdf.output())


def blank_then(text: str) -> bytes:
    """An empty page, then a printed one."""
    return printed("", text)


def bomb(megabytes: int = 2_000) -> bytes:
    """A few kilobytes that become as many megabytes of drawing operators."""
    piece = b"0 0 m 9 9 l S\n" * 70_000
    squeezer = zlib.compressobj(9)
    first, other = (squeezer.compress(piece) + squeezer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    # After a full flush each piece looks alike: no need to compress them all. Only the checksum is wrong.
    return _by_hand(first + other * (megabytes - 1) + squeezer.flush(), b"/Filter /FlateDecode")


def with_deep_nesting(depth: int = 50_000) -> bytes:
    """Arrays in arrays in arrays."""
    return _by_hand(b"[" * depth + b"]" * depth + b" TJ", b"")


def _by_hand(stream: bytes, filter_entry: bytes) -> bytes:
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R >>",
        b"<< /Length %d %s >>\nstream\n" % (len(stream), filter_entry) + stream + b"\nendstream",
    ]
    out, offsets = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return bytes(out + b"trailer\n<< /Size 5 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % start)


def _picture(text: str) -> io.BytesIO:
    image = Image.new("L", (1240, 1754), 255)
    ImageDraw.Draw(image).multiline_text((100, 100), text, fill=0, font=ImageFont.load_default(size=36), spacing=20)
    out = io.BytesIO()
    image.save(out, "PNG")
    out.seek(0)
    return out
