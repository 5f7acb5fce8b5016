"""How people and systems write a name or a date: regular expressions for all of it, used to hide them."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import date

_TITLES = frozenset(
    [
        "dr",
        "doctor",
        "prof",
        "professor",
        "mr",
        "mrs",
        "ms",
        "miss",
        "md",
        "do",
        "np",
        "pa",
        "rn",
        "aprn",
        "fnp",
        "dnp",
        "pharmd",
        "phd",
        "mph",
        "facp",
        "faan",
        "facr",
        "mbbs",
        "jr",
        "sr",
        "ii",
        "iii",
        "iv",
    ]
)
_PARTICLES = frozenset(
    [
        "de",
        "la",
        "las",
        "los",
        "del",
        "da",
        "das",
        "do",
        "dos",
        "di",
        "du",
        "le",
        "van",
        "von",
        "der",
        "den",
        "ter",
        "el",
        "al",
        "bin",
        "ibn",
        "mac",
        "st",
        "y",
        "e",
    ]
)
# Names that are words too: hidden only where they are written as names are.
_WORDS = frozenset(
    [
        "an",
        "art",
        "bell",
        "bill",
        "black",
        "brown",
        "case",
        "chase",
        "day",
        "dean",
        "drew",
        "faith",
        "frank",
        "grace",
        "gray",
        "green",
        "grant",
        "hope",
        "hunt",
        "joy",
        "lane",
        "long",
        "love",
        "mark",
        "may",
        "page",
        "park",
        "penny",
        "price",
        "ray",
        "read",
        "rich",
        "rose",
        "sky",
        "small",
        "stone",
        "summer",
        "wade",
        "ward",
        "white",
        "will",
        "wood",
        "young",
        "short",
        "strong",
        "best",
        "low",
        "high",
        "king",
        "knight",
        "mason",
        "baker",
        "cook",
        "hand",
        "foot",
        "head",
        "back",
        "bone",
        "blood",
        "heart",
        "stand",
        "walker",
        "wells",
        "west",
        "north",
        "field",
        "august",
        "april",
        "june",
        "jan",
    ]
)
_APOSTROPHES, _HYPHENS = "['’‘ʼ]", "[-‐‑–]"
_EDGE_BEFORE, _EDGE_AFTER = r"(?<![^\W_])", r"(?![^\W_])"


def name_patterns(name: str) -> tuple[str, ...]:
    """Patterns for the whole name, in either order, and for each part that can stand alone; the longest first."""
    parts = [part for part in re.split(r"[\s,.]+", name) if part and part.casefold().strip(".") not in _TITLES]
    pieces = {piece for part in parts for piece in (part, *re.split(f"{_HYPHENS}|{_APOSTROPHES}", part))}
    alone = sorted((p for p in pieces if len(p) > 1 and p.casefold() not in _PARTICLES), key=len, reverse=True)
    whole = [_pattern(parts, r"[\s,]+"), _pattern(parts[-1:] + parts[:-1], r"[\s,]+")] if len(parts) > 1 else []
    return tuple(dict.fromkeys((*whole, *(variant for piece in alone for variant in _alone(piece)))))


def _alone(piece: str) -> Iterator[str]:
    for spelling in _variants(piece):
        if len(spelling) < 3 or spelling.casefold() in _WORDS:
            titled = "|".join(re.escape(s) for s in dict.fromkeys((spelling.capitalize(), spelling.upper())))
            yield f"{_EDGE_BEFORE}(?:{titled}){_EDGE_AFTER}"
        else:
            yield _pattern([spelling], "")


def _pattern(parts: Iterable[str], between: str) -> str:
    spelled = between.join(f"(?:{'|'.join(_flexible(variant) for variant in _variants(part))})" for part in parts)
    return f"{_EDGE_BEFORE}(?i:{spelled}){_EDGE_AFTER}"


def _flexible(part: str) -> str:
    escaped = (_APOSTROPHES if c in "'’‘ʼ" else f"(?:{_HYPHENS}|\\s)" if c in "-‐‑–" else re.escape(c) for c in part)
    return "".join(escaped)


def _variants(part: str) -> tuple[str, ...]:
    """As written, composed and decomposed, and without accents."""
    decomposed = unicodedata.normalize("NFD", part)
    bare = "".join(c for c in decomposed if not unicodedata.combining(c)).translate(_BARRED)
    return tuple(dict.fromkeys((part, unicodedata.normalize("NFC", part), decomposed, bare)))


_BARRED = str.maketrans(
    {"ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ß": "ss", "æ": "ae", "œ": "oe", "ı": "i"}
)
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def date_patterns(day: date) -> tuple[str, ...]:
    """The date as people and systems write it: year first, American, European, compact, in words."""
    year, short, month, number = day.year, f"{day.year % 100:02d}", day.month, day.day
    years = f"(?:{year}|['’]?{short})"
    m, d, sep = f"0?{month}", f"0?{number}", r"\s?[-/.]\s?"
    name = _MONTHS[month - 1]
    named = f"(?:{name}|{name[:4]}|{name[:3]})\\.?"
    nth = f"{d}(?:st|nd|rd|th)?"
    written = (
        f"{year}{sep}{m}{sep}{d}",
        f"{m}{sep}{d}{sep}{years}",
        f"{d}{sep}{m}{sep}{years}",
        f"{year}{month:02d}{number:02d}",
        f"{month:02d}{number:02d}{year}",
        f"(?i:{named}\\s*{nth},?\\s*{years})",
        f"(?i:{nth}[\\s-]*(?:of\\s+)?{named}[\\s,-]*{years})",
        f"(?i:{year}[\\s-]+{named}[\\s-]+{nth})",
    )
    return tuple(f"(?<!\\d){spelling}(?!\\d)" for spelling in written)
