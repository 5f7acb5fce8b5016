"""docs/security.md names a test for every rule, and every test that it names exists."""

import ast
import re
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).parents[1]
ROWS = [
    line
    for line in (PROJECT / "docs/security.md").read_text().splitlines()
    if line.startswith("| ") and not line.startswith(("| rule", "| ---"))
]
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


@cache
def functions_in(file: str) -> frozenset[str]:
    path = PROJECT / file
    tree = ast.parse(path.read_text() if path.exists() else "")
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(function.name for function in functions)


def test_every_rule_has_a_test() -> None:
    assert len(ROWS) > 40
    assert [row for row in ROWS if not NAMED.search(row)] == []


def test_every_test_that_is_named_exists() -> None:
    named = {(file, name) for row in ROWS for file, name in NAMED.findall(row)}
    assert {(file, name) for file, name in named if name not in functions_in(file)} == set()
