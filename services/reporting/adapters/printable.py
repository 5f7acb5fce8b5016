"""Text of strangers, fit for print: nothing invisible in it that could break a file, or make it read otherwise."""

import re

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_DIRECTIONS = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
"""They could show a dose or a name backwards."""
_LONG_WORD = re.compile(r"\S{41,}")
_ZERO_WIDTH_SPACE = "\u200b"


def printable(text: str) -> str:
    """Control characters become spaces, marks that turn the reading direction vanish; all else stays as written."""
    return _DIRECTIONS.sub("", _CONTROLS.sub(" ", text.replace("\r\n", "\n")))


def breakable(text: str) -> str:
    """With places where a word that is longer than a line may be broken."""
    return _LONG_WORD.sub(lambda word: _ZERO_WIDTH_SPACE.join(re.findall(".{1,40}", word.group())), text)
