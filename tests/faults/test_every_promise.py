"""Each promise of docs/messaging.md has a test that carries its number, and the page names tests that exist."""

import ast
import re
from pathlib import Path

_TESTS = Path(__file__).parents[1]
_DOCS = _TESTS.parent / "docs" / "messaging.md"


def _tests() -> dict[str, set[str]]:
    """File below tests/ -> names of its tests."""
    return {
        str(file.relative_to(_TESTS)): {
            node.name
            for node in ast.walk(ast.parse(file.read_text()))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
        }
        for file in _TESTS.rglob("test_*.py")
    }


def test_every_promise_has_a_test_with_its_number() -> None:
    numbers = {
        int(found[1]) for names in _tests().values() for name in names if (found := re.match(r"test_p(\d+)_", name))
    }
    promised = {int(number) for number in re.findall(r"^\| P(\d+) \|", _DOCS.read_text(), re.MULTILINE)}
    assert promised == set(range(1, 15))
    assert numbers == promised


def test_every_test_that_the_page_names_exists() -> None:
    tests = _tests()
    named = re.findall(r"`((?:[a-z_0-9]+/)+test_[a-z_0-9]+\.py)(?:::(test_[a-z_0-9]+))?`", _DOCS.read_text())
    assert len(named) > 25
    for file, name in named:
        assert file in tests, file
        assert not name or name in tests[file], f"{file}::{name}"


def test_every_row_of_the_page_names_a_test() -> None:
    rows = [
        line
        for line in _DOCS.read_text().splitlines()
        if line.startswith("| ") and not line.startswith(("| if you", "| promise", "| ---", "| setting"))
    ]
    assert [row for row in rows if "/test_" not in row] == []
