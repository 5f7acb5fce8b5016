"""Text of strangers, fit for print: nothing invisible in it that could break a file, or make it read otherwise."""

import re

_BREAKS = re.compile(r"\r\n?|[\x0b\x0c\u2028\u2029]")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\ufeff\ufffe\uffff\u202a-\u202e\u2066-\u2069]")
"""Control characters, and the marks that turn the reading direction: they could show a dose or a name backwards."""
_LONG_WORD = re.compile(r"\S{41,}")
_REPLACEMENT, _ZERO_WIDTH_SPACE = "\ufffd", "\u200b"


def printable(text: str) -> str:
    """What cannot be printed becomes a visible sign that something stood there; all else stays as written."""
    return _UNPRINTABLE.sub(_REPLACEMENT, _BREAKS.sub("\n", text))


def breakable(text: str) -> str:
    """With places where a word that is longer than a line may be broken."""
    return _LONG_WORD.sub(lambda word: _ZERO_WIDTH_SPACE.join(re.findall(".{1,40}", word.group())), text)
