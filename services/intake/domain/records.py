"""Patient records as text: what may be kept of what a file says."""

import re

MAX_RECORD_CHARACTERS = 200_000
LARGEST_FILE = 10 * 1024 * 1024
"""Bytes of a file of patient records, however it comes."""

_LINE_ENDS = re.compile("\r\n?|[\f\v\u2028\u2029]")
_UNPRINTABLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")


class UnreadableRecords(Exception):
    """The file gives no text; `message` says why in words for the sender, and quotes nothing."""

    def __init__(self, message: str, code: str = "RECORDS_UNREADABLE") -> None:
        super().__init__(message)
        self.code, self.message = code, message


def too_large() -> UnreadableRecords:
    message = f"Patient records have at most {MAX_RECORD_CHARACTERS:,} characters of text; this file has more."
    return UnreadableRecords(message, "RECORDS_TOO_LARGE")


def storable(text: str) -> str:
    """Lines end in LF; what is no character of a text (NUL, control characters, half surrogates) is dropped."""
    return _UNPRINTABLE.sub("", _LINE_ENDS.sub("\n", text))
