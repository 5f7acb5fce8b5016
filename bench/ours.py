"""`make bench`: our all-in-one alone, in under two minutes: accept times, an open loop, a burst, and what it takes idle.

BROKER=kafka measures it on an Apache Kafka of one node, whose share counts.
"""

import argparse
import json
from pathlib import Path

from figures import figures, table
from rich.console import Console
from systems import ours, ours_on_kafka

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="where the load script's whole report goes")
    parser.add_argument("--broker", choices=("embedded", "kafka"), default="embedded")
    arguments = parser.parse_args()
    console = Console()
    start, broker = (ours_on_kafka, "Apache Kafka") if arguments.broker == "kafka" else (ours, "the embedded broker")
    with console.status("Starting a fresh all-in-one …") as status, start() as system:
        status.update("Measuring: 3,000 accepts, 30 orders a second, a burst of 2,000 …")
        report = system.load("all")
        status.update("Idle for ten seconds …")
        measured = figures(report, system.idle_millicores())
    measured["first start until ready, s"] = system.ready_seconds
    console.print(table(f"The all-in-one on {broker}", {"measured": measured}))
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1))
