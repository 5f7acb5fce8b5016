"""The PDF download: everything a clinician signs, a handout for the patient, and no string that could be more than text."""

import asyncio
import json
import os
import re
from typing import Any

import pypdfium2 as pdfium
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chassis.errors import Unavailable
from schemas.careplan import CarePlan
from services.reporting.adapters.pdf import PdfWriter
from services.reporting.adapters.pdf_content import content_of
from services.reporting.adapters.pdf_worker import set_in_type
from services.reporting.adapters.printable import breakable, printable
from services.reporting.domain.pharmacy import Pharmacy
from services.reporting.domain.plan_document import PlanDocument
from tests.support.clinical_orders import SAMPLES, order
from tests.support.facts import plan
from tests.support.plan_documents import CAREPLAN_ID, NOBODY, RIVERSIDE, plan_document, sample_document

HEADINGS = ["Problem list", "Goals", "Pharmacist interventions", "Monitoring plan"]
BANNER = "Draft: requires pharmacist review"


def pages_of(pdf: bytes) -> list[str]:
    """The text of each page, its lines joined."""
    return [" ".join(page.get_textpage().get_text_bounded().split()) for page in pdfium.PdfDocument(pdf)]


async def printed(document: PlanDocument, pharmacy: Pharmacy = NOBODY) -> list[str]:
    return pages_of((await PdfWriter(pharmacy, seconds=100)(document)).content)


@pytest.mark.parametrize("name", SAMPLES)
async def test_it_holds_the_identity_the_four_sections_in_order_and_the_references(name: str) -> None:
    document = sample_document(name)
    pages = await printed(document)
    patient, text = document.order.patient, " ".join(pages)
    for said in (
        patient.mrn,
        patient.date_of_birth.isoformat(),
        document.order.provider.npi,
        document.order.medication,
    ):
        assert said in pages[0]
    assert f"{patient.first_name} {patient.last_name}" in pages[0]
    assert document.order.primary_diagnosis in pages[0]
    places = [text.index(heading) for heading in [*HEADINGS, "References"]]
    assert places == sorted(places)
    sections = document.plan.sections
    for items in (sections.problem_list, sections.goals, sections.interventions, sections.monitoring):
        assert all(f"{item.id} " in text for item in items)
    assert all(gap in text for gap in document.plan.gaps)


async def test_every_page_says_whose_it_is_and_which_page_of_which_version() -> None:
    pages = await printed(sample_document("ivig"))
    for number, page in enumerate(pages, start=1):
        assert "Ana Bell" in page
        assert "MRN 012345" in page
        assert f"Care plan {CAREPLAN_ID}, version 1" in page
        assert f"Page {number} of {len(pages)}" in page


async def test_a_draft_says_so_on_every_page_and_a_signed_plan_on_none() -> None:
    assert all(BANNER in page for page in await printed(sample_document("ivig")))
    pages = await printed(sample_document("ivig", approved=(1,)), RIVERSIDE)
    assert not any(BANNER in page for page in pages)
    assert "Approved by a.smith, 2026-02-05 16:30 UTC" in pages[0]
    assert "Riverside Specialty Pharmacy" in pages[0]


@pytest.mark.parametrize("name", SAMPLES)
async def test_the_handout_is_a_page_of_its_own_without_codes_and_references(name: str) -> None:
    document = sample_document(name)
    *_, handout = await printed(document, RIVERSIDE)
    order = document.order
    assert f"For you, {order.patient.first_name} {order.patient.last_name}" in handout
    said = [" ".join(line.removeprefix("- ").split()) for line in document.plan.handout.splitlines()]
    assert all(line in handout for line in said if not re.search(r"\d{4}-\d\d-\d\d", line))
    assert not re.search(r"\d{4}-\d\d-\d\d", handout.partition("For you")[2].partition("Care plan")[0])
    assert not any(heading in handout for heading in HEADINGS)
    assert order.primary_diagnosis not in handout
    assert "(555) 010-0199" in handout


async def test_a_patient_reads_dates_in_words_and_what_is_none_stays() -> None:
    handout = "Come on 2026-03-09, not on 2026-13-40."
    document = plan_document(order(), plan().model_copy(update={"handout": handout}))
    *_, page = await printed(document)
    assert "Come on March 9, 2026, not on 2026-13-40." in page


async def test_an_edited_text_is_printed_in_the_place_of_the_sections() -> None:
    document = sample_document("ivig", version=2)
    own = "Pharmacist care plan\n\nProblem list\n\nP1. In my own words.\n\nGoals\n\n= not a heading"
    edited = document.plan.model_copy(update={"text": own, "text_edited": True})
    text = " ".join(await printed(plan_document(document.order, edited, version=2)))
    assert "Problem list P1. In my own words. Goals = not a heading" in text
    assert document.plan.sections.monitoring[0].action not in text
    assert "revised by r.jones" in text


# ── accessible, and the same each time ───────────────────────────────────────────────────────────────────────────────


async def test_it_is_accessible_with_title_language_and_tags_and_its_title_names_nobody() -> None:
    pdf = (await PdfWriter(NOBODY, seconds=100)(sample_document("ivig"))).content
    document = pdfium.PdfDocument(pdf)
    assert document.get_metadata_value("Title") == f"Pharmacist care plan {CAREPLAN_ID}, version 1"
    assert document.is_tagged()
    assert b"/Lang(en-US)" in pdf
    assert b"pdfuaid:part" in pdf
    assert not any("Bell" in value for value in document.get_metadata_dict().values())


async def test_the_same_version_gives_the_same_file() -> None:
    first, again = [await PdfWriter(NOBODY, seconds=100)(sample_document("ivig")) for _ in range(2)]
    assert first == again
    assert (first.media_type, first.suffix) == ("application/pdf", "pdf")


# ── hostile text ─────────────────────────────────────────────────────────────────────────────────────────────────────

HOSTILE = [
    '#panic("x")', "*bold* _it_ $x$ `raw` @ref <label>", '#read("/etc/passwd")', "= Heading", "\\ \\u{41}", '"); #evil(',
    '[#link("http://x")[y]]', "// comment", "/* open", "- item", "{{x}}", "%PDF-1.7 endobj", "</script>", "O’Neil-Ferrer Łukasz",
]  # fmt: skip


def hostile_plan(text: str) -> CarePlan:
    whole = plan()
    problem = whole.sections.problem_list[0].model_copy(update={"text": text, "medication": text})
    sections = whole.sections.model_copy(update={"problem_list": (problem,)})
    return whole.model_copy(update={"sections": sections, "handout": f"{text}\n- {text}", "gaps": (text,)})


@pytest.mark.parametrize("text", HOSTILE)
async def test_markup_is_printed_as_it_is(text: str) -> None:
    hostile = order(
        patient_last_name=text, medication=text, patient_allergies=[text], provider={"name": text, "npi": "1234567893"}
    )
    pages = await printed(plan_document(hostile, hostile_plan(text)))
    shown = " ".join(text.split())
    assert all(f"Mia {shown}" in page for page in pages)
    assert shown in pages[0].partition("Problem list")[2]
    assert shown in pages[-1].partition("For you")[2]


async def test_letters_that_no_font_has_are_said_to_be_missing_and_the_rest_is_printed() -> None:
    pages = await printed(plan_document(order(patient_first_name="\U0001e900\ue000", patient_last_name="Roe")))
    assert "No font at hand has some letters" in pages[0]
    assert all(heading in " ".join(pages) for heading in HEADINGS)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=st.text(min_size=1, max_size=200))
def test_any_text_is_set(text: str) -> None:
    document = plan_document(order(patient_last_name=text, medication_history=[text]), hostile_plan(text))
    pdf = set_in_type(json.dumps(content_of(document, NOBODY)), 0)
    assert all(heading in " ".join(pages_of(pdf)) for heading in HEADINGS)


def test_what_turns_or_hides_text_is_made_visible() -> None:
    assert printable("10\u202e mg\x1b[2J\r\nnext\x0cpage") == "10\ufffd mg\ufffd[2J\nnext\npage"
    assert printable("Ibañez 李 O’Neil ‐ – \u200d") == "Ibañez 李 O’Neil ‐ – \u200d"


def test_a_word_longer_than_a_line_can_be_broken_and_others_are_left_alone() -> None:
    assert breakable("x" * 100).replace("\u200b", "") == "x" * 100
    assert max(len(part) for part in breakable("x" * 100).split("\u200b")) <= 40
    assert breakable("acetaminophen 650 mg") == "acetaminophen 650 mg"


# ── in time ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_takes_too_long_is_given_up_and_its_process_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Any] = []
    create = asyncio.create_subprocess_exec

    async def remembered(*args: Any, **options: Any) -> Any:
        started.append(await create(*args, **options))
        return started[-1]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", remembered)
    with pytest.raises(Unavailable):
        await PdfWriter(NOBODY, seconds=0.001)(sample_document("ivig"))
    [process] = started
    assert process.returncode is not None
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)


async def test_the_event_loop_goes_on_while_a_pdf_is_set() -> None:
    turns, done = 0, False

    async def watch() -> None:
        nonlocal turns
        while not done:
            turns += 1
            await asyncio.sleep(0.001)

    document = sample_document("ivig")
    watching = asyncio.create_task(watch())
    await asyncio.gather(*(PdfWriter(NOBODY, seconds=100)(document) for _ in range(3)))
    done = True
    await watching
    assert turns > 50, "held up, it has a turn before and after each of the three"
