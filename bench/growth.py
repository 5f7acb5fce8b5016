"""`make bench-growth`: what an order costs with 1,000, 10,000 and 100,000 orders stored, and with more processes of a service."""

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from rich.console import Console
from rich.table import Table
from systems import PROJECT, System, file_with, free_port, ours, ours_on_kafka

_BURST = 1_000
SHOWN = ("completed_per_s", "cpu_ms_per_order", "accept_p99_ms", "peak_pss_mb", "other_cores")


def stored_orders(console: Console, sizes: list[int]) -> Table:
    table = Table("orders stored", *SHOWN, title=f"A burst of {_BURST}, by what is stored already")
    with ours() as system:
        stored = 0
        for size in sizes:
            with console.status(f"Filling up to {size:,} orders …"):
                fill(system, size - stored)
            report = system.load("burst", "--n", str(_BURST))["burst"]
            stored = size + _BURST
            table.add_row(f"{size:,}", *(str(report[name]) for name in SHOWN))
    return table


def processes(console: Console, service: str, numbers: list[int]) -> Table:
    """On Apache Kafka, since the embedded broker has one reader a service. Two cores have no more to give to four processes."""
    title = f"A burst of {_BURST}, every service by itself, on Apache Kafka"
    table = Table(f"processes of {service}", *SHOWN, title=title)
    for number in numbers:
        with console.status(f"{number} of {service} …"), ExitStack() as started:
            system = started.enter_context(ours_on_kafka(CAREPLAN_SEPARATE="1"))
            intake_port = int(system.environment["CAREPLAN_PORT"]) + 1
            system.environment["CAREPLAN_PORT"] = str(intake_port)
            for _ in range(number - 1):
                system.environment["CAREPLAN_MORE_PIDFILES"] += ":" + started.enter_context(replica(system, service))
            time.sleep(10)  # a group that has just grown shares its partitions out anew
            report = system.load("burst", "--n", str(_BURST))["burst"]
        table.add_row(str(number), *(str(report[name]) for name in SHOWN))
    return table


@contextmanager
def replica(system: System, service: str) -> Iterator[str]:
    """One more process of a service, with the environment that its first one has; the file with its pid."""
    first = next(p for p in system.processes() if f"service {service}" in " ".join(p.cmdline()))
    command = [sys.executable, "-m", "local", "service", service, "--port", str(free_port())]
    process = subprocess.Popen(command, cwd=PROJECT, env=first.environ(), stdout=subprocess.DEVNULL)
    with file_with(process.pid) as pid_file:
        try:
            yield pid_file
        finally:
            process.terminate()
            process.wait(30)


def fill(system: System, orders: int) -> None:
    while orders > 0:
        system.load("burst", "--n", str(min(orders, 10_000)), "--conc", "64", "--no-monitor")
        orders -= 10_000


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--service", default="generator")
    arguments = parser.parse_args()
    console = Console()
    console.print(stored_orders(console, arguments.sizes))
    console.print(processes(console, arguments.service, arguments.processes))
