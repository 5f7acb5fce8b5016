"""The knowledge base as pages to read: `python -m knowledge.page` writes docs/knowledge/, one page a drug.

What a pharmacist compares with the label, a person cannot do in TOML.
"""

from collections.abc import Iterator
from pathlib import Path

from knowledge.base import KnowledgeBase
from knowledge.facts import Fact, FactBase
from knowledge.loader import load
from knowledge.models import Drug

FOLDER = Path(__file__).parent.parent / "docs" / "knowledge"

_HEADINGS = {
    "boxed_warning": "Boxed warnings", "contraindication": "Contraindications", "excipient": "Excipients",
    "baseline": "Before the first dose", "monitoring": "Monitoring", "interaction": "Interactions", "dose_rule": "Doses",
    "premedication": "Premedication", "vaccine": "Vaccines", "pregnancy": "Pregnancy", "rems": "REMS",
    "counselling": "What to tell the patient",
}  # fmt: skip
# For machines, or said in the columns beside.
_NOT_SHOWN = frozenset(FactBase.model_fields) | {"kind", "members", "classes", "steps", "terms", "loinc", "target_kind"}


def more_of(fact: Fact) -> dict[str, str]:
    """What a fact carries beside its text, in words."""
    said = fact.model_dump(exclude=set(_NOT_SHOWN), exclude_defaults=True)
    return {name.replace("_", " "): words for name, value in said.items() if (words := _words(value))}


def _words(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value))
    return str(value)


def pages(knowledge: KnowledgeBase) -> dict[str, str]:
    """File name to Markdown."""
    return {"README.md": _index(knowledge)} | {f"{drug.id}.md": _page(drug) for drug in knowledge.drugs}


def _index(knowledge: KnowledgeBase) -> str:
    rows = [
        f"| [{drug.generic}]({drug.id}.md) | {', '.join(drug.brands[:4])} | {drug.drug_class} | {len(drug.facts)} | "
        f"{_boxed(drug)} | {_review(drug)} |"
        for drug in knowledge.drugs
    ]
    return (
        "# Drug knowledge\n\nMade from `knowledge/drugs/` by `make knowledge`; change the files there, not these pages.\n"
        "**A drug is unverified until a pharmacist has compared its file with the current label and signed it.**\n\n"
        "| drug | brands | class | facts | boxed warning | reviewed |\n| --- | --- | --- | --- | --- | --- |\n"
        + "\n".join(rows)
        + "\n"
    )


def _boxed(drug: Drug) -> str:
    return "yes, REMS" if drug.rems else "yes" if any(fact.kind == "boxed_warning" for fact in drug.facts) else ""


def _review(drug: Drug) -> str:
    return f"{drug.reviewed_by}, {drug.reviewed_on}" if drug.reviewed_by else "**unverified**"


def _page(drug: Drug) -> str:
    return "\n".join(_lines(drug)) + "\n"


def _lines(drug: Drug) -> Iterator[str]:
    yield f"# {drug.full_name}"
    yield ""
    if drug.status == "verified":
        yield f"Verified by {drug.reviewed_by} on {drug.reviewed_on} against the label of {drug.label_date}."
    else:
        yield "**Unverified**: written from memory of US labels; no pharmacist has compared it with the current label."
    yield ""
    uses = "; ".join(f"{use.name}{' (off-label)' if use.off_label else ''}" for use in drug.uses)
    for name, value in (
        ("Names", ", ".join((drug.generic, *drug.generic_names))), ("Brands", ", ".join(drug.brands)),
        ("Class", drug.drug_class), ("Given", ", ".join(drug.routes)), ("For", uses), ("REMS", drug.rems),
    ):  # fmt: skip
        if value:
            yield f"- {name}: {value}"
    for kind, heading in _HEADINGS.items():
        facts = [fact for fact in drug.facts if fact.kind == kind]
        if facts:
            yield from ("", f"## {heading}", "")
            for fact in facts:
                yield from _fact(fact)


def _fact(fact: Fact) -> Iterator[str]:
    doubt = " *(unsure: look here first)*" if fact.unsure else ""
    only = f" Only for {', '.join(fact.icd10)}." if fact.icd10 else ""
    yield f"- {fact.text}{only}{doubt}"
    for name, words in more_of(fact).items():
        yield f"  - {name}: {words}"
    yield f"  - `{fact.id}`, {fact.source}"


def write(folder: Path = FOLDER) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    wanted = pages(load())
    for known in folder.glob("*.md"):
        if known.name not in wanted:
            known.unlink()
    for name, text in wanted.items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
