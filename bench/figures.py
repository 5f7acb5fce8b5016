"""From what the load script reports to the figures that are compared, and a table of them."""

from typing import Any

from rich.table import Table

TARGETS = {
    "completed orders/s, burst": ("at least 8 times the peer's", lambda ours, peer: ours / peer, 8.0, "higher"),
    "CPU ms an order": ("at most 1/8", lambda ours, peer: peer / ours, 8.0, "lower"),
    "accept p99 ms, 8 clients": ("at most 1/4", lambda ours, peer: peer / ours, 4.0, "lower"),
    "end-to-end p50 ms, 30/s": ("no worse", lambda ours, peer: peer / ours, 1.0, "lower"),
    "peak PSS MB": ("at most 1.3 times", lambda ours, peer: peer / ours, 1 / 1.3, "lower"),
}


def figures(report: dict[str, Any], idle_millicores: float) -> dict[str, float]:
    burst, opened = report["burst"], report["open"][0]
    accept = next(run for run in report["accept"] if run["conc"] == 8)
    return {
        "completed orders/s, burst": burst["completed_per_s"],
        "CPU ms an order": burst["cpu_ms_per_order"],
        "accept p99 ms, 8 clients": accept.get("p99_ms", accept.get("accept_p99_ms")),
        "end-to-end p50 ms, 30/s": opened["e2e_p50_ms"],
        "end-to-end p99 ms, 30/s": opened["e2e_p99_ms"],
        "peak PSS MB": burst["peak_pss_mb"],
        "idle millicores": idle_millicores,
        "others' cores meanwhile": burst["other_cores"],
        "late": burst["late_in_sweep"],
    }


def table(title: str, columns: dict[str, dict[str, float]]) -> Table:
    shown = Table("", *columns, title=title)
    for name in next(iter(columns.values())):
        shown.add_row(name, *(f"{column[name]:,.2f}" for column in columns.values()))
    return shown
