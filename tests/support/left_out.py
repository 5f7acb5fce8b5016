"""Tests that need what a machine does not have: left out with a line that says why. In CI, which installs it, a failure."""

import os
import shutil
from typing import NoReturn

import pytest


def leave_out(reason: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def installed(program: str, otherwise: str) -> str:
    """The program's path; `otherwise` is the line that a test without it says."""
    return shutil.which(program) or leave_out(otherwise)
