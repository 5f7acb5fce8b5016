"""What a careful person at the counter would call the same name, provider or drug.

Every function gives a key: two texts are the same exactly when their keys are equal.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from anyascii import anyascii

_TYPOGRAPHY = str.maketrans(dict.fromkeys("\u2018\u2019\u02bc", "'") | dict.fromkeys("\u2010\u2011\u2013", "-"))
_SUFFIXES = frozenset({"jr", "sr", "ii", "iii", "iv"})
_LEADING_POINT = re.compile(r"(?<![^\W_])\.(?=[0-9])")
_NEITHER_LETTER_NOR_DECIMAL_POINT = re.compile(r"(?!(?<=[0-9])\.(?=[0-9]))[\W_]")


@lru_cache(maxsize=16_384)
def same_name(name: str) -> str:
    """Case, outer and repeated spaces, composition, typographic apostrophes and hyphens, accents, barred letters
    and the dot after an abbreviation do not matter. A hyphen is not a space.
    """
    text = unicodedata.normalize("NFC", name).translate(_TYPOGRAPHY).casefold()
    return " ".join(word.rstrip(".") or word for word in "".join(_without_accents(text)).split())


def _without_accents(text: str) -> Iterator[str]:
    """Latin letters without accents or bars. Other scripts stay as they are: 李 and 利 both read "li", and are two names."""
    after_latin = False
    for character in text:
        if character.isascii():
            after_latin = True
            yield character
        elif unicodedata.name(character, "").startswith("LATIN"):
            after_latin = True
            yield anyascii(character).casefold()
        elif not (after_latin and unicodedata.category(character) == "Mn"):
            after_latin = False
            yield character


def same_person(first_name: str, last_name: str, date_of_birth: date) -> str:
    return f"{same_name(first_name)}|{same_name(last_name)}|{date_of_birth.isoformat()}"


@dataclass(frozen=True)
class Titles:
    """What may stand around a provider's name: `dr`, `md`, without dots, lower case."""

    honorifics: frozenset[str]
    credentials: frozenset[str]


def same_provider(name: str, titles: Titles) -> str:
    """As `same_name`; besides, titles do not matter where two name words remain, nor does `Lee, Jane` for `Jane Lee`."""
    parts = [words for part in name.split(",") if (words := same_name(part).split())]
    _drop_titles(parts, titles)
    if len(parts) > 1 and not set(parts[1]) <= _SUFFIXES:
        last, first, *rest = parts
        suffixes = [word for word in last[1:] if word in _SUFFIXES]
        family = [word for word in last if word not in suffixes]
        parts = [first, family, suffixes, *rest]
    return " ".join(word for words in parts for word in words)


def _plain(words: list[str]) -> list[str]:
    return [word.replace(".", "") for word in words]


def _drop_titles(parts: list[list[str]], titles: Titles) -> None:
    """Removes honorifics before and credentials behind, as long as two words of a name are left over."""

    def names() -> int:
        return sum(word not in _SUFFIXES for words in parts for word in words)

    for words in reversed(parts):
        while words and names() > 2 and _plain(words)[-1] in titles.credentials:
            words.pop()
        while words and names() > 2 and _plain(words)[0] in titles.honorifics:
            words.pop(0)
    parts[:] = [words for words in parts if words]


@dataclass(frozen=True)
class DrugNames:
    """Every name a drug goes by, brands and synonyms, in one pattern: longest first, whole words only."""

    generic: Mapping[str, str]
    """Folded name -> folded generic."""
    pattern: re.Pattern[str]

    @classmethod
    def of(cls, generic_of: Mapping[str, str]) -> "DrugNames":
        """`generic_of`: brand or synonym -> generic name, as the knowledge base writes them."""
        folded = {same_name(name): _letters_and_digits(same_name(generic)) for name, generic in generic_of.items()}
        names = "|".join(map(re.escape, sorted(folded, key=len, reverse=True))) or "(?!)"
        return cls(folded, re.compile(rf"(?<![^\W_])(?:{names})(?![^\W_])"))


def same_drug(medication: str, names: DrugNames) -> str:
    """Case, spaces and punctuation do not matter, but for a decimal point; a brand is its generic; strength counts."""
    text = _LEADING_POINT.sub("0.", same_name(medication))
    pieces: list[str] = []
    end = 0
    for found in names.pattern.finditer(text):
        between, generic = _letters_and_digits(text[end : found.start()]), names.generic[found[0]]
        # "Ocrevus (ocrelizumab)" names one drug twice.
        if between or not pieces or pieces[-1] != generic:
            pieces += [between, generic] if between else [generic]
        end = found.end()
    return "".join((*pieces, _letters_and_digits(text[end:])))


def _letters_and_digits(text: str) -> str:
    return _NEITHER_LETTER_NOR_DECIMAL_POINT.sub("", text)
