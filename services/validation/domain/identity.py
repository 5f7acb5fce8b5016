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
_BREVE = "\u0306"
_LEADING_POINT = re.compile(r"(?<![^\W_])\.(?=[0-9])")
_LETTER = r"[^\W\d_]"
_NEITHER_LETTER_NOR_DECIMAL_POINT = re.compile(r"(?!(?<=[0-9])\.(?=[0-9]))[\W_]")


@lru_cache(maxsize=16_384)
def same_name(name: str) -> str:
    """Case, outer and repeated spaces, composition, typographic apostrophes and hyphens, accents, barred letters
    and the dot or comma after a word do not matter. A hyphen is not a space.
    """
    text = unicodedata.normalize("NFC", name).translate(_TYPOGRAPHY).casefold()
    return " ".join(word.rstrip(".,") or word for word in "".join(_without_accents(text)).split())


def _without_accents(text: str) -> Iterator[str]:
    """Alphabets of Europe without accents or bars. Others stay as they are: 李 and 利 both read "li", and are two names."""
    marks_are_accents = False
    for character in text:
        script = "LATIN" if character.isascii() else unicodedata.name(character, "").partition(" ")[0]
        if marks_are_accents and unicodedata.category(character) == "Mn":
            continue
        marks_are_accents = script in {"LATIN", "GREEK", "CYRILLIC"}
        if script == "LATIN":
            yield character if character.isascii() else anyascii(character).casefold()
        elif marks_are_accents:
            yield _base_letter(character)
        else:
            yield character


def _base_letter(character: str) -> str:
    """Greek ά is α, Cyrillic ё is е; but й with its breve is a letter of its own."""
    decomposed = unicodedata.normalize("NFD", character)
    return character if _BREVE in decomposed else decomposed[0]


def same_person(first_name: str, last_name: str, date_of_birth: date) -> str:
    return f"{same_name(first_name)}|{same_name(last_name)}|{date_of_birth.isoformat()}"


@dataclass(frozen=True)
class Titles:
    """What may stand around a provider's name: `dr`, `md`, without dots, lower case."""

    honorifics: frozenset[str]
    credentials: frozenset[str]


@lru_cache(maxsize=4_096)
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
    """Removes honorifics before and credentials behind, as long as two words of a name are left over.

    Honorifics first: of "Dr. Jane Do" the doctor goes, and Jane keeps her name.
    """

    def names() -> int:
        return sum(word not in _SUFFIXES for words in parts for word in words)

    for words in parts:
        while words and names() > 2 and _plain(words)[0] in titles.honorifics:
            words.pop(0)
    for words in reversed(parts):
        while words and names() > 2 and _plain(words)[-1] in titles.credentials:
            words.pop()
    parts[:] = [words for words in parts if words]


@dataclass(frozen=True, eq=False)
class DrugNames:
    """Every name a drug goes by, brands and synonyms, in one pattern: longest first, whole words only."""

    generic: Mapping[str, str]
    """Letters and digits of a name -> those of its generic."""
    pattern: re.Pattern[str]

    @classmethod
    def of(cls, generic_of: Mapping[str, str]) -> "DrugNames":
        """`generic_of`: brand or synonym -> generic name, as the knowledge base writes them."""
        generic = {_key(name): _key(drug) for name, drug in generic_of.items()}
        names = "|".join(map(_spaced, sorted(generic, key=len, reverse=True))) or "(?!)"
        return cls(generic, re.compile(rf"(?<!{_LETTER})(?:{names})(?!{_LETTER})"))


@lru_cache(maxsize=16_384)
def same_drug(medication: str, names: DrugNames) -> str:
    """Case, spaces and punctuation do not matter, but for a decimal point; a brand is its generic; strength counts."""
    text = _LEADING_POINT.sub("0.", same_name(medication))
    pieces: list[str] = []
    end = 0
    for found in names.pattern.finditer(text):
        pieces.append(_letters_and_digits(text[end : found.start()]))
        generic = names.generic[_letters_and_digits(found[0])]
        # "Ocrevus (ocrelizumab)" names one drug twice.
        if generic not in pieces:
            pieces.append(generic)
        end = found.end()
    return "".join((*pieces, _letters_and_digits(text[end:])))


def _key(name: str) -> str:
    return _letters_and_digits(same_name(name))


def _spaced(key: str) -> str:
    """Finds the name however it is spaced and punctuated: "Gamunex-C", "Gamunex C" and "GamunexC" are one."""
    return r"[\W_]*".join(map(re.escape, key))


def _letters_and_digits(text: str) -> str:
    return _NEITHER_LETTER_NOR_DECIMAL_POINT.sub("", text)
