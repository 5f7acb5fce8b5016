"""CPU seconds, by process, and bytes in PostgreSQL that one order costs, and memory that it leaves: `python bench/capacity/cpu_per_order.py [orders]`.

Time on the clock depends on what else the machine does; CPU time less so: what the processes use at rest is measured
first, and taken off. Smaller batches cost more an order, so that a busy machine shows too much rather than too little.
"""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx2
import psutil

sys.path.insert(0, str(Path(__file__).parents[2]))

from local.environment import SERVICES
from tests.support.all_in_one import AllInOne, all_in_one
from tests.support.orders import new_order


def cpu(system: AllInOne) -> dict[str, float]:
    return by_name(system, lambda process: sum(process.cpu_times()[:2]))


def resident(system: AllInOne) -> dict[str, float]:
    """MB; what processes share (PostgreSQL's buffers, Python's libraries) once for all of them."""
    return by_name(system, lambda process: process.memory_full_info().pss / 1e6)


def by_name(system: AllInOne, measure: Callable[[psutil.Process], float]) -> dict[str, float]:
    found: dict[str, float] = {}
    for process in system.everybody():
        try:
            line, value = process.cmdline(), measure(process)
        except psutil.NoSuchProcess:
            continue
        name = next((s for s in SERVICES if s in line), "postgres" if line and "postgres" in line[0] else "other")
        name = "broker" if "broker" in line else name
        found[name] = found.get(name, 0) + value
    return found


async def post(base: str, token: str, count: int) -> list[str]:
    gate = asyncio.Semaphore(64)
    async with httpx2.AsyncClient(base_url=base, headers={"Authorization": f"Bearer {token}"}, timeout=600) as client:

        async def one() -> str:
            async with gate:
                return (await client.post("/api/orders", json=new_order())).json()["order_id"]

        ids = await asyncio.gather(*(one() for _ in range(count)))
        pending = list(ids)
        while pending:
            done = [(await client.get(f"/api/orders/{i}")).json()["status"] == "completed" for i in pending[-3:]]
            if all(done):
                pending = pending[:-3]
            else:
                await asyncio.sleep(1)
    return ids


def main(count: int) -> None:
    with tempfile.TemporaryDirectory() as folder, all_in_one(Path(folder) / "home", CAREPLAN_SEPARATE="1") as system:
        system.start(300)
        base = f"http://127.0.0.1:{system.port + 1}"
        token = system.credentials()["staff"][0]["token"]
        asyncio.run(post(base, token, 50))  # warm
        time.sleep(6)
        size = lambda: float(
            next(
                l.split()[1]
                for l in httpx2.get(f"{base}/metrics").text.splitlines()
                if l.startswith("careplan_database_bytes")
            )
        )
        idle = cpu(system)
        time.sleep(20)
        before, bytes_before, started = cpu(system), size(), time.monotonic()
        rest = {name: (before[name] - idle.get(name, 0)) / 20 for name in before}
        asyncio.run(post(base, token, count))
        time.sleep(6)
        after, lasted = cpu(system), time.monotonic() - started
        spent = {name: after[name] - before.get(name, 0) - rest.get(name, 0) * lasted for name in sorted(after)}
        result = {name: round(seconds / count * 1000, 2) for name, seconds in spent.items()}
        print(
            json.dumps(
                {
                    "orders": count,
                    "milliseconds of CPU an order": result,
                    "sum": round(sum(result.values()), 1),
                    "at rest, milliseconds a second": {name: round(rest[name] * 1000, 1) for name in sorted(rest)},
                    "MB resident afterwards": {name: round(each) for name, each in sorted(resident(system).items())},
                    "bytes an order": round((size() - bytes_before) / count),
                    "seconds on the clock": round(lasted, 1),
                }
            )
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
