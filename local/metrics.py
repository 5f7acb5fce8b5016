"""One `/metrics` of two processes: what both count is added up, what either measures alone stands as it is."""

from collections.abc import Iterable, Iterator

import httpcore2
from prometheus_client import generate_latest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

_OF_ONE_PROCESS = ("python_", "process_")
"""The front's: two processes' memory under one name would be neither's."""


def merged(front: str, behind: str) -> bytes:
    """Prometheus text of the process that answers, together with that of the one behind it."""
    families = {family.name: family for family in text_string_to_metric_families(front)}
    for family in text_string_to_metric_families(behind):
        if family.name.startswith(_OF_ONE_PROCESS):
            continue
        if family.name in families:
            families[family.name].samples = _added(families[family.name], family)
        else:
            families[family.name] = family
    return generate_latest(_Collected(families.values()))


def _added(one: Metric, two: Metric) -> list[Sample]:
    samples = {(sample.name, *sorted(sample.labels.items())): sample for sample in one.samples}
    for sample in two.samples:
        key = (sample.name, *sorted(sample.labels.items()))
        known = samples.get(key)
        value = known.value + sample.value if known and not sample.name.endswith("_created") else sample.value
        samples[key] = sample._replace(value=value)
    return list(samples.values())


class _Collected:
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        yield from self._families


async def fetched(port: int) -> str | None:
    """What the process behind measures; None while it is away."""
    timeout = {"connect": 1.0, "read": 2.0, "write": 1.0, "pool": 1.0}
    try:
        async with httpcore2.AsyncConnectionPool() as pool:
            answer = await pool.request("GET", f"http://127.0.0.1:{port}/metrics", extensions={"timeout": timeout})
    except (httpcore2.TimeoutException, httpcore2.NetworkError, httpcore2.ProtocolError):
        return None
    return answer.content.decode() if answer.status == 200 else None
