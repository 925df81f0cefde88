"""Run every benchmark, print the table and the ratios, write ``benchmarks/results.json``."""

import argparse
import json
import math
import os
import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import ours, peers, startup
from benchmarks.timing import Row
from metaanalysis import __version__
from metaanalysis.engines.threads import one_thread

RESULTS = Path(__file__).resolve().parent / "results.json"
PARTS: Mapping[str, Callable[[], list[Row]]] = {
    "linear": ours.linear,
    "metafor": peers.metafor,
    "family": ours.family,
    "growth": ours.growth,
    "memory": ours.memory,
    "threshold": ours.threshold,
    "start-up": startup.startup,
    "report": startup.report,
    "strucchange": peers.strucchange,
    "brms": peers.brms,
    "pymc": peers.pymc,
}
EXACT, BRMS = "exact: log evidence", "brms + bridgesampling"


def machine() -> dict[str, Any]:
    """Return what the numbers depend on."""
    packages = ("numpy", "scipy", "pandas", "pymc", "nutpie")
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processors": os.cpu_count(),
        "threads": 1,
        "load_at_start": round(os.getloadavg()[0], 2),
        "platform": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "metaanalysis": __version__,
        **{name: version(name) for name in packages},
    }


def seconds(rows: Sequence[Row], tool: str, case: str = "") -> float | None:
    """Return the median of the first row of a tool whose case begins with `case`."""
    return next((row.seconds for row in rows if row.tool == tool and row.case.startswith(case)), None)


def ratios(rows: Sequence[Row]) -> dict[str, float]:
    """Return how many times faster this package was than its peers, where both were measured."""
    pairs = {
        "brms + bridgesampling / exact log evidence": (seconds(rows, BRMS), seconds(rows, EXACT)),
        "brms + bridgesampling / exact full posterior": (seconds(rows, BRMS), seconds(rows, "exact: full posterior")),
        "PyMC engine + bridge / exact full posterior": (
            seconds(rows, "PyMC engine + bridge"),
            seconds(rows, "exact: full posterior"),
        ),
        "metafor REML / exact full posterior": (
            seconds(rows, "metafor rma.mv, REML"),
            seconds(rows, "exact: full posterior"),
        ),
        "metafor REML / REML here": (seconds(rows, "metafor rma.mv, REML"), seconds(rows, "REML")),
        "strucchange Fstats / f_statistics here": (
            seconds(rows, "strucchange Fstats"),
            seconds(rows, "f_statistics"),
        ),
    }
    return {name: float(f"{a / b:.3g}") for name, (a, b) in pairs.items() if a and b}


def targets(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return the limits the package sets itself, and what was found; those not measured are left out."""
    brms, exact = (next((row for row in rows if row.tool == tool), None) for tool in (BRMS, EXACT))
    growing = {
        name: [
            row.values["microseconds_per_effect"] for row in rows if row.group == "growth" and row.case.startswith(name)
        ]
        for name in ("linear", "step")
    }
    wanted: list[tuple[str, float | None, float]] = [
        (
            "whole family on 65 effects, evidence and posteriors, s",
            seconds(rows, "compare: evidence and posteriors"),
            1.0,
        ),
        ("whole family on 65 effects, evidence only, s", seconds(rows, "log evidence only"), 1.0),
        ("single linear model, s", seconds(rows, EXACT), 0.010),
        ("unknown threshold on a million rows, s", seconds(rows, "threshold_regression", "1000000"), 10.0),
        ("import metaanalysis, s", seconds(rows, "process", "import metaanalysis"), 0.33),
        ("metaanalysis check, s", seconds(rows, "process", "metaanalysis check"), 1.0),
        *(
            (f"{name}: time per effect at the largest size over that at the one before", per[-1] / per[-2], 1.5)
            for name, per in growing.items()
            if len(per) > 1
        ),
    ]
    found = [
        {"what": what, "limit": limit, "found": float(f"{value:.3g}"), "met": value <= limit}
        for what, value, limit in wanted
        if value is not None
    ]
    if brms and exact and brms.seconds and exact.seconds:
        ratio = brms.seconds / exact.seconds
        what = "brms + bridgesampling over exact, same model and data (at least)"
        found.append({"what": what, "limit": 500, "found": float(f"{ratio:.3g}"), "met": ratio >= 500})
        found.append(agreement(brms.values, exact.values["log_evidence"]))
    return found


def agreement(peer: Mapping[str, Any], exact: float) -> dict[str, Any]:
    """Return whether the peer's log evidence agrees with the exact one within its error.

    The error of the mean of the repeats is the larger of what bridgesampling states and what the repeats show.
    """
    values = peer["log_evidence"]
    mean = sum(values) / len(values)
    stated = max(peer["relative_error"])
    spread = math.sqrt(sum((v - mean) ** 2 for v in values) / max(len(values) - 1, 1))
    error = max(stated, spread) / math.sqrt(len(values))
    z = abs(mean - exact) / error
    what = f"log evidence: brms {mean:.3f} ± {error:.3f}, exact {exact:.4f}; distance in errors"
    return {"what": what, "limit": 3, "found": float(f"{z:.3g}"), "met": z <= 3}


def answers(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return how far the answers of peers are from those here: equal speed is not to be mistaken for equal work."""
    values = {row.tool: row.values for row in rows if row.values}
    found: list[tuple[str, float, float]] = []
    if "metafor rma.mv, REML" in values and "REML" in values:
        pairs = zip(values["metafor rma.mv, REML"]["beta"], values["REML"]["beta"], strict=True)
        found.append(("REML coefficients, metafor and here: largest distance", max(abs(a - b) for a, b in pairs), 1e-5))
    if "strucchange Fstats" in values and "f_statistics" in values:
        peer, own = values["strucchange Fstats"]["sup_f"], values["f_statistics"]["sup_f"]
        found.append(("sup-F, strucchange and here: relative distance", abs(peer / own - 1), 1e-8))
    if "PyMC engine + bridge" in values and EXACT in values:
        peer = values["PyMC engine + bridge"]
        distance = abs(peer["log_evidence"] - values[EXACT]["log_evidence"]) / peer["error"]
        found.append(("log evidence, PyMC and exact: distance in errors", distance, 3.0))
    return [
        {"what": what, "limit": limit, "found": float(f"{value:.3g}"), "met": value <= limit}
        for what, value, limit in found
    ]


def show(result: Mapping[str, Any]) -> None:
    """Print the results."""
    console = Console(width=None if sys.stdout.isatty() else 140, highlight=False)
    about = result["machine"]
    console.print(
        f"{about['date']}, {about['processors']} processors, {about['threads']} thread, Python {about['python']}, "
        f"NumPy {about['numpy']}, load {about['load_at_start']}"
    )
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("case", "tool", "median", "range", "n", "note"):
        table.add_column(name, justify="right" if name in ("median", "range", "n") else "left", overflow="fold")
    group = ""
    for row in result["rows"]:
        if row["group"] != group:
            group = row["group"]
            table.add_row(f"[bold]{group}[/bold]")
        note = row["note"]
        if group == "memory":
            note = f"{row['values']['added_mb']:.0f} MB above {row['values']['start_mb']:.0f} MB at start"
        elif "microseconds_per_effect" in row["values"]:
            note = f"{row['values']['microseconds_per_effect']:.1f} µs per effect"
        span = "" if row["lowest"] is None else f"{time(row['lowest'])} to {time(row['highest'])}"
        table.add_row(row["case"], row["tool"], time(row["seconds"]), span, str(row["repeats"] or ""), note)
    console.print(table)
    for name, ratio in result["ratios"].items():
        console.print(f"{name}: {ratio:,.3g} times")
    for target in result["targets"]:
        met = "met" if target["met"] else "[bold]missed[/bold]"
        console.print(f"{met}: {target['what']}: {target['found']:g} (limit {target['limit']:g})")


def time(value: float | None) -> str:
    """Return seconds with a unit that reads well."""
    if value is None:
        return "–"
    return f"{value:.2f} s" if value >= 1 else f"{value * 1e3:.3g} ms"


def collect(parts: Mapping[str, Callable[[], list[Row]]]) -> dict[str, Any]:
    """Run the parts one after another and return everything."""
    about = machine()
    rows: list[Row] = []
    for name, part in parts.items():
        if sys.stderr.isatty():
            print(f"benchmark: {name}", file=sys.stderr)
        with one_thread():
            rows += part()
    order = list(dict.fromkeys(row.group for row in rows))
    rows.sort(key=lambda row: order.index(row.group))
    return {
        "machine": about,
        "rows": [asdict(row) for row in rows],
        "ratios": ratios(rows),
        "targets": targets(rows) + answers(rows),
    }


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=list(PARTS), help="Parts to run; then nothing is written.")
    parser.add_argument("--out", type=Path, help="Where to write the results; default benchmarks/results.json.")
    chosen = parser.parse_args()
    result = collect({name: part for name, part in PARTS.items() if not chosen.only or name in chosen.only})
    show(result)
    out = chosen.out or (None if chosen.only else RESULTS)
    if out:
        out.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
