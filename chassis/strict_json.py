"""JSON as RFC 8259 means it: one value a key, real numbers, real text. What the parsers at hand let through is refused."""

import json
from collections.abc import Iterator
from typing import Any, NoReturn

from chassis.errors import Fault, InvalidInput

_MAX_REPORTED_FIELD = 200
_LONGEST_INTEGER = 300
"""Digits; what is longer is no quantity of anything, and becomes an infinite float that every rule refuses."""


class _NotJson(ValueError):
    pass


def parse_json(body: bytes) -> tuple[Any, list[Fault]]:
    """The value, and the faults of its text (NUL, lone surrogates) by field. InvalidInput when it is not JSON at all."""
    try:
        value = _DECODER.decode(body.decode())
        # Only an escape or a NUL byte can bring such text in: most bodies are not walked.
        suspicious = b"\\u" in body or b"\0" in body
        return value, [_unprintable(path) for path in _bad_text(value, ())] if suspicious else []
    except _NotJson as error:
        raise _malformed(str(error)) from None
    except UnicodeDecodeError:
        raise _malformed("The body is not UTF-8.") from None
    except RecursionError:
        raise _malformed("The body is nested too deeply.") from None
    except ValueError:
        raise _malformed("The body is not JSON.") from None


def field_name(path: tuple[int | str, ...]) -> str:
    """A field as the caller sent it, dots between; cut short, and without half surrogates, which no answer can hold."""
    return ".".join(str(part) for part in path)[:_MAX_REPORTED_FIELD].encode(errors="replace").decode()


def _malformed(message: str) -> InvalidInput:
    return InvalidInput([Fault("", "MALFORMED", message)])


def _unprintable(path: tuple[int | str, ...]) -> Fault:
    return Fault(field_name(path), "MALFORMED", "The text holds a NUL or half of a surrogate pair.")


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _NotJson("The body holds an object with the same key twice.")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise _NotJson(f"{name} is not a JSON number.")


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _LONGEST_INTEGER else float(digits)


_DECODER = json.JSONDecoder(object_pairs_hook=_without_repeats, parse_constant=_refuse_constant, parse_int=_integer)


def _bad_text(value: Any, path: tuple[int | str, ...]) -> Iterator[tuple[int | str, ...]]:
    match value:
        case str():
            if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
                yield path
        case dict():
            for key, item in value.items():
                yield from _bad_text(key, path)
                yield from _bad_text(item, (*path, key))
        case list():
            for index, item in enumerate(value):
                yield from _bad_text(item, (*path, index))
