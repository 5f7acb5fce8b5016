"""The child process in which one PDF is set: little memory, little time, no secrets around it.

Started by `pdf` as a script. The content comes in by standard input as JSON; the PDF goes out by standard output.
"""

import resource
import sys
from pathlib import Path

import typst

_TEMPLATE = Path(__file__).with_name("care_plan.typ")
_MEMORY_BYTES = 1024 * 1024 * 1024
"""Of addresses: the threads of the typesetter reserve more than they use (45 MB)."""
_CPU_SECONDS = 20


def set_in_type(content: str, timestamp: int) -> bytes:
    """Accessible (PDF/UA-1), unless no font at hand has a letter of it: then the PDF says so, and shows a box there."""
    fonts = typst.Fonts()
    for standards, missing in ((["ua-1"], ""), ([], "yes")):
        compiler = typst.Compiler(_TEMPLATE, root=_TEMPLATE.parent, font_paths=fonts)
        try:
            pdf = compiler.compile(
                format="pdf",
                sys_inputs={"plan": content, "missing_letters": missing},
                pdf_standards=standards,  # type: ignore[arg-type]
                timestamp=timestamp,
            )
        except typst.TypstError as error:
            if missing or "could not be displayed" not in str(error):
                raise
        else:
            assert isinstance(pdf, bytes)
            return pdf
    raise AssertionError


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    sys.stdout.buffer.write(set_in_type(sys.stdin.buffer.read().decode(), int(sys.argv[1])))
