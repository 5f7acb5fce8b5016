"""The bundled ICD-10-CM edition (CDC/NCHS, public domain), read when a migration fills the table.

Never imported by a running service: the package takes two seconds and 185 MB to load.
"""

import warnings
from dataclasses import dataclass

EDITION = "2026-04"
"""The release of April 2026, as simple-icd-10-cm 1.5 carries it."""


@dataclass(frozen=True, slots=True)
class Icd10Code:
    code: str
    description: str
    billable: bool


def bundled_codes() -> list[Icd10Code]:
    """Every category and code of the edition; chapters and blocks, which no order names, are left out."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # how it opens its own data is its affair
        import simple_icd_10_cm as icd10  # noqa: PLC0415 (two seconds that only a migration may take)

    return [
        Icd10Code(code, icd10.get_description(code), icd10.is_leaf(code))
        for code in icd10.get_all_codes(with_dots=True)
        if not icd10.is_chapter_or_block(code)
    ]
