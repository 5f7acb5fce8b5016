"""Somebody who listens to the PDF gets all of it: PDF/UA-1, as veraPDF judges it."""

from pathlib import Path

import pytest

from services.reporting.adapters.pdf import PdfWriter
from tests.support import pdfs
from tests.support.clinical_orders import SAMPLES
from tests.support.maven import JarsUnavailable
from tests.support.plan_documents import RIVERSIDE, sample_document
from tests.support.verapdf import broken_rules, verapdf_jars

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(900)]


async def test_every_sample_keeps_all_rules_of_pdf_ua_and_a_pdf_without_tags_does_not(tmp_path: Path) -> None:
    try:
        verapdf_jars()
    except JarsUnavailable as reason:
        pytest.skip(str(reason))
    for name in SAMPLES:
        (tmp_path / f"{name}.pdf").write_bytes((await PdfWriter(RIVERSIDE, seconds=100)(sample_document(name))).content)
    (tmp_path / "no tags.pdf").write_bytes(pdfs.printed("Take one tablet each morning."))
    broken = broken_rules(tmp_path)
    assert broken.pop("no tags")
    assert broken == {name: [] for name in SAMPLES}
