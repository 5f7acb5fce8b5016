"""What is taken out before anything leaves for a model, and put back into what comes from it.

Each different spelling gets a placeholder of its own, so that putting back is exact: a quote that the model took from
the redacted records becomes, character for character, a quote from the records as they are.
"""

import json
import re

from schemas.order import Order
from services.generator.domain.spellings import date_patterns, name_patterns

_OTHER_DOCTORS = r"(?<=\bDr\. )[A-Z][\w’'-]+|(?<=\bDr )[A-Z][\w’'-]+|(?<=\bDoctor )[A-Z][\w’'-]+"
_CONTACT = r"[\w.+-]+@[\w-]+\.[\w.]+|(?<!\d)(?:\+?1[ .-])?\(?\d{3}\)?[ .-]\d{3}[.-]\d{4}(?!\d)"


_FEWEST_TELLING_DIGITS = 4


def _mrn_pattern(mrn: str) -> str:
    """With or without its zeros. What is left of 000002 is hidden where it is called a record number only: else every
    second day and every dose of 2 g would be hidden too.
    """
    rest = re.escape(mrn.lstrip("0") or "0")
    if len(rest) >= _FEWEST_TELLING_DIGITS:
        return f"(?<!\\d)0*{rest}(?!\\d)"
    return f"(?<!\\d){re.escape(mrn)}(?!\\d)|(?i:\\b(?:MRN|chart|record)\\W{{0,3}}(?:no\\.?\\W{{0,2}})?)0*{rest}(?!\\d)"


class Redaction:
    """Hides one order's people in any text about it, and shows them again."""

    def __init__(self, order: Order) -> None:
        patient = f"{order.patient.first_name} {order.patient.last_name}"
        self._pattern = re.compile(
            "|".join((
                f"(?P<DOB>{'|'.join(date_patterns(order.patient.date_of_birth))})",
                f"(?P<MRN>{_mrn_pattern(order.patient.mrn)})",
                f"(?P<NPI>(?<!\\d){re.escape(order.provider.npi)}(?!\\d))",
                f"(?P<PATIENT>{'|'.join(name_patterns(patient))})",
                f"(?P<PROVIDER>{'|'.join((*name_patterns(order.provider.name), _OTHER_DOCTORS))})",
                f"(?P<CONTACT>{_CONTACT})",
            ))
        )  # fmt: skip
        self._texts = order.patient_records
        self._placeholders: dict[str, str] = {}
        self._shown: dict[str, str] = {}
        # Numbered by where they stand in the order, whatever is hidden first later.
        for text in (order.patient_records, order.medication, *order.medication_history, *order.patient.allergies):
            self.hide(text)

    def hide(self, text: str) -> str:
        return self._pattern.sub(self._hidden, text)

    def show(self, text: str) -> str:
        for placeholder, original in self._shown.items():
            text = text.replace(placeholder, original)
        return text

    def show_in_json(self, text: str) -> str:
        """The same inside the strings of a JSON text."""
        for placeholder, original in self._shown.items():
            text = text.replace(placeholder, json.dumps(original, ensure_ascii=False)[1:-1])
        return text

    def _hidden(self, found: "re.Match[str]") -> str:
        original = found[0]
        if original not in self._placeholders:
            number = len(self._placeholders) + 1
            while f"{{{{{found.lastgroup}-{number}}}}}" in self._texts:
                number += 1000
            placeholder = f"{{{{{found.lastgroup}-{number}}}}}"
            self._placeholders[original] = placeholder
            self._shown[placeholder] = original
        return self._placeholders[original]
