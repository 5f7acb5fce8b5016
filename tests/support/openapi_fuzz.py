"""Schemathesis over the OpenAPI document of a running system, as a process of its own: `st run` by one caller."""

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.commands import run_command

_CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
    "allow_header_conformance",
    "ignored_auth",
)
"""All but positive_data_acceptance: that a code exists or a date is past is more than a schema can say."""


@dataclass(frozen=True)
class Fuzz:
    base_url: str
    folder: Path
    seconds: float

    async def __call__(self, name: str, authorization: str | None, ids: Mapping[str, str], *options: str) -> str:
        """What it prints where it finds something; nothing where all answers are the document's."""
        config = self.folder / f"{name}.toml"
        config.write_text(_with_ids(ids))
        command = ["run", f"{self.base_url}/openapi.json", "--checks", ",".join(_CHECKS), "--continue-on-failure"]
        command += ["--no-shrink", "--warnings", "off", *options]
        if authorization:
            command += ["--header", f"Authorization: {authorization}"]
        whole: list[str | Path] = [Path(sys.executable).with_name("st"), "--config-file", config, *command]
        ran = await asyncio.to_thread(run_command, whole, seconds=self.seconds, cwd=self.folder)
        return ran.output if ran.code else ""


def _with_ids(ids: Mapping[str, str]) -> str:
    """Every other path names something that exists: else all that can be seen is 404."""
    lists = "".join(f'[dictionaries.{name}]\nvalues = ["{value}"]\n' for name, value in ids.items())
    uses = "".join(f'"path.{name}" = {{ dictionary = "{name}", probability = 0.6 }}\n' for name in ids)
    return f"{lists}\n[parameters]\n{uses}"
